"""platform_api: plans, the organization's subscription and its invoices."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.domains.billing.models import Credit, Invoice, InvoiceStatus
from tests.support.members import join
from tests.support.world import World
from tests.surfaces.platform_api.test_auth import EMAIL, refused, scoped, wrong_fields

ROOT = "root@world.example"
DAY = 24 * 3600


@pytest.fixture
def token(world: World) -> str:
    """Give the scoped token of Jane, who owns an organization on trial."""
    world.organization(world.person(EMAIL))
    return scoped(world)


@pytest.fixture
def root(world: World) -> str:
    world.person(ROOT, admin=True)
    return world.token("platform_api", ROOT)


def subscribe(world: World, token: str, plan: str = "plan_pro") -> Any:
    return world.done("platform_api.billing.subscribe", token=token, json={"plan_id": plan})


def set_plan(world: World, root: str, tenant: str, **body: Any) -> Any:
    return world.call("platform_api.admin.set_tenant_plan", token=root, path={"tenant_id": tenant}, json=body)


def tenant_of(world: World, token: str) -> str:
    return str(world.done("platform_api.tenant.info", token=token)["id"])


def invoices(world: World) -> list[Invoice]:
    with world.app.app_context():
        found = db.session.scalars(sa.select(Invoice).order_by(Invoice.id)).all()
        db.session.expunge_all()
        return list(found)


def credit(world: World) -> int:
    with world.app.app_context():
        return int(db.session.scalar(sa.select(sa.func.coalesce(sa.func.sum(Credit.amount), 0))) or 0)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_plans_are_the_documented_ones(world: World, token: str) -> None:
    found = world.done("platform_api.billing.list_plans", token=token)
    assert [(plan["id"], plan["name"], plan["price"]) for plan in found] == [
        ("plan_dev", "Developer", 0),
        ("plan_pro", "Pro", 299),
        ("plan_enterprise", "Enterprise", 0),
    ]
    assert {plan["billing_cycle"] for plan in found} == {"MONTHLY"}
    assert found[0]["features"] == ["10,000 req/month", "1 API key", "7-day log retention"]
    assert all(set(plan) == {"id", "name", "price", "billing_cycle", "features"} for plan in found)


def test_a_paid_plan_is_active_at_once_and_invoiced(world: World, token: str) -> None:
    body = subscribe(world, token)
    assert set(body) == {"id", "plan_id", "plan_name", "status", "start_date", "end_date"}
    assert (body["plan_id"], body["plan_name"], body["status"]) == ("plan_pro", "Pro", "ACTIVE")
    assert body["id"].startswith("sub_")
    (invoice,) = invoices(world)
    year = invoice.issued_at.year
    assert (invoice.number, invoice.total, invoice.currency) == (f"INV-{year}-000001", 29_900, "USD")
    assert invoice.customer["email"] == EMAIL
    assert (invoice.due_at - invoice.issued_at).days == 14
    world.keep_promises()
    subjects = [message.subject for message in world.sent if message.to == EMAIL]
    assert f"Invoice {invoice.number}" in subjects
    assert "You are on Pro" in subjects
    assert "$299.00" in next(m.text for m in world.sent if m.subject.startswith("Invoice"))
    info = world.done("platform_api.tenant.info", token=token)["subscription"]
    assert info == {"plan": "Pro", "status": "ACTIVE", "end_date": body["end_date"]}


def test_the_same_plan_again_changes_nothing(world: World, token: str) -> None:
    first = subscribe(world, token)
    trail = len(world.trail())
    sent = len(world.sent)
    assert subscribe(world, token) == first
    assert len(invoices(world)) == 1
    assert (len(world.trail()), len(world.sent)) == (trail, sent)


def test_going_back_to_the_free_plan_credits_what_is_unused(
    world: World, token: str, move_clock: Callable[[int], None]
) -> None:
    first = subscribe(world, token)
    move_clock(10 * DAY)
    token = scoped(world)
    back = subscribe(world, token, "plan_dev")
    assert back["id"] != first["id"]
    assert (back["plan_name"], back["status"]) == ("Developer", "ACTIVE")
    assert moment(back["end_date"]) > clock.now()
    (invoice,) = invoices(world)
    assert invoice.status is InvoiceStatus.OPEN
    days = (moment(first["end_date"]) - moment(first["start_date"])).days
    assert abs(invoice.credited - 29_900 * (days - 10) // days) < 30
    assert credit(world) == 0
    assert subscribe(world, token, "plan_dev") == back


def test_credit_is_kept_for_the_next_invoice(world: World, token: str, root: str) -> None:
    tenant = tenant_of(world, token)
    subscribe(world, token)
    pay(world, invoices(world)[0])
    subscribe(world, token, "plan_dev")
    kept = credit(world)
    assert 29_800 < kept <= 29_900
    assert set_plan(world, root, tenant, plan_id="plan_enterprise", price=1000).status_code == 200
    last = invoices(world)[-1]
    assert (last.total, last.credited, last.due) == (100_000, kept, 100_000 - kept)
    assert credit(world) == 0


def pay(world: World, invoice: Invoice, status: InvoiceStatus = InvoiceStatus.PAID) -> None:
    from app.core.access import system  # noqa: PLC0415
    from app.domains.billing.invoices import close  # noqa: PLC0415
    from app.surfaces.shared.transaction import transaction  # noqa: PLC0415

    with world.app.app_context(), transaction():
        close(system("test"), found=db.session.get(Invoice, invoice.id), status=status)


def test_plans_that_cannot_be_had(world: World, token: str) -> None:
    for plan, status, code in (
        ("plan_none", 404, "plan:not_found"),
        ("pro", 404, "plan:not_found"),
        ("plan_enterprise", 400, "plan:not_purchasable"),
    ):
        answer = world.call("platform_api.billing.subscribe", token=token, json={"plan_id": plan})
        refused(answer, status, code)
    assert wrong_fields(world.call("platform_api.billing.subscribe", token=token, json={})) == [
        ["body", "plan_id"]
    ]
    forged = {"plan_id": "plan_pro", "price": 1, "currency": "EUR", "quantity": -1}
    answer = world.call("platform_api.billing.subscribe", token=token, json=forged)
    assert answer.status_code in {201, 422}
    assert all(invoice.total == 29_900 for invoice in invoices(world))


@pytest.mark.parametrize("role", ["manager", "member", "viewer"])
def test_owner_and_admin_alone_change_the_plan(world: World, token: str, role: str) -> None:
    join(world, "sam@world.example", role)
    other = scoped(world, "sam@world.example")
    answer = world.call("platform_api.billing.subscribe", token=other, json={"plan_id": "plan_pro"})
    refused(answer, 403, "auth:role_required")
    assert len(world.done("platform_api.billing.list_plans", token=other)) == 3
    assert invoices(world) == []


def test_a_plan_that_is_too_small_says_what_is_too_much(world: World, token: str) -> None:
    subscribe(world, token)
    for number in range(4):
        join(world, f"member{number}@world.example")
    answer = world.call("platform_api.billing.subscribe", token=token, json={"plan_id": "plan_dev"})
    refused(answer, 409, "plan:over_limit")
    assert answer.get_json()["detail"] == (
        "More is in use than this plan allows. Seats: 5 in use, 3 included, 2 too many."
    )


def test_an_admin_gives_a_plan_by_agreement(world: World, token: str, root: str) -> None:
    tenant = tenant_of(world, token)
    given = set_plan(world, root, tenant, plan_id="plan_enterprise").get_json()
    assert (given["plan_name"], given["status"]) == ("Enterprise", "ACTIVE")
    assert invoices(world) == []
    assert set_plan(world, root, tenant, plan_id="plan_enterprise").get_json() == given
    ends = clock_in(world, 366)
    terms = {"plan_id": "plan_enterprise", "price": 1234.5, "end_date": ends}
    agreed = set_plan(world, root, tenant, **terms).get_json()
    assert moment(agreed["end_date"]) == moment(ends)
    assert agreed["id"] != given["id"]
    assert [invoice.total for invoice in invoices(world)] == [123_450]
    assert set_plan(world, root, tenant, **terms).get_json() == agreed
    assert subscribe(world, token, "plan_enterprise") == agreed
    assert len(invoices(world)) == 1


def clock_in(world: World, days: int) -> str:
    from datetime import timedelta  # noqa: PLC0415

    with world.app.app_context():
        return (clock.now() + timedelta(days=days)).replace(microsecond=0).isoformat()


def test_what_an_admin_cannot_give(world: World, token: str, root: str) -> None:
    tenant = tenant_of(world, token)
    refused(set_plan(world, root, tenant, plan_id="plan_none"), 404, "plan:not_found")
    refused(set_plan(world, root, "ten_none", plan_id="plan_pro"), 404, "tenant:not_found")
    for field, value in (
        ("price", -1),
        ("price", "NaN"),
        ("price", 1e12),
        ("end_date", "2020-01-01T00:00:00Z"),
        ("end_date", "9999-12-31T23:59:59Z"),
        ("end_date", "soon"),
    ):
        answer = set_plan(world, root, tenant, plan_id="plan_pro", **{field: value})
        assert wrong_fields(answer) == [["body", field]], (field, value)
    refused(set_plan(world, token, tenant, plan_id="plan_pro"), 403, "auth:platform_admin_required")
    assert invoices(world) == []
