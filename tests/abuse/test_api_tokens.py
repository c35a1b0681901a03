"""Abuse of API tokens (abuse-and-faults: C12, E06, E07, G01 to G07, H04), on each surface that takes them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from app.core import clock
from app.core.db import db
from app.domains.accounts.models import User
from app.domains.sessions import api_token_values
from app.domains.sessions.models import UserSession
from app.domains.settings.models import SettingValue
from app.domains.tenants.models import Membership, MembershipStatus, Tenant, TenantStatus
from app.surfaces.shared.transaction import transaction
from tests.abuse.ways import CHARLIE, JANE
from tests.contract.endpoints import ENDPOINTS
from tests.support.calls import code_of
from tests.support.world import BROWSER, PASSWORD, World

CREATE, LIST, REVOKE = (f"services_v1.api_tokens.{name}" for name in ("create", "list", "revoke"))
READS = ("services_v1.user.get", "api_v1.tenants.me", "platform_api.tenant.info", "v0.users.me")
"""One call of each dialect that an API token may make."""
IN_A_TENANT = READS[1:3]

every_read = pytest.mark.parametrize("endpoint_id", READS)


def ask(world: World, token: str, **more: Any) -> TestResponse:
    body = {"name": "Nightly export", "scopes": ["read"], **more}
    return world.call(CREATE, token=token, json=body)


def made(world: World, email: str = JANE, **more: Any) -> Any:
    answer = ask(world, world.token("services_v1", email), **more)
    assert answer.status_code == 201, answer.text
    return answer.get_json()["data"]


def said(endpoint_id: str, answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, code_of(endpoint_id.partition(".")[0], answer.get_json())


def change(world: World, statement: sa.Update) -> None:
    with world.app.app_context(), transaction():
        db.session.execute(statement)


def rule(world: World, key: str, value: Any) -> None:
    """Set a rule of Jane's organization."""
    with world.app.app_context(), transaction():
        tenant_id = db.session.scalar(sa.select(Tenant.id).where(Tenant.slug == "world-corp"))
        db.session.add(SettingValue(key=key, value=value, tenant_id=tenant_id))


# ---- C12


@every_read
def test_c12_a_token_does_not_go_round_an_enforced_second_factor(town: World, endpoint_id: str) -> None:
    token = made(town)["token"]
    rule(town, "auth.mfa_enforced", True)
    assert said(endpoint_id, town.call(endpoint_id, token=token)) == (403, "two_factor:setup_required")


def test_c12_nobody_without_the_second_factor_makes_a_token_there(town: World) -> None:
    token = town.token("services_v1", JANE)
    rule(town, "auth.mfa_enforced", True)
    assert said(CREATE, ask(town, token)) == (403, "two_factor:setup_required")


@pytest.mark.parametrize("method", ["code", "oauth"])
def test_c12_a_sign_in_that_an_organization_does_not_take_makes_no_token_there(
    town: World, method: str
) -> None:
    token = town.token("services_v1", JANE)
    change(town, sa.update(UserSession).values(method=method))
    rule(town, {"code": "auth.code_login_enabled", "oauth": "auth.social_login_enabled"}[method], False)
    answer = ask(town, token)
    assert (answer.status_code, answer.get_json().get("code")) == (403, "auth:permission_denied")


def test_c12_a_sign_in_older_than_an_organization_wants_makes_no_token_there(town: World) -> None:
    token = town.token("services_v1", JANE)
    rule(town, "auth.session_lifetime", 1)
    change(town, sa.update(UserSession).values(created_at=datetime.now(UTC) - timedelta(days=2)))
    answer = ask(town, token)
    assert (answer.status_code, answer.get_json().get("code")) == (403, "auth:permission_denied")


# ---- E06, E07


@every_read
def test_e06_a_removed_members_token_is_dead(town: World, endpoint_id: str) -> None:
    token = made(town)["token"]
    assert town.call(endpoint_id, token=token).status_code == 200
    change(town, sa.update(Membership).values(status=MembershipStatus.INACTIVE))
    assert said(endpoint_id, town.call(endpoint_id, token=token)) == (401, "auth:unauthenticated")


