"""API tokens of one's own: made, listed, used, ended."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from app.core import jobs
from app.core.db import db
from app.core.secrets import token_hash
from app.domains.billing.models import Subscription
from app.domains.billing.usage import CallCount
from app.domains.permissions.roles import Role
from app.domains.sessions import api_token_values
from app.domains.sessions.models import UserSession
from app.domains.settings.models import SettingValue
from app.domains.tenants.models import Membership, MembershipStatus
from app.surfaces.shared import keeping
from app.surfaces.shared.transaction import transaction
from tests.contract.endpoints import ENDPOINTS
from tests.support.world import BROWSER, PASSWORD, World
from tests.surfaces.services_v1.conftest import CHARLIE, JANE, at_fault, refused

CREATE, LIST, REVOKE = (f"services_v1.api_tokens.{name}" for name in ("create", "list", "revoke"))
A_WHILE = 15 * 60 + 1
DAY = 24 * 3600


@pytest.fixture
def corp(world: World, jane: int) -> int:
    """Return Jane's organization."""
    return world.organization(jane)


def made(world: World, token: str, **more: Any) -> Any:
    body = {"name": "Nightly export", "scopes": ["read"], **more}
    return world.done(CREATE, token=token, json=body)["data"]


def ask(world: World, token: str, query: str = "", agent: str = BROWSER) -> Any:
    headers = {"Authorization": f"Bearer {token}", "User-Agent": agent}
    return world.app.test_client().get(ENDPOINTS[LIST].path + query, headers=headers)


def create(world: World, token: str, **more: Any) -> Any:
    return world.call(CREATE, token=token, json={"name": "Nightly export", "scopes": ["read"], **more})


def put(world: World, *rows: Any) -> None:
    with world.app.app_context(), transaction():
        db.session.add_all(rows)


def change(world: World, statement: sa.Update) -> None:
    with world.app.app_context(), transaction():
        db.session.execute(statement)


# ---- making one


def test_a_token_is_made_and_shown_once(world: World, corp: int, token: str) -> None:
    answer = create(world, token, scopes=["write", "read"])
    assert answer.status_code == 201
    body, example = answer.get_json(), ENDPOINTS[CREATE].entry["returns"]
    assert body["message"] == example["message"]
    assert set(body["data"]) == set(example["data"])
    assert (body["data"]["scopes"], body["data"]["environment"]) == (["read", "write"], "prod")
    assert body["data"]["tenant"] == {"id": corp, "name": "World Corp", "slug": "world-corp"}
    assert body["data"]["last_used_at"] is None
    value = body["data"]["token"]
    assert api_token_values.is_well_formed(value)
    assert body["data"]["prefix"] == value[:8]
    with world.app.app_context():
        row = db.session.get_one(UserSession, body["data"]["id"])
        assert row.token_hash == token_hash(value)
    assert value not in str(ask(world, token).get_json())


def test_its_person_is_told(world: World, corp: int, token: str) -> None:
    made(world, token, scopes=["read", "write"])
    world.keep_promises()
    mail = world.sent[-1]
    assert mail.subject == "A new API token: Nightly export"
    assert "(read, write)" in mail.text
    assert "/account/tokens" in mail.text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", " "),
        ("name", "x" * 101),
        ("name", "two\nlines"),
        ("scopes", []),
        ("scopes", ["read", "read"]),
        ("scopes", ["*"]),
        ("scopes", ["platform_admin"]),
        ("scopes", "read"),
        ("expires_in_days", 0),
        ("expires_in_days", -1),
        ("expires_in_days", 366),
        ("expires_in_days", 10**30),
        ("expires_in_days", "90"),
        ("environment", "live"),
        ("user_id", 1),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(
    world: World, corp: int, token: str, field: str, value: Any
) -> None:
    assert {name.split(".")[0] for name in at_fault(create(world, token, **{field: value}))} == {field}


def test_it_wants_a_fresh_proof(
    world: World, corp: int, token: str, move_clock: Callable[[int], None]
) -> None:
    move_clock(A_WHILE)
    refused(create(world, token), 403, "auth:step_up_required")
    proof = {"method": "password", "password": PASSWORD}
    world.done("services_v1.two_factor.security_verification", token=token, json=proof)
    assert create(world, token).status_code == 201


def test_it_wants_a_proven_address(world: World, jane: int, corp: int, token: str) -> None:
    world.unprove(jane)
    refused(create(world, token), 403, "auth:email_unverified")


