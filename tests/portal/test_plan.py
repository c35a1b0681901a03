"""Pages of plans and invoices: the organization's, the mailed one, and those of the platform's admins."""

import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from app.core.db import db
from app.domains.audit.models import AuditEvent
from app.domains.billing.models import Invoice
from app.domains.tenants.models import Tenant, TenantStatus
from app.surfaces.shared.transaction import transaction
from tests.portal.conftest import Visitor
from tests.support.members import join
from tests.support.service import put
from tests.support.world import PASSWORD, World

OWNER, ROOT = "jane@world.example", "root@world.example"
PLAN = "/organization/plan"


@pytest.fixture
def owner(world: World) -> Visitor:
    world.organization(world.person(OWNER))
    return signed_in(world, OWNER)


@pytest.fixture
def root(world: World) -> Visitor:
    world.person(ROOT, admin=True)
    return signed_in(world, ROOT)


def signed_in(world: World, email: str) -> Visitor:
    visitor = Visitor(world.app.test_client())
    assert visitor.sign_in(email, PASSWORD).status_code == 303
    return visitor


def invoice_uid(world: World) -> str:
    with world.app.app_context():
        return str(db.session.scalars(sa.select(Invoice.uid)).one())


def buy(owner: Visitor, plan: str = "pro") -> None:
    assert owner.send(f"{PLAN}/{plan}", on=f"{PLAN}/{plan}").status_code == 303


def test_plans_stand_side_by_side_with_what_is_in_use(owner: Visitor) -> None:
    text = owner.get(PLAN).text
    assert all(name in text for name in ("Developer", "Pro", "Enterprise", "By agreement", "299.00"))
    assert "14 days" in text
    assert "1 / 25" in text
    assert "No invoices yet" in text


def test_nothing_to_pay_is_written_in_the_organizations_own_currency_until_something_has_a_price(
    owner: Visitor, world: World
) -> None:
    put(world, "localization.currency", "CHF", environment="")
    assert "CHF" in owner.get(PLAN).text
    buy(owner)
    assert "CHF" not in owner.get(PLAN).text, "from now on all is in the currency of the price"


def test_an_owner_sees_what_a_plan_costs_and_chooses_it(owner: Visitor, world: World) -> None:
    assert "299.00" in owner.get(f"{PLAN}/pro").text
    buy(owner)
    text = owner.get(PLAN).text
    uid = invoice_uid(world)
    assert f"/organization/invoices/{uid}" in text
    paper = owner.get(f"/organization/invoices/{uid}").text
    assert "INV-" in paper
    assert "World Corp" in paper
    assert owner.get(f"{PLAN}/none").status_code == 404
    assert owner.send(f"{PLAN}/enterprise", on=f"{PLAN}/pro").status_code == 400


def test_the_mailed_link_shows_the_invoice_to_whoever_has_it(owner: Visitor, world: World) -> None:
    buy(owner)
    path = world.mailed(r"http://localhost(/invoices/\S+)")
    stranger = world.app.test_client()
    assert "World Corp" in stranger.get(path).text
    for wrong in (path[:-2], path + "x", "/invoices/nothing", f"/invoices/{invoice_uid(world)}"):
        assert stranger.get(wrong).status_code == 404, wrong


def test_everybody_sees_the_plan_and_owner_and_admin_choose(owner: Visitor, world: World) -> None:
    for role in ("viewer", "member", "manager"):
        join(world, f"{role}@world.example", role)
        other = signed_in(world, f"{role}@world.example")
        assert "The owner or an admin chooses the plan." in other.get(PLAN).text
        assert other.get(f"{PLAN}/pro").status_code == 403
        assert other.send(f"{PLAN}/pro", on="/account/password").status_code == 403
        taken = other.send(f"{PLAN}/billing-email", {"value": "x@y.example"}, on="/account/password")
        assert taken.status_code == 403
    join(world, "admin@world.example", "admin")
    buy(signed_in(world, "admin@world.example"))


def test_the_billing_address_is_changed_and_audited(owner: Visitor, world: World) -> None:
    assert owner.send(f"{PLAN}/billing-email", {"value": "nowhere"}, on=PLAN).status_code == 422
    assert owner.send(f"{PLAN}/billing-email", {"value": "pay@world.example"}, on=PLAN).status_code == 303
    with world.app.app_context():
        assert db.session.scalars(sa.select(Tenant.billing_email)).one() == "pay@world.example"
        kinds = db.session.scalars(sa.select(AuditEvent.kind)).all()
    assert "setting.updated" in kinds