@every_read
def test_e07_a_disabled_persons_token_is_dead(town: World, endpoint_id: str) -> None:
    token = made(town)["token"]
    change(town, sa.update(User).values(disabled_at=sa.func.current_timestamp()))
    assert said(endpoint_id, town.call(endpoint_id, token=token)) == (401, "auth:unauthenticated")


@every_read
@pytest.mark.parametrize("status", [TenantStatus.SUSPENDED, TenantStatus.ARCHIVED])
def test_e07_a_closed_organizations_token_is_refused(
    town: World, endpoint_id: str, status: TenantStatus
) -> None:
    token = made(town)["token"]
    change(town, sa.update(Tenant).values(status=status))
    assert said(endpoint_id, town.call(endpoint_id, token=token)) == (403, f"tenant:{status}")


@every_read
def test_e07_a_token_that_ran_out_is_dead(
    town: World, endpoint_id: str, move_clock: Callable[[int], None]
) -> None:
    token = made(town, expires_in_days=1)["token"]
    move_clock(24 * 3600 + 1)
    assert said(endpoint_id, town.call(endpoint_id, token=token)) == (401, "auth:unauthenticated")


@pytest.mark.parametrize("endpoint_id", IN_A_TENANT)
def test_e07_a_token_for_staging_ends_with_the_right_to_work_there(town: World, endpoint_id: str) -> None:
    token = made(town, environment="staging")["token"]
    assert town.call(endpoint_id, token=token).status_code == 200
    change(town, sa.update(Membership).values(role="viewer"))
    assert said(endpoint_id, town.call(endpoint_id, token=token)) == (403, "auth:permission_denied")


# ---- G01


def test_g01_the_value_is_shown_once_and_stored_nowhere(town: World, database: sa.Connection) -> None:
    given: list[str] = []
    sa.event.listen(database, "before_cursor_execute", lambda *call: given.append(repr(call[3])))
    session = town.token("services_v1", JANE)
    found = ask(town, session).get_json()["data"]
    value = found["token"]
    assert town.call("v0.users.me", token=value).status_code == 200
    town.keep_promises()
    for endpoint_id in (LIST, "services_v1.active_sessions.list"):
        assert value not in town.call(endpoint_id, token=session).text
    assert not [parameters for parameters in given if value in parameters]
    assert not [mail for mail in town.sent if value in mail.text + mail.html]
    assert not [row for row in town.trail() if value in str(row.changes)]
    assert any(found["prefix"] in parameters for parameters in given)


# ---- G02


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"user_id": 2}, 422, "validation"),
        ({"userId": 2}, 422, "validation"),
        ({"tenantId": 1}, 422, "validation"),
        ({"scopes": ["*"]}, 422, "validation"),
        ({"scopes": ["read", "platform_admin"]}, 422, "validation"),
        ({"scopes": []}, 422, "validation"),
        ({"scopes": ["read", "read"]}, 422, "validation"),
        ({"scopes": ["read", "admin"]}, 403, "auth:scope_not_allowed"),
        ({"expires_in_days": -1}, 422, "validation"),
        ({"expires_in_days": 366}, 422, "validation"),
        ({"expires_in_days": 10**9}, 422, "validation"),
        ({"expires_at": "9999-12-31T00:00:00Z"}, 422, "validation"),
        ({"value": "pat_" + "A" * 32}, 422, "validation"),
    ],
)
def test_g02_nobody_asks_for_more_than_there_is(
    town: World, more: dict[str, Any], status: int, code: str
) -> None:
    assert said(CREATE, ask(town, town.token("services_v1", JANE), **more)) == (status, code)


def test_g02_h04_anothers_organization_is_not_there(town: World) -> None:
    with town.app.app_context():
        other = db.session.scalar(sa.select(Tenant.id).where(Tenant.slug == "other-corp"))
    answer = ask(town, town.token("services_v1", JANE), tenant_id=other)
    assert said(CREATE, answer) == (404, "tenant:not_found")


# ---- G03 (every route is swept in tests/architecture/test_scopes.py)