def test_only_an_admin_of_the_platform_gets_the_scope_admin(world: World, corp: int, token: str) -> None:
    refused(create(world, token, scopes=["read", "admin"]), 403, "auth:scope_not_allowed")
    root = world.person("root@world.example", admin=True)
    world.organization(root, "root-corp")
    roots = made(world, world.token("services_v1", "root@world.example"), scopes=["admin"])["token"]
    assert world.call("platform_api.admin.list_tenants", token=roots).status_code == 200
    reading = made(
        world, world.token("services_v1", "root@world.example"), name="Reader", scopes=["read", "write"]
    )["token"]
    answer = world.call("platform_api.admin.list_tenants", token=reading)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "auth:scope_missing")


def test_another_organization_is_not_there(world: World, corp: int, token: str) -> None:
    other = world.organization(world.person(CHARLIE), "other-corp")
    for name in (other, 10**9, "ten_" + "0" * 32):
        refused(create(world, token, tenant_id=name), 404, "tenant:not_found")


def test_one_who_belongs_nowhere_gets_an_organization(world: World, jane: int, token: str) -> None:
    tenant = made(world, token)["tenant"]
    assert tenant["name"] == "Jane's organization"
    kinds = [str(row.kind) for row in world.trail()]
    assert kinds.count("tenant.created") == 1
    assert made(world, token, name="Second")["tenant"] == tenant


def test_none_named_is_the_one_joined_first(world: World, jane: int, corp: int, token: str) -> None:
    second = world.organization(jane, "second-corp")
    assert made(world, token)["tenant"]["id"] == corp
    assert made(world, token, name="There", tenant_id=second)["tenant"]["slug"] == "second-corp"


def test_a_viewer_gets_none(world: World, jane: int, corp: int, strangers_token: str) -> None:
    with world.app.app_context():
        charlie = db.session.scalar(sa.text("select max(id) from users"))
    viewer = Membership(tenant_id=corp, user_id=charlie, role=Role.VIEWER, status=MembershipStatus.ACTIVE)
    put(world, viewer)
    refused(create(world, strangers_token), 403, "auth:permission_denied")


def test_other_environments_need_the_right_to_switch(
    world: World, corp: int, strangers_token: str, token: str
) -> None:
    assert made(world, token, environment="staging")["environment"] == "staging"
    with world.app.app_context():
        charlie = db.session.scalar(sa.text("select max(id) from users"))
    put(world, Membership(tenant_id=corp, user_id=charlie, role=Role.MEMBER, status=MembershipStatus.ACTIVE))
    wide = create(world, strangers_token, environment="dev", name="Mine")
    assert wide.status_code == (201 if "environments.switch" in map(str, Role.MEMBER.base) else 403)


def test_an_organization_can_forbid_tokens(world: World, corp: int, token: str) -> None:
    value = made(world, token)["token"]
    assert ask(world, value).status_code == 200
    put(world, SettingValue(key="data.api_tokens_enabled", value=False, tenant_id=corp))
    refused(create(world, token, name="Another"), 403, "auth:permission_denied")
    refused(ask(world, value), 401, "auth:unauthenticated")
    assert ask(world, value).headers["X-Refused-By"] == "organization"
    assert ask(world, token).status_code == 200


def test_the_plan_bounds_the_tokens_of_each_environment(world: World, corp: int, token: str) -> None:
    change(world, sa.update(Subscription).values(plan_code="dev"))
    first = made(world, token)
    refused(create(world, token, name="Second"), 402, "plan:api_token_limit")
    made(world, token, name="Staging", environment="staging")
    world.done(REVOKE, token=token, json={"token_id": first["id"]})
    made(world, token, name="Second")


def test_a_name_is_unique_among_live_tokens(
    world: World, corp: int, token: str, move_clock: Callable[[int], None]
) -> None:
    first = made(world, token, expires_in_days=1)
    refused(create(world, token, name=" Nightly export "), 409, "api_token:name_taken")
    world.done(REVOKE, token=token, json={"token_id": first["id"]})
    made(world, token, expires_in_days=1)
    move_clock(DAY + 1)
    made(world, world.token("services_v1", JANE))


def test_an_hour_takes_twenty(world: World, corp: int, token: str) -> None:
    for _ in range(20):
        assert create(world, token, name="").status_code == 422
    assert create(world, token).status_code == 429
    assert ask(world, token).status_code == 200


# ---- listing them


def test_the_list_shows_ones_own(world: World, corp: int, token: str, strangers_token: str) -> None:
    value = made(world, token)["token"]
    made(world, token, name="Staging", environment="staging")
    body = ask(world, token).get_json()
    example = ENDPOINTS[LIST].entry["returns"]
    assert body["meta"] == {"current_page": 1, "per_page": 20, "total": 2, "last_page": 1}
    assert [row["name"] for row in body["data"]] == ["Staging", "Nightly export"]
    assert all(set(row) == set(example["data"][0]) for row in body["data"])
    assert body["data"][1]["last_used_at"] is None
    assert body["data"][1]["last_used_ip"] is None
    assert ask(world, value, agent="curl/8.9.1").status_code == 200
    used = ask(world, token).get_json()["data"][1]
    assert used["last_used_at"] is not None
    assert used["last_used_ip"] == "127.0.0.1"
    assert ask(world, strangers_token).get_json()["data"] == []
    sessions = world.done("services_v1.active_sessions.list", token=token)["data"]
    assert [s["user_agent"] for s in sessions if s["id"] == used["id"]] == ["curl/8.9.1"]


