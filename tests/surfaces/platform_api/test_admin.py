"""platform_api: what the platform's admins see and decide."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from app.core import figures
from app.core.access import system
from app.domains.auth import admins
from app.surfaces.shared.transaction import transaction
from tests.support.world import PASSWORD, World
from tests.surfaces.platform_api.test_auth import EMAIL, refused, scoped, tenant_of, wrong_fields

ADMIN = "root@portico.example"


@pytest.fixture
def admin(world: World) -> str:
    """Give the global token of an admin of the platform."""
    with world.app.app_context(), transaction():
        admins.appoint(system("test"), email=ADMIN, password=PASSWORD)
    return world.token("platform_api", ADMIN)


@pytest.fixture
def tenant(world: World) -> str:
    """Give Jane's organization."""
    world.organization(world.person(EMAIL))
    return tenant_of(world, world.token("platform_api"))


def get(world: World, token: str, address: str) -> dict[str, object]:
    headers = {"Authorization": f"Bearer {token}"}
    answer = world.app.test_client().get(f"/platform/api/admin/{address}", headers=headers)
    assert answer.status_code == 200, answer.text
    body: dict[str, object] = answer.get_json()
    return body


def set_status(world: World, token: str, tenant: str, **body: str) -> dict[str, object]:
    found: dict[str, object] = world.done(
        "platform_api.admin.set_tenant_status", token=token, path={"tenant_id": tenant}, json=body
    )
    return found


def test_only_admins_of_the_platform_look(world: World, tenant: str) -> None:
    for token in (world.token("platform_api"), scoped(world)):
        for name in ("list_tenants", "list_users"):
            refused(
                world.call(f"platform_api.admin.{name}", token=token), 403, "auth:platform_admin_required"
            )
        answer = world.call(
            "platform_api.admin.set_tenant_status",
            token=token,
            path={"tenant_id": tenant},
            json={"status": "archived"},
        )
        refused(answer, 403, "auth:platform_admin_required")


def test_organizations_are_listed_and_searched(world: World, admin: str, tenant: str) -> None:
    row = {
        "id": tenant,
        "name": "World Corp",
        "slug": "world-corp",
        "status": "active",
        "subscription_plan": "Pro",
        "member_count": 1,
    }
    assert get(world, admin, "tenants") == {"items": [row], "total": 1}
    assert get(world, admin, "tenants?search=ORLD-c&status=active&limit=1")["total"] == 1
    for nothing in ("status=suspended", "search=%25", "search=nope", "search=_orld"):
        assert get(world, admin, f"tenants?{nothing}") == {"items": [], "total": 0}
    assert get(world, admin, "tenants?offset=5") == {"items": [], "total": 1}


def test_people_are_listed_and_searched(world: World, admin: str, tenant: str) -> None:
    found = get(world, admin, "users?email=WORLD.ex")
    assert found["total"] == 1
    (row,) = found["items"]  # type: ignore[misc]
    assert set(row) == {
        "id",
        "email",
        "first_name",
        "last_name",
        "status",
        "is_platform_admin",
        "email_verified",
        "two_factor_enabled",
        "tenant_count",
        "last_login_at",
        "created_at",
    }
    assert (row["status"], row["tenant_count"]) == ("active", 1)
    assert row["last_login_at"]
    assert get(world, admin, "users")["total"] == 2
    assert get(world, admin, "users?status=disabled")["total"] == 0
    assert get(world, admin, "users?status=pending")["total"] == 0


def test_a_suspended_organization_is_shut_at_the_next_call(world: World, admin: str, tenant: str) -> None:
    inside, outside = scoped(world), world.token("platform_api")
    body = set_status(world, admin, tenant, status="suspended", reason="Payment overdue")
    assert set(body) == {"id", "name", "slug", "status", "subscription_plan", "member_count", "reason"}
    assert (body["status"], body["reason"]) == ("suspended", "Payment overdue")
    refused(world.call("platform_api.tenant.info", token=inside), 403, "tenant:suspended")
    select = world.call("platform_api.auth.select_tenant", token=outside, json={"tenant_id": tenant})
    refused(select, 403, "tenant:suspended")
    assert world.done("platform_api.tenants.list", token=outside)[0]["status"] == "suspended"
    assert world.mailed(r"status of (World Corp is now suspended)")
    assert world.mailed(r"Reason given: (Payment overdue)\.")
    assert set_status(world, admin, tenant, status="active")["reason"] is None
    world.done("platform_api.tenant.info", token=inside)