def test_g03_a_token_makes_no_token_and_changes_no_credential(town: World) -> None:
    token = made(town, scopes=["read", "write", "billing"])["token"]
    alone = (403, "auth:interactive_session_required")
    assert said(CREATE, ask(town, token, name="Wider", scopes=["read", "billing"])) == alone
    assert said(REVOKE, town.call(REVOKE, token=token, json={"token_id": 1})) == alone
    passwords = {"current_password": PASSWORD, "new_password": "another horse battery"}
    for endpoint_id in ("v0.auth.change_password", "platform_api.auth.change_password"):
        assert said(endpoint_id, town.call(endpoint_id, token=token, json=passwords)) == alone
    changed = {"password": "another horse 9", "password_confirmation": "another horse 9"}
    endpoint_id = "services_v1.user.update_password"
    assert said(endpoint_id, town.call(endpoint_id, token=token, json=changed)) == alone
    endpoint_id = "v0.auth.change_email"
    answer = town.call(
        endpoint_id, token=token, json={"new_email": "new@world.example", "password": PASSWORD}
    )
    assert answer.status_code == 403


def test_g03_a_token_gets_no_other_token_out_of_a_dialect(town: World) -> None:
    token = made(town, scopes=["read", "write", "billing"])["token"]
    for endpoint_id, body in (
        ("platform_api.auth.select_tenant", {"tenant_id": "ten_" + "0" * 32}),
        ("platform_api.auth.switch_environment", {"environment": "staging"}),
        ("services_v1.auth.logout", None),
        ("v0.auth.logout", None),
        ("api_v1.auth.logout_all", None),
    ):
        answer = town.call(endpoint_id, token=token, json=body)
        assert answer.status_code in (401, 403), (endpoint_id, answer.text)
    assert town.call("v0.users.me", token=token).status_code == 200


@pytest.mark.parametrize("environment", ["prod", "staging"])
def test_g03_a_token_stays_in_its_environment(town: World, environment: str) -> None:
    token = made(town, scopes=["read", "write"])["token"]
    endpoint_id = "platform_api.auth.switch_environment"
    answer = town.call(endpoint_id, token=token, json={"environment": environment})
    assert said(endpoint_id, answer) == (403, "auth:permission_denied")


# ---- G04


@every_read
def test_g04_an_ended_token_is_dead_at_the_next_call(town: World, endpoint_id: str) -> None:
    found = made(town)
    session = town.token("services_v1", JANE)
    assert town.call(endpoint_id, token=found["token"]).status_code == 200
    town.done(REVOKE, token=session, json={"token_id": found["id"]})
    answer = town.call(endpoint_id, token=found["token"])
    assert said(endpoint_id, answer) == (401, "auth:unauthenticated")


def test_g04_an_end_by_whatever_call_is_in_the_organizations_trail(town: World) -> None:
    calls = ((REVOKE, "token_id", JANE), ("services_v1.active_sessions.revoke", "session_id", JANE))
    for endpoint_id, field, email in calls:
        found = made(town)
        town.done(endpoint_id, token=town.token("services_v1", email), json={field: found["id"]})
        rows = [row for row in town.trail() if str(row.kind).startswith("api_token.")]
        born, ended = (row for row in rows if row.subject_id == found["id"])
        assert str(ended.kind) == "api_token.revoked"
        assert ended.tenant_id == born.tenant_id == found["tenant"]["id"]
        assert ended.changes["name"] == "Nightly export"


def test_g04_anothers_token_is_not_there(town: World) -> None:
    found = made(town)
    charlie = town.token("services_v1", CHARLIE)
    for name in (found["id"], found["uid"]):
        answer = town.call(REVOKE, token=charlie, json={"token_id": name})
        assert said(REVOKE, answer) == (404, "api_token:not_found")
    assert town.call("v0.users.me", token=found["token"]).status_code == 200


# ---- G06


