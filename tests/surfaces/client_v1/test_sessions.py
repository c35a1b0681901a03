"""Sessions of clients: opened, told, at most twenty, ended."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from tests.support.service import PASSWORD, ServiceUser, put, service_user
from tests.support.world import BROWSER, World

EMAIL = "new_client@client.com"
RIGHT = {"email": EMAIL, "password": PASSWORD}
GONE = {"active": False}


@pytest.fixture
def user(world: World) -> ServiceUser:
    return service_user(world)


def active(user: ServiceUser, token: str) -> bool:
    return bool(user.done("session.verify", json={"client_token": token})["active"])


def test_signing_in_by_either_name(user: ServiceUser) -> None:
    client_id, _ = user.client()
    device = {"ip_address": "203.0.113.7", "user_agent": BROWSER}
    opened = user.done("session.login", json={**RIGHT, **device})
    assert set(opened) == {"client_token", "session_id", "user_id", "expires_at"}
    assert opened["client_token"].startswith("ct_")
    user.done("session.login", json={"user_id": client_id, "password": PASSWORD})
    listed = user.done("session.list", user_id=client_id)["items"]
    assert [row["created_by"] for row in listed] == ["password", "password", "signup"]
    assert set(listed[0]) == {
        *("session_id", "created_by", "ip_address", "user_agent", "created_at", "last_seen_at", "expires_at")
    }
    assert (listed[1]["ip_address"], listed[1]["user_agent"]) == ("203.0.113.7", BROWSER)
    both = {**RIGHT, "user_id": client_id}
    user.refused("session.login", "422 validation", json=both)
    user.refused("session.login", "422 validation", json={"password": PASSWORD})


def test_a_disabled_client_is_told_after_the_right_password_only(user: ServiceUser) -> None:
    client_id, token = user.client()
    user.done("account.update", user_id=client_id, json={"status": "disabled"})
    assert not active(user, token)
    user.refused("session.login", "401 client:invalid_credentials", json={**RIGHT, "password": "wrong"})
    user.refused("session.login", "403 client:disabled", json=RIGHT)
    user.done("account.update", user_id=client_id, json={"status": "active"})
    user.done("session.login", json=RIGHT)
    assert not active(user, token)


def test_failures_are_counted_by_what_was_sent_known_or_not(user: ServiceUser) -> None:
    user.client()
    for email in (EMAIL, "nobody@client.com"):
        wrong = {"email": email, "password": "wrong"}
        for _ in range(10):
            user.refused("session.login", "401 client:invalid_credentials", json=wrong)
        answer = user.refused("session.login", "429 rate:limited", json=wrong)
        assert int(answer.headers["Retry-After"]) > 0
    user.refused("session.login", "429 rate:limited", json=RIGHT)


def test_a_success_clears_the_count(user: ServiceUser) -> None:
    user.client()
    for _ in range(3):
        for _ in range(9):
            user.refused("session.login", "401 client:invalid_credentials", json={**RIGHT, "password": "no"})
        user.done("session.login", json=RIGHT)


def test_twenty_live_sessions_the_oldest_gives_way(user: ServiceUser) -> None:
    client_id, first = user.client()
    tokens = [user.done("session.login", json=RIGHT)["client_token"] for _ in range(20)]
    assert not active(user, first)
    assert active(user, tokens[0])
    assert len(user.done("session.list", user_id=client_id)["items"]) == 20


def test_a_session_lasts_as_long_as_the_setting_says_and_no_longer_for_being_seen(
    user: ServiceUser, move_clock: Callable[[int], None]
) -> None:
    put(user.world, "clients.session_hours", 1)
    client_id, token = user.client()
    move_clock(3000)
    user.sign_in()
    assert active(user, token)
    (row,) = user.done("session.list", user_id=client_id)["items"]
    assert row["last_seen_at"] > row["created_at"]
    move_clock(601)
    assert not active(user, token)
    assert user.done("session.list", user_id=client_id)["items"] == []


def test_vouching_is_off_until_it_is_on(user: ServiceUser) -> None:
    client_id, _ = user.client()
    user.refused("session.create", "403 client:vouched_sessions_disabled", user_id=client_id, json={})
    user.refused("session.create", "403 client:vouched_sessions_disabled", user_id=str(uuid4()), json={})
    put(user.world, "clients.vouched_sessions", True)
    opened = user.done("session.create", user_id=client_id)  # without a body
    assert active(user, opened["client_token"])
    assert user.done("session.list", user_id=client_id)["items"][0]["created_by"] == "vouched"
    user.done("account.update", user_id=client_id, json={"status": "disabled"})
    user.refused("session.create", "403 client:disabled", user_id=client_id, json={})


def test_ending_one_and_all(user: ServiceUser) -> None:
    client_id, first = user.client()
    opened = user.done("session.login", json=RIGHT)
    assert user.call("session.logout", json={"client_token": first}).status_code == 204
    rows = len(user.world.trail())
    assert user.call("session.logout", json={"client_token": first}).status_code == 204
    assert len(user.world.trail()) == rows
    named = {"user_id": client_id, "session_id": opened["session_id"]}
    assert user.call("session.revoke", **named).status_code == 204
    user.refused("session.revoke", "404 session:not_found", **named)
    user.refused("session.revoke", "404 session:not_found", user_id=client_id, session_id="nonsense")
    other_id, _ = user.client("other@client.com")
    (row,) = user.done("session.list", user_id=other_id)["items"]
    user.refused("session.revoke", "404 session:not_found", user_id=client_id, session_id=row["session_id"])
    user.done("session.login", json=RIGHT)
    assert user.done("session.revoke_all", user_id=client_id) == {"revoked": 1}
    assert user.done("session.verify", json={"client_token": opened["client_token"]}) == GONE
    assert user.done("session.verify", json={"client_token": user.token}) == GONE


def test_a_new_password_ends_all_and_is_the_one_that_counts(user: ServiceUser) -> None:
    client_id, token = user.client()
    user.done("account.update", user_id=client_id, json={"password": "another one"})
    assert not active(user, token)
    user.refused("session.login", "401 client:invalid_credentials", json=RIGHT)
    user.done("session.login", json={**RIGHT, "password": "another one"})


def test_a_clients_token_opens_nothing_by_itself(user: ServiceUser) -> None:
    _, token = user.client()
    user.refused("account.list", "401 auth:unauthenticated", token=token)
    for endpoint in ("v0.users.me", "services_v1.user.get", "platform_api.auth.me", "api_v1.auth.me"):
        assert user.world.call(endpoint, token=token).status_code == 401