def test_the_list_can_be_cut(
    world: World, jane: int, corp: int, token: str, move_clock: Callable[[int], None]
) -> None:
    second = world.organization(jane, "second-corp")
    made(world, token, expires_in_days=1)
    made(world, token, name="Staging", environment="staging")
    made(world, token, name="There", tenant_id=second)

    def names(query: str, with_token: str = token) -> list[str]:
        return [row["name"] for row in ask(world, with_token, query).get_json()["data"]]

    assert names(f"?tenant_id={second}") == ["There"]
    assert names("?environment=staging") == ["Staging"]
    assert names("?tenant_id=999999") == []
    assert names("?per_page=1&page=3") == ["Nightly export"]
    move_clock(DAY + 1)
    later = world.token("services_v1", JANE)
    assert names("", later) == ["There", "Staging"]
    body = ask(world, later, "?include_expired=true").get_json()["data"]
    assert [row["expired"] for row in body] == [False, False, True]
    for query, field in (("?environment=x", "environment"), ("?include_expired=perhaps", "include_expired")):
        assert at_fault(ask(world, later, query)) == {field}


def test_a_list_costs_the_same_whatever_its_length(
    world: World, corp: int, token: str, database: sa.Connection
) -> None:
    asked: list[str] = []
    sa.event.listen(database, "before_cursor_execute", lambda *call: asked.append(call[2]))
    made(world, token)
    asked.clear()
    ask(world, token)
    one = len(asked)
    for number in range(5):
        made(world, token, name=f"Token {number}")
    asked.clear()
    assert len(ask(world, token).get_json()["data"]) == 6
    assert len(asked) == one


# ---- ending one


def test_an_ended_token_is_dead_at_the_next_call(
    world: World, corp: int, token: str, strangers_token: str
) -> None:
    found = made(world, token)
    named = {"token_id": found["id"]}
    refused(world.call(REVOKE, token=strangers_token, json=named), 404, "api_token:not_found")
    assert ask(world, found["token"]).status_code == 200
    body = world.done(REVOKE, token=token, json=named)
    assert set(body["data"]) == {"id", "revoked_at"}
    assert body["message"] == "API token revoked."
    refused(ask(world, found["token"]), 401, "auth:unauthenticated")
    refused(world.call(REVOKE, token=token, json=named), 404, "api_token:not_found")


def test_only_tokens_are_ended_here(world: World, corp: int, token: str) -> None:
    here = world.done("services_v1.active_sessions.list", token=token)["data"][0]["id"]
    refused(world.call(REVOKE, token=token, json={"token_id": here}), 404, "api_token:not_found")
    refused(world.call(REVOKE, token=token, json={"token_id": "x"}), 404, "api_token:not_found")


def test_a_token_is_also_ended_as_the_session_it_is(world: World, corp: int, token: str) -> None:
    found = made(world, token)
    world.done("services_v1.active_sessions.revoke", token=token, json={"session_id": found["id"]})
    refused(ask(world, found["token"]), 401, "auth:unauthenticated")


# ---- the month's calls


def test_calls_are_counted_by_month_and_refused_when_used_up(
    world: World, corp: int, token: str, monkeypatch: pytest.MonkeyPatch, move_clock: Callable[[int], None]
) -> None:
    from app.domains.billing.plans import DEV  # noqa: PLC0415 - patched below

    monkeypatch.setitem(DEV.limits, "requests_per_month", 3)  # type: ignore[index]
    change(world, sa.update(Subscription).values(plan_code="dev"))
    value = made(world, token)["token"]
    staging = made(world, token, name="Staging", environment="staging")["token"]
    assert [ask(world, value).status_code for _ in range(4)] == [200, 200, 200, 402]
    refused(ask(world, value), 402, "plan:request_quota")
    assert world.call("platform_api.tenant.info", token=value).status_code == 402
    assert ask(world, token).status_code == 200  # people at work are not held up
    assert ask(world, staging).status_code == 200
    move_clock(31 * DAY)
    assert ask(world, value).status_code == 200
    with world.app.app_context():
        months = sa.select(CallCount.month).distinct()
        keeping.run_job(jobs.JOBS["retention.prune"])
        assert len(db.session.scalars(months).all()) == 2
        move_clock(500 * DAY)
        keeping.run_job(jobs.JOBS["retention.prune"])
        assert db.session.scalars(months).all() == []
