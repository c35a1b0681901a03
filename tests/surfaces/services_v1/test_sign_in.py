"""Signing in, in two steps, and out again."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.world import BROWSER, PASSWORD, World
from tests.surfaces.services_v1.conftest import JANE, at_fault, refused

WHO = {"email": JANE, "password": PASSWORD}
REVOKE = "/services/platforms/v1/active-sessions/revoke"


def login_token(world: World, **more: Any) -> str:
    return str(world.done("services_v1.auth.login", json={**WHO, **more})["data"]["login_token"])


def browser(world: World, **more: Any) -> tuple[FlaskClient, dict[str, Any]]:
    """Sign a browser in and return it with what it was told."""
    client = world.app.test_client()
    body = {"login_token": login_token(world, **more), "carrier": "cookie"}
    answer = client.post("/v1/authenticate", json=body, headers={"User-Agent": BROWSER})
    assert answer.status_code == 200, answer.text
    return client, answer.get_json()["data"]


def test_the_right_password_leads_to_the_next_step(world: World, jane: int) -> None:
    body = world.done("services_v1.auth.login", json=WHO)
    assert set(body) == {"data", "message"}
    token = body["data"].pop("login_token")
    assert token.startswith("lgt_")
    assert body["data"] == {
        "next": "authenticate",
        "expires_in": 600,
        "two_factor": {"required": False, "methods": []},
        "verification_token": None,
    }


def test_wrong_unknown_and_absent_passwords_are_answered_alike(
    world: World, jane: int, change: Callable[..., None]
) -> None:
    change(world.person("placeholder@world.example"), password_hash=None)
    answers = [
        refused(world.call("services_v1.auth.login", json=body), 401, "auth:invalid_credentials")
        for body in (
            {**WHO, "password": "not the password"},
            {**WHO, "email": "nobody@world.example"},
            {**WHO, "email": "not even an address"},
            {**WHO, "email": "placeholder@world.example"},
        )
    ]
    assert all(answer == answers[0] for answer in answers)


def test_a_disabled_account_shows_only_after_the_right_password(
    world: World, jane: int, change: Callable[..., None]
) -> None:
    change(jane, disabled_at="now")
    refused(world.call("services_v1.auth.login", json=WHO), 403, "auth:account_disabled")
    wrong = {**WHO, "password": "not the password"}
    refused(world.call("services_v1.auth.login", json=wrong), 401, "auth:invalid_credentials")


def test_an_account_disabled_between_the_steps_gets_no_session(
    world: World, jane: int, change: Callable[..., None]
) -> None:
    token = login_token(world)
    change(jane, disabled_at="now")
    answer = world.call("services_v1.auth.authenticate", json={"login_token": token})
    refused(answer, 403, "auth:account_disabled")


def test_an_unproven_address_gets_a_code_instead_of_a_login_token(world: World, jane: int) -> None:
    world.unprove(jane)
    step = world.done("services_v1.auth.login", json=WHO)["data"]
    assert (step["next"], step["login_token"]) == ("verify_email", None)
    body = {"email": JANE, "otp": world.mailed_code(), "verification_token": step["verification_token"]}
    proven = world.done("services_v1.auth.verify_email_otp", json=body)
    assert proven["data"]["login_token"].startswith("lgt_")


def test_a_login_token_becomes_one_session(world: World, jane: int) -> None:
    token = login_token(world)
    opened = world.done("services_v1.auth.authenticate", json={"login_token": token})
    data = opened["data"]
    assert set(data) == {"access_token", "token_type", "expires_in", "csrf_token", "session", "user"}
    assert set(data["session"]) == {"id", "kind", "factors", "expires_at"}
    assert set(data["user"]) == {"id", "uid", "email", "first_name", "last_name", "selected_project_id"}
    assert (data["token_type"], data["csrf_token"]) == ("Bearer", None)
    assert (data["session"]["kind"], data["session"]["factors"]) == ("app", 1)
    assert 12 * 3600 - 5 <= data["expires_in"] <= 12 * 3600
    again = world.call("services_v1.auth.authenticate", json={"login_token": token})
    refused(again, 401, "auth:login_token_invalid")
    assert "Set-Cookie" not in again.headers


def test_a_login_token_is_good_for_ten_minutes(
    world: World, jane: int, move_clock: Callable[[int], None]
) -> None:
    token = login_token(world)
    move_clock(601)
    answer = world.call("services_v1.auth.authenticate", json={"login_token": token})
    refused(answer, 401, "auth:login_token_invalid")


def test_the_access_token_lives_as_long_as_its_session(
    world: World, jane: int, move_clock: Callable[[int], None]
) -> None:
    tokens = {
        remember: world.done(
            "services_v1.auth.authenticate", json={"login_token": login_token(world, remember=remember)}
        )["data"]["access_token"]
        for remember in (False, True)
    }
    move_clock(int(timedelta(hours=11, minutes=59).total_seconds()))
    world.done("services_v1.user.get", token=tokens[False])
    move_clock(120)
    refused(world.call("services_v1.user.get", token=tokens[False]), 401, "auth:unauthenticated")
    world.done("services_v1.user.get", token=tokens[True])


def test_the_cookie_carries_the_session_and_its_calls_show_the_csrf_token(world: World, jane: int) -> None:
    client, data = browser(world)
    assert (data["access_token"], data["session"]["kind"]) == (None, "browser")
    cookie = client.get_cookie("session_id")
    assert cookie is not None
    assert (cookie.http_only, cookie.same_site, cookie.path) == (True, "Lax", "/")
    assert client.get("/services/platforms/v1/user/get").status_code == 200
    for headers in ({}, {"X-CSRF-Token": "0" * 64}):
        answer = client.post(REVOKE, json={"session_id": 10**12}, headers=headers)
        refused(answer, 403, "auth:csrf_invalid")
    headers = {"X-CSRF-Token": data["csrf_token"]}
    refused(client.post(REVOKE, json={"session_id": 10**12}, headers=headers), 404, "session:not_found")


def test_the_csrf_token_of_another_session_does_not_count(world: World, jane: int) -> None:
    client, _ = browser(world)
    _, other = browser(world)
    answer = client.post("/v1/logout", headers={"X-CSRF-Token": other["csrf_token"]})
    refused(answer, 403, "auth:csrf_invalid")


def test_a_remembered_browser_keeps_its_cookie(world: World, jane: int) -> None:
    lasting = browser(world, remember=True)[0].get_cookie("session_id")
    passing = browser(world)[0].get_cookie("session_id")
    assert lasting is not None
    assert passing is not None
    assert (lasting.max_age or 0) > 29 * 86400
    assert passing.max_age is None


def test_the_second_factor_is_asked_for_and_the_login_token_stays_good(
    world: World, jane: int, change: Callable[..., None]
) -> None:
    change(jane, two_factor_enabled_at="now")
    step = world.done("services_v1.auth.login", json=WHO)["data"]
    assert step["next"] == "two_factor"
    assert step["two_factor"] == {"required": True, "methods": ["authenticator", "recovery_code"]}
    for _ in range(6):
        answer = world.call("services_v1.auth.authenticate", json={"login_token": step["login_token"]})
        refused(answer, 401, "auth:two_factor_required")


def test_ten_failures_shut_the_address_for_the_right_password_too(world: World, jane: int) -> None:
    for _ in range(10):
        wrong = {"email": f" {JANE.upper()}. ", "password": "not the password"}
        refused(world.call("services_v1.auth.login", json=wrong), 401, "auth:invalid_credentials")
    answer = world.call("services_v1.auth.login", json=WHO)
    refused(answer, 429, "rate:limited")
    assert int(answer.headers["Retry-After"]) > 0


def test_a_success_clears_the_count(world: World, jane: int) -> None:
    for _ in range(3):
        for _ in range(9):
            world.call("services_v1.auth.login", json={**WHO, "password": "not the password"})
        login_token(world)


def test_a_new_device_is_told_of_but_not_the_very_first(world: World, jane: int) -> None:
    for agent in (BROWSER, BROWSER, "curl/8.9.1"):
        body = {"login_token": login_token(world)}
        client = world.app.test_client()
        assert client.post("/v1/authenticate", json=body, headers={"User-Agent": agent}).status_code == 200
    world.keep_promises()
    assert [message.subject for message in world.sent] == ["New sign-in to Steering"]


def test_a_device_may_be_named(world: World, jane: int) -> None:
    body = {"login_token": login_token(world), "device_name": "Jane's kiosk"}
    token = world.done("services_v1.auth.authenticate", json=body)["data"]["access_token"]
    listed = world.done("services_v1.active_sessions.list", token=token)["data"]
    assert listed[0]["name"] == "Jane's kiosk"


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"carrier": "pigeon"}, "carrier"),
        ({"method": "sms"}, "method"),
        ({"login_token": 5}, "login_token"),
        ({"device_name": "two\nlines"}, "device_name"),
    ],
)
def test_a_wrong_field_of_the_second_step_is_named(world: World, jane: int, more: Any, field: str) -> None:
    body = {"login_token": "lgt_whatever", **more}
    assert at_fault(world.call("services_v1.auth.authenticate", json=body)) == {field}


def test_signing_out_ends_the_token(world: World, token: str) -> None:
    assert world.done("services_v1.auth.logout", token=token) == {"data": None, "message": "Signed out."}
    refused(world.call("services_v1.auth.logout", token=token), 401, "auth:unauthenticated")


def test_signing_out_takes_the_cookie_back(world: World, jane: int) -> None:
    client, data = browser(world)
    assert client.post("/v1/logout", headers={"X-CSRF-Token": data["csrf_token"]}).status_code == 200
    assert client.get_cookie("session_id") is None


def test_a_bearer_token_counts_alone_where_a_cookie_is_there_too(
    world: World, jane: int, strangers_token: str
) -> None:
    client, _ = browser(world)
    answer = client.post("/v1/logout", headers={"Authorization": f"Bearer {strangers_token}"})
    assert answer.status_code == 200
    assert client.get_cookie("session_id") is not None
    assert client.get("/services/platforms/v1/user/get").get_json()["data"]["email"] == JANE


def test_everything_is_there_under_api_as_well(world: World, jane: int) -> None:
    client = world.app.test_client()
    step = client.post("/api/v1/login", json=WHO).get_json()["data"]
    opened = client.post("/api/v1/authenticate", json={"login_token": step["login_token"]}).get_json()["data"]
    headers = {"Authorization": f"Bearer {opened['access_token']}"}
    assert client.get("/api/services/platforms/v1/user/get", headers=headers).status_code == 200
    refused(client.post("/api/v1/login", json={}), 422, "validation")