def test_owner_and_billing_address_are_told_once_each(world: World, admin: str) -> None:
    world.person(EMAIL)
    token = world.token("platform_api")
    body = {"name": "Acme", "slug": "acme", "billing_email": "bills@world.example"}
    tenant = world.done("platform_api.tenants.create", token=token, json=body)["id"]
    world.keep_promises()
    world.sent.clear()
    set_status(world, admin, tenant, status="suspended")
    set_status(world, admin, tenant, status="suspended", reason="Said later")
    world.keep_promises()
    assert sorted(message.to for message in world.sent) == ["bills@world.example", EMAIL]
    kinds = [row.kind for row in world.trail() if row.kind == "tenant.status_changed"]
    assert len(kinds) == 2


def test_an_organization_that_comes_back_from_closing_has_no_new_trial(
    world: World, admin: str, tenant: str
) -> None:
    inside = scoped(world)
    set_status(world, admin, tenant, status="archived")
    refused(world.call("platform_api.tenant.info", token=inside), 403, "tenant:archived")
    assert set_status(world, admin, tenant, status="active")["subscription_plan"] == "Developer"
    assert world.done("platform_api.tenant.info", token=inside)["subscription"]["status"] == "ACTIVE"


def test_what_is_no_status_or_no_organization_is_refused(world: World, admin: str, tenant: str) -> None:
    call = "platform_api.admin.set_tenant_status"
    answer = world.call(call, token=admin, path={"tenant_id": tenant}, json={"status": "deleted"})
    assert wrong_fields(answer) == [["body", "status"]]
    for unknown in ("ten_none", "ten_" + "f" * 32, "99999999999999999999"):
        answer = world.call(call, token=admin, path={"tenant_id": unknown}, json={"status": "active"})
        refused(answer, 404, "tenant:not_found")


@pytest.mark.parametrize("address", ["admin/tenants", "admin/users", "global/tenants"])
def test_a_list_costs_the_same_for_one_row_and_for_many(
    world: World, database: sa.Connection, admin: str, address: str
) -> None:
    asked: list[str] = []
    sa.event.listen(database, "before_cursor_execute", lambda *call: asked.append(call[2]))
    headers = {"Authorization": f"Bearer {admin}"}

    def cost() -> int:
        asked.clear()
        assert world.app.test_client().get(f"/platform/api/{address}", headers=headers).status_code == 200
        return len(asked)

    body = {"name": "Acme", "slug": "acme-0"}
    world.done("platform_api.tenants.create", token=admin, json=body)
    first = cost()
    for number in range(1, 6):
        body = {"name": "Acme", "slug": f"acme-{number}"}
        world.done("platform_api.tenants.create", token=admin, json=body)
        world.person(f"person-{number}@world.example")
    assert cost() == first <= 6


def test_figures_tell_what_there_is_and_what_went_on(world: World, admin: str, tenant: str) -> None:
    figures.forget()
    before = get(world, admin, "stats")
    set_status(world, admin, tenant, status="suspended")
    wrong_scope = world.call("platform_api.admin.stats", token=world.token("platform_api"))
    refused(wrong_scope, 403, "auth:platform_admin_required")
    world.app.test_client().get("/health-check")
    world.app.test_client().get("/sign-in")
    with world.app.app_context():
        figures.flush()
    after = get(world, admin, "stats")
    assert (before["total_tenants"], before["active_tenants"], before["total_users"]) == (1, 1, 2)
    assert (after["total_tenants"], after["active_tenants"]) == (1, 0)
    # the first look, the status, a sign-in, and the refusal
    assert after["total_api_requests_24h"] == 4 + int(str(before["total_api_requests_24h"]))
    assert after["total_violations_24h"] == 1 + int(str(before["total_violations_24h"]))


def test_figures_are_those_of_a_day(world: World, admin: str, move_clock: Callable[[int], None]) -> None:
    figures.forget()
    get(world, admin, "stats")
    with world.app.app_context():
        figures.flush()
    assert get(world, admin, "stats")["total_api_requests_24h"] == 1
    move_clock(25 * 3600)
    again = world.token("platform_api", ADMIN)
    assert get(world, again, "stats")["total_api_requests_24h"] == 0


def test_sign_ups_and_mails_are_counted_with_what_they_count(world: World) -> None:
    body = {"email": "nia@world.example", "password": PASSWORD, "first_name": "Nia", "last_name": "New"}
    world.done("platform_api.auth.register", json=body)
    world.keep_promises()
    with world.app.app_context():
        names = {figures.SIGN_UPS: "sign_ups", figures.MAILS: "mails"}
        hour = figures.this_hour()
        counted = {name: times for at, name, times in figures.by_hour(since=hour, series=names) if at == hour}
    assert (counted["sign_ups"], counted["mails"]) == (1, len(world.sent))
