"""Where a person is signed in, and ending it."""

from typing import Any

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.secrets import token_hash
from app.domains.sessions import api_token_values
from app.domains.sessions.models import UserSession
from app.surfaces.shared.transaction import transaction
from tests.support.world import BROWSER, PASSWORD, World
from tests.surfaces.services_v1.conftest import JANE, at_fault, refused

API_TOKEN = "pat_" + "a" * 26 + api_token_values.checksum("a" * 26)
LIST = "/services/platforms/v1/active-sessions/list"
ROW = {
    "id", "kind", "name", "current", "dialect", "factors", "ip", "country", "user_agent", "tenant",
    "environment", "created_at", "last_used_at", "expires_at",
}  # fmt: skip


def listed(world: World, token: str, query: str = "") -> Any:
    headers = {"Authorization": f"Bearer {token}", "User-Agent": BROWSER}
    return world.app.test_client().get(LIST + query, headers=headers)


def api_token(world: World, user_id: int, tenant_id: int) -> int:
    """Put an API token's row in."""
    with world.app.app_context(), transaction():
        row = UserSession(
            user_id=user_id,
            kind="api_token",
            dialect="services_v1",
            token_hash=token_hash(API_TOKEN),
            name="Nightly export",
            scopes=["read", "write"],
            tenant_id=tenant_id,
            environment="prod",
            proven_at=clock.now(),
            last_used_at=clock.now(),
            expires_at=clock.now().replace(year=clock.now().year + 1),
        )
        db.session.add(row)
        db.session.flush()
        return row.id


def test_the_list_shows_each_sign_in_once(world: World, jane: int, token: str, strangers_token: str) -> None:
    pat = api_token(world, jane, world.organization(jane))
    body = listed(world, token).get_json()
    assert set(body) == {"data", "meta"}
    assert body["meta"] == {"current_page": 1, "per_page": 20, "total": 2, "last_page": 1}
    assert all(set(row) == ROW for row in body["data"])
    by_kind = {row["kind"]: row for row in body["data"]}
    here, there = by_kind["app"], by_kind["api_token"]
    assert (here["current"], here["name"], here["dialect"], here["factors"]) == (
        True,
        "Firefox on Linux",
        "services_v1",
        1,
    )
    assert (here["tenant"], here["environment"]) == (None, None)
    assert (there["id"], there["current"], there["factors"]) == (pat, False, None)
    assert (there["tenant"]["slug"], set(there["tenant"])) == ("world-corp", {"id", "name", "slug"})


def test_the_list_can_be_cut_by_kind_and_page(world: World, jane: int, token: str) -> None:
    api_token(world, jane, world.organization(jane))
    assert [row["kind"] for row in listed(world, token, "?kind=api_token").get_json()["data"]] == [
        "api_token"
    ]
    second = listed(world, token, "?page=2&per_page=1").get_json()
    assert second["meta"] == {"current_page": 2, "per_page": 1, "total": 2, "last_page": 2}
    assert listed(world, token, "?per_page=100000").get_json()["meta"]["per_page"] == 100
    for query, field in (
        ("?kind=cat", "kind"),
        ("?page=0", "page"),
        ("?page=-1", "page"),
        ("?per_page=x", "per_page"),
    ):
        assert at_fault(listed(world, token, query)) == {field}


def test_an_ended_session_is_dead_at_its_next_call(world: World, token: str) -> None:
    other = world.token("services_v1", JANE)
    rows = listed(world, token).get_json()["data"]
    (other_id,) = [row["id"] for row in rows if not row["current"]]
    ended = world.done("services_v1.active_sessions.revoke", token=token, json={"session_id": other_id})
    assert set(ended["data"]) == {"id", "kind", "current", "revoked_at"}
    assert (ended["data"]["id"], ended["data"]["kind"], ended["data"]["current"]) == (other_id, "app", False)
    refused(world.call("services_v1.user.get", token=other), 401, "auth:unauthenticated")
    again = world.call("services_v1.active_sessions.revoke", token=token, json={"session_id": other_id})
    refused(again, 404, "session:not_found")


def test_the_session_that_calls_may_end_itself(world: World, token: str) -> None:
    (row,) = listed(world, token).get_json()["data"]
    ended = world.done("services_v1.active_sessions.revoke", token=token, json={"session_id": row["id"]})
    assert ended["data"]["current"] is True
    refused(listed(world, token), 401, "auth:unauthenticated")


def test_another_persons_session_is_not_there(world: World, token: str, strangers_token: str) -> None:
    (row,) = listed(world, token).get_json()["data"]
    for named in (row["id"], str(row["id"]), 10**18, "nonsense", True):
        answer = world.call(
            "services_v1.active_sessions.revoke", token=strangers_token, json={"session_id": named}
        )
        refused(answer, 404, "session:not_found")
    assert listed(world, token).status_code == 200


def test_signing_out_everywhere_ends_api_tokens_and_half_sign_ins_too(
    world: World, jane: int, token: str
) -> None:
    pat = api_token(world, jane, world.organization(jane))
    step = world.done("services_v1.auth.login", json={"email": JANE, "password": PASSWORD})["data"]
    body = world.done("services_v1.active_sessions.revoke_all", token=token)
    assert set(body["data"]) == {"revoked", "by_kind", "revoked_at"}
    assert body["data"]["revoked"] == 2
    assert body["data"]["by_kind"] == {"browser": 0, "app": 1, "api_token": 1}
    refused(listed(world, token), 401, "auth:unauthenticated")
    answer = world.call("services_v1.auth.authenticate", json={"login_token": step["login_token"]})
    refused(answer, 401, "auth:login_token_invalid")
    world.keep_promises()
    assert world.sent[-1].subject == "You are signed out everywhere"
    with world.app.app_context():
        assert db.session.scalar(sa.select(UserSession.revoked_at).where(UserSession.id == pat)) is not None


TWICE = {"password": "a longer horse battery 8", "password_confirmation": "a longer horse battery 8"}


@pytest.mark.parametrize(
    ("endpoint_id", "body"),
    [
        ("services_v1.auth.logout", None),
        ("services_v1.active_sessions.revoke", {"session_id": 1}),
        ("services_v1.active_sessions.revoke_all", None),
        ("services_v1.user.update_password", {"current_password": PASSWORD, **TWICE}),
        ("services_v1.user.policy_acceptance", {"type": "terms", "version": "2026-01"}),
        ("services_v1.two_factor.email_code", None),
        ("services_v1.two_factor.security_verification", {"method": "password", "password": PASSWORD}),
    ],
)
def test_an_api_token_can_change_no_credentials(world: World, jane: int, endpoint_id: str, body: Any) -> None:
    api_token(world, jane, world.organization(jane))
    answer = world.call(endpoint_id, token=API_TOKEN, json=body)
    refused(answer, 403, "auth:interactive_session_required")


def test_an_api_token_sees_its_person_and_its_own_organization_only(world: World, jane: int) -> None:
    api_token(world, jane, world.organization(jane))
    world.organization(jane, "another-corp")
    person = world.done("services_v1.user.get", token=API_TOKEN)["data"]
    assert [tenant["slug"] for tenant in person["tenants"]] == ["world-corp"]
    assert (person["session"]["kind"], person["session"]["factors"]) == ("api_token", None)
    assert person["session"]["verified_until"] is None