def test_g06_one_tokens_calls_are_bounded_and_no_others(town: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's time stands still: on a busy one, so many calls may take longer than their minute."""
    token, other = made(town)["token"], made(town, CHARLIE)["token"]
    at = clock.of_machine()
    monkeypatch.setattr("time.time", lambda: at)
    answers = [town.call("v0.users.me", token=token) for _ in range(302)]
    assert [answer.status_code for answer in answers] == [200] * 300 + [429] * 2
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert town.call("services_v1.user.get", token=token).status_code == 200
    assert town.call("v0.users.me", token=other).status_code == 200


# ---- G07


def me(world: World, *headers: tuple[str, str], query: str = "") -> TestResponse:
    address = ENDPOINTS["v0.users.me"].path + query
    return world.app.test_client().get(address, headers=[("User-Agent", BROWSER), *headers])


def test_g07_identities_are_never_mixed(town: World) -> None:
    janes, charlies = made(town)["token"], made(town, CHARLIE)["token"]
    assert me(town, ("Authorization", f"Bearer {janes}")).get_json()["email"] == JANE
    assert me(town, ("Authorization", f"bearer {janes}")).get_json()["email"] == JANE
    for shown in (
        [("Authorization", f"Bearer {janes}"), ("Authorization", f"Bearer {charlies}")],
        [("Authorization", f"Bearer {janes}, Bearer {charlies}")],
        [("Authorization", f"Bearer {janes},{charlies}")],
        [("Authorization", f"Bearer {janes} {charlies}")],
        [("Authorization", janes)],
        [("Authorization", f"Basic {janes}")],
        [("Authorization", f"Token {janes}")],
        [("X-Api-Key", janes)],
        [("Cookie", f"session_id={janes}")],
    ):
        assert me(town, *shown).status_code == 401, shown
    for query in (f"?token={janes}", f"?access_token={janes}", f"?api_key={janes}"):
        assert me(town, query=query).status_code in (400, 401, 422)
    answer = me(town, ("Authorization", f"Bearer {charlies}"), ("Cookie", f"session_id={janes}"))
    assert answer.get_json()["email"] == CHARLIE


def test_g07_upper_case_is_another_token(town: World) -> None:
    token = made(town)["token"]
    for wrong in (token.swapcase(), token.upper(), token + " ", token[:-1], token + "A", f" {token[1:]}"):
        shown = me(town, ("Authorization", f"Bearer {wrong}"))
        assert shown.status_code == (200 if wrong.strip() == token else 401), wrong


def test_a_wrong_checksum_is_not_even_looked_up(town: World, database: sa.Connection) -> None:
    token = made(town)["token"]
    asked: list[str] = []
    sa.event.listen(database, "before_cursor_execute", lambda *call: asked.append(call[2]))
    signs = token.removeprefix(api_token_values.PREFIX)[:26]
    other = ("B" if signs[0] == "A" else "A") + signs[1:]
    assert me(town, ("Authorization", f"Bearer pat_{other}{token[-6:]}")).status_code == 401
    assert not [sql for sql in asked if "sessions" in sql]
    assert (
        me(town, ("Authorization", f"Bearer pat_{other}{api_token_values.checksum(other)}")).status_code
        == 401
    )
    assert [sql for sql in asked if "sessions" in sql]


# ---- H04


@pytest.mark.parametrize("endpoint_id", IN_A_TENANT)
def test_h04_nothing_but_the_token_names_its_organization(town: World, endpoint_id: str) -> None:
    token = made(town)["token"]
    with town.app.app_context():
        other = db.session.scalar(sa.select(Tenant.id).where(Tenant.slug == "other-corp"))
    headers = {
        "Authorization": f"Bearer {token}",
        "X-Tenant-Id": str(other),
        "X-Tenant": "other-corp",
        "Host": "other-corp.localhost",
    }
    address = ENDPOINTS[endpoint_id].path
    answer = town.app.test_client().get(f"{address}?tenant_id={other}", headers=headers)
    assert "other-corp" not in answer.text
    assert answer.status_code in (200, 400, 422)


# ---- The portal is for people


def test_no_bearer_opens_the_portal(town: World) -> None:
    token = made(town, scopes=["read", "write"])["token"]
    for bearer in (token, town.token("api_v1"), town.token("platform_api"), town.token("v0")):
        assert_shut(town, bearer)


def assert_shut(town: World, token: str) -> None:
    for path in ("/dashboard", "/account", "/account/tokens", "/organization/tokens"):
        answer = town.app.test_client().get(path, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 303, path
        assert answer.location.startswith("/sign-in")