def test_an_admin_marks_an_invoice_paid(owner: Visitor, root: Visitor, world: World) -> None:
    buy(owner)
    page = f"/platform/invoices/{invoice_uid(world)}"
    listed = root.get("/platform/invoices?status=open&q=world-corp").text
    assert page in listed
    assert page not in root.get("/platform/invoices?status=paid").text
    assert root.send(page, {"status": "void"}, on=page).status_code == 422
    assert root.send(page, {"status": "paid", "reason": "Transfer 4711"}, on=page).status_code == 303
    assert "Transfer 4711" in root.get(page).text
    assert (
        root.send(
            page,
            {"status": "void", "reason": "Late"},
            on="/account/password",
        ).status_code
        == 409
    )
    assert owner.get(page).status_code == 403
    assert [str(row.kind) for row in world.trail()].count("invoice.paid") == 1


def test_an_old_sign_in_proves_itself_before_it_closes_an_invoice(
    owner: Visitor, root: Visitor, world: World, move_clock: Callable[[int], None]
) -> None:
    buy(owner)
    page = f"/platform/invoices/{invoice_uid(world)}"
    move_clock(15 * 60 + 1)
    assert root.send(page, {"status": "paid"}, on=page).status_code == 403
    with world.app.app_context():
        assert db.session.scalars(sa.select(Invoice.status)).one() == "open"


def test_an_admin_agrees_on_a_plan(owner: Visitor, root: Visitor, world: World) -> None:
    with world.app.app_context():
        uid = db.session.scalars(sa.select(Tenant.uid)).one()
    page = f"/platform/organizations/{uid}/plan"
    assert '<option value="pro" selected>Pro</option>' in root.get(page).text
    assert root.send(page, {"plan_id": "enterprise", "price": "-1"}, on=page).status_code == 422
    assert 'value="plenty"' in root.send(page, {"plan_id": "enterprise", "price": "plenty"}, on=page).text
    fields = {"plan_id": "enterprise", "price": "1200.50", "end_date": "2030-01-01"}
    assert root.send(page, fields, on=page).status_code == 303
    text = owner.get(PLAN).text
    assert re.search(r"Enterprise", text)
    assert "1,200.50" in text


def test_the_pages_cost_the_same_for_one_and_for_a_hundred_invoices(
    owner: Visitor, root: Visitor, world: World
) -> None:
    buy(owner)

    def queries(visitor: Visitor, path: str) -> int:
        counted: list[str] = []
        with world.app.app_context():
            engine = db.engine

        def count(*args: object) -> None:
            counted.append(str(args[2]))

        sa.event.listen(sa.Engine, "before_cursor_execute", count)
        try:
            assert visitor.get(path).status_code == 200
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", count)
        assert engine is not None
        return len(counted)

    before = [queries(owner, PLAN), queries(root, "/platform/invoices")]
    with world.app.app_context():
        first = db.session.scalars(sa.select(Invoice)).one()
        values = {c.name: getattr(first, c.name) for c in Invoice.__table__.c if c.name not in ("id", "uid")}
        from app.core.ids import new_uid  # noqa: PLC0415

        for number in range(2, 100):
            more = {
                "number": f"X{number}",
                "sequence": number,
                "uid": new_uid(),
                "subscription_uid": new_uid(),
            }
            db.session.execute(sa.insert(Invoice).values(**{**values, **more}))
        db.session.commit()
    assert [queries(owner, PLAN), queries(root, "/platform/invoices")] == before
    assert "cursor=" in owner.get(PLAN).text
    assert owner.get(f"{PLAN}?cursor=wrong").status_code == 200


def test_anothers_invoice_is_not_there(owner: Visitor, world: World) -> None:
    buy(owner)
    world.organization(world.person("eve@world.example"), slug="eve-corp")
    eve = signed_in(world, "eve@world.example")
    assert eve.get(f"/organization/invoices/{invoice_uid(world)}").status_code == 404
    assert invoice_uid(world) not in eve.get(PLAN).text
    assert eve.get(f"/platform/invoices/{invoice_uid(world)}").status_code == 403


def test_while_suspended_the_owner_still_sees_what_is_open(owner: Visitor, world: World) -> None:
    buy(owner)
    with world.app.app_context(), transaction():
        db.session.scalars(sa.select(Tenant)).one().status = TenantStatus.SUSPENDED
    assert owner.get(f"/organization/invoices/{invoice_uid(world)}").status_code == 200
    assert "INV-" in owner.get(PLAN).text
    assert owner.send(f"{PLAN}/dev", on="/account/password").status_code == 403
