"""v0's ways in and out: the cookie, the token in the body, and the password."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core import clock
from app.core.db import db
from app.core.settings import Settings, use_settings
from app.domains.accounts.models import User
from app.domains.audit.kinds import AuditKind
from app.domains.settings.models import SettingValue
from app.surfaces.shared.transaction import transaction
from tests.support.world import PASSWORD, World

JANE, CHARLIE = "jane@world.example", "charlie@other.example"
OURS = {"Origin": "http://localhost"}
NEW = "another good password"


def said(answer: TestResponse) -> tuple[int, str]:
    body = answer.get_json()
    assert set(body) == {"status", "code"}
    assert body["status"] == answer.status_code
    return answer.status_code, body["code"]


def login(world: World, email: str = JANE, password: str = PASSWORD, **more: Any) -> TestResponse:
    return world.call("v0.auth.login", json={"email": email, "password": password, **more})


def change(world: World, statement: sa.Update | sa.Insert) -> None:
    with world.app.app_context(), transaction():
        db.session.execute(statement)


def cookie_of(answer: TestResponse) -> str:
    found = [c for c in answer.headers.getlist("Set-Cookie") if c.startswith("session_id=")]
    assert len(found) == 1
    return found[0]


@pytest.fixture
def browser(world: World, client: FlaskClient) -> FlaskClient:
    """Return Jane's browser, signed in."""
    world.person(JANE)
    assert client.post("/v0/auth/login", json={"email": JANE, "password": PASSWORD}).status_code == 204
    return client


# ---- login


def test_login_sets_a_cookie_that_scripts_and_other_sites_do_not_get(world: World) -> None:
    world.person(JANE)
    answer = login(world)
    assert (answer.status_code, answer.data) == (204, b"")
    attributes = cookie_of(answer).split("; ")[1:]
    assert sorted(attributes) == ["HttpOnly", "Path=/", "SameSite=Lax"]


def test_the_cookie_is_secure_where_people_come_by_https(world: World, settings: Settings) -> None:
    world.person(JANE)
    use_settings(replace(settings, public_url="https://portico.example"))
    try:
        assert "Secure" in cookie_of(login(world)).split("; ")
    finally:
        use_settings(settings)


def test_login_with_remember_me_lasts_thirty_days(world: World) -> None:
    world.person(JANE)
    found = re.search(r"Max-Age=(\d+)", cookie_of(login(world, remember_me=True)))
    assert found is not None
    assert 30 * 24 * 3600 - 5 < int(found[1]) <= 30 * 24 * 3600


def test_login_gives_the_token_in_the_body_only_on_request(world: World) -> None:
    world.person(JANE)
    answer = login(world, session_mode="token")
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    body = answer.get_json()
    assert set(body) == {"user", "session"}
    assert set(body["user"]) == {"id", "handle", "display_name", "email", "email_verified"}
    assert set(body["session"]) == {"id", "token", "expires_at"}
    assert body["session"]["token"].startswith("v0s_")
    assert body["session"]["expires_at"].endswith("Z")


@pytest.mark.parametrize(("email", "password"), [(JANE, "wrong"), (CHARLIE, PASSWORD), ("no address", "x")])
def test_whatever_does_not_match_is_one_answer(world: World, email: str, password: str) -> None:
    world.person(JANE)
    assert said(login(world, email, password)) == (401, "auth:invalid_credentials")
    assert world.trail()[-1].kind is AuditKind.USER_SIGN_IN_FAILED


def test_a_disabled_account_is_told_after_the_right_password_only(world: World) -> None:
    jane = world.person(JANE)
    change(world, sa.update(User).where(User.id == jane).values(disabled_at=clock.now()))
    assert said(login(world, password="wrong")) == (401, "auth:invalid_credentials")
    assert said(login(world)) == (403, "auth:account_disabled")


def test_an_unproven_address_signs_in_unless_the_platform_asks_for_proof(world: World) -> None:
    world.person(JANE, verified=False)
    assert login(world).status_code == 204
    change(world, sa.insert(SettingValue).values(key="auth.email_verification_required", value=True))
    assert said(login(world)) == (403, "auth:email_unverified")


def test_ten_failures_lock_the_address_for_the_right_password_too(world: World) -> None:
    world.person(JANE)
    for _ in range(10):
        assert login(world, password="wrong").status_code == 401
    answer = login(world)
    assert said(answer) == (429, "rate_limit:exceeded")
    assert 0 < int(answer.headers["Retry-After"]) <= 15 * 60


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"password": "x"}, "validation:email"),
        ({"email": JANE}, "validation:password"),
        ({"email": JANE, "password": 1}, "validation:password"),
        ({"email": JANE, "password": "x", "session_mode": "jwt"}, "validation:session_mode"),
        ({"email": JANE, "password": "x", "remember_me": "yes"}, "validation:remember_me"),
        ({"email": JANE, "password": "x", "tenant": "world"}, "validation:tenant"),
        ({"email": "a\0b@world.example", "password": "x"}, "validation:email"),
        ([], "validation:body"),
        ("text", "validation:body"),
    ],
)
def test_a_field_at_fault_is_named_in_the_code(world: World, body: Any, code: str) -> None:
    assert said(world.call("v0.auth.login", json=body)) == (400, code)


@pytest.mark.parametrize(
    ("data", "content_type", "expected"),
    [
        (b"{", "application/json", (400, "request:malformed")),
        (b'{"email": 1e309, "password": "x"}', "application/json", (400, "request:malformed")),
        (b"[" * 100_000, "application/json", (400, "request:malformed")),
        (b"email=a&password=b", "application/x-www-form-urlencoded", (415, "request:unsupported_media_type")),
        (b"x" * (2 * 1024 * 1024 + 1), "application/json", (413, "request:too_large")),
    ],
)
def test_bodies_that_are_no_json_are_refused_in_our_form(
    client: FlaskClient, data: bytes, content_type: str, expected: tuple[int, str]
) -> None:
    assert said(client.post("/v0/auth/login", data=data, content_type=content_type)) == expected


def test_a_wrong_method_names_the_right_ones(client: FlaskClient) -> None:
    answer = client.put("/v0/auth/login")
    assert said(answer) == (405, "request:method_not_allowed")
    assert "POST" in answer.headers["Allow"]


# ---- who calls


def test_the_header_counts_where_both_arrive(world: World, browser: FlaskClient) -> None:
    world.person(CHARLIE)
    charlie = {"Authorization": f"Bearer {world.token('v0', CHARLIE)}"}
    assert browser.get("/v0/user/me").get_json()["email"] == JANE
    assert browser.get("/v0/user/me", headers=charlie).get_json()["email"] == CHARLIE
    dead = {"Authorization": "Bearer v0s_nobodys-token-at-all-this-is"}
    assert said(browser.get("/v0/user/me", headers=dead)) == (401, "auth:unauthenticated")


def test_a_token_given_in_the_body_is_no_cookie(world: World, client: FlaskClient) -> None:
    world.person(JANE)
    client.set_cookie("session_id", world.token("v0"))
    assert said(client.get("/v0/user/me")) == (401, "auth:unauthenticated")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://localhost", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://localhost", "Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_change_that_rests_on_the_cookie_comes_from_our_own_pages(
    browser: FlaskClient, headers: dict[str, str]
) -> None:
    answer = browser.patch("/v0/user/me", json={"display_name": "Evil"}, headers=headers)
    assert said(answer) == (403, "auth:csrf_invalid")
    assert browser.get("/v0/user/me").get_json()["display_name"] is None


# ---- logout


def test_logout_ends_the_session_and_takes_the_cookie_back(world: World, browser: FlaskClient) -> None:
    token = browser.get_cookie("session_id")
    assert token is not None
    answer = browser.post("/v0/auth/logout", headers=OURS)
    assert answer.status_code == 204
    assert "Max-Age=0" in cookie_of(answer)
    assert world.trail()[-1].kind is AuditKind.USER_SIGNED_OUT
    browser.set_cookie("session_id", token.value)
    assert said(browser.get("/v0/user/me")) == (401, "auth:unauthenticated")


def test_logout_by_header_leaves_another_sign_ins_cookie_alone(world: World, browser: FlaskClient) -> None:
    headers = {"Authorization": f"Bearer {world.token('v0')}"}
    answer = browser.post("/v0/auth/logout", headers=headers)
    assert answer.status_code == 204
    assert "Set-Cookie" not in answer.headers
    assert browser.get("/v0/user/me").status_code == 200


@pytest.mark.parametrize(
    "call", ["v0.auth.logout", "v0.auth.resend_verification", "v0.auth.change_password", "v0.users.update_me"]
)
def test_a_stranger_changes_nothing(world: World, call: str) -> None:
    assert said(world.call(call, json={})) == (401, "auth:unauthenticated")


# ---- the address


def test_the_mailed_token_proves_the_address_once(world: World) -> None:
    world.person(JANE, verified=False)
    token = world.token("v0")
    assert world.done("v0.auth.resend_verification", token=token) == {
        "message": "A verification e-mail is on its way."
    }
    first = world.mailed_token()
    world.done("v0.auth.resend_verification", token=token)
    second = world.mailed_token()
    bad = (400, "token:expired_verification")
    assert said(world.call("v0.auth.verify_email", json={"token": first})) == bad
    assert world.done("v0.auth.verify_email", json={"token": second}) == {
        "email": JANE,
        "email_verified": True,
    }
    assert said(world.call("v0.auth.verify_email", json={"token": second})) == bad
    again = world.call("v0.auth.resend_verification", token=token)
    assert said(again) == (409, "auth:email_already_verified")


def test_guessing_at_mailed_tokens_ends(world: World) -> None:
    for _ in range(20):
        assert world.call("v0.auth.verify_email", json={"token": "guess"}).status_code == 400
    answer = world.call("v0.auth.reset_password", json={"token": "guess", "new_password": NEW})
    assert said(answer) == (429, "rate_limit:exceeded")


def test_verification_mails_are_limited(world: World) -> None:
    world.person(JANE, verified=False)
    token = world.token("v0")
    for _ in range(5):
        assert world.call("v0.auth.resend_verification", token=token).status_code == 202
    assert said(world.call("v0.auth.resend_verification", token=token)) == (429, "rate_limit:exceeded")


# ---- the password


def test_a_forgotten_password_is_set_anew(world: World) -> None:
    world.person(JANE)
    old = world.token("v0")
    unknown = world.call("v0.auth.forgot_password", json={"email": CHARLIE})
    known = world.call("v0.auth.forgot_password", json={"email": JANE})
    assert (known.status_code, known.data) == (unknown.status_code, unknown.data) == (202, known.data)
    assert set(known.get_json()) == {"message"}
    token = world.mailed_token()
    assert [m.to for m in world.sent] == [JANE]
    short = world.call("v0.auth.reset_password", json={"token": token, "new_password": "short"})
    assert said(short) == (400, "validation:new_password")
    answer = world.call("v0.auth.reset_password", json={"token": token, "new_password": NEW})
    assert (answer.status_code, answer.headers.getlist("Set-Cookie")) == (204, [])
    assert said(world.call("v0.users.me", token=old)) == (401, "auth:unauthenticated")
    again = world.call("v0.auth.reset_password", json={"token": token, "new_password": NEW})
    assert said(again) == (400, "auth:reset_token_invalid")
    assert login(world).status_code == 401
    assert login(world, password=NEW).status_code == 204


def test_a_reset_token_runs_out(world: World, move_clock: Callable[[int], None]) -> None:
    world.person(JANE)
    world.done("v0.auth.forgot_password", json={"email": JANE})
    token = world.mailed_token()
    move_clock(24 * 3600)
    answer = world.call("v0.auth.reset_password", json={"token": token, "new_password": NEW})
    assert said(answer) == (400, "auth:reset_token_invalid")


def test_forgot_password_wants_an_address(world: World) -> None:
    answer = world.call("v0.auth.forgot_password", json={"email": "no address"})
    assert said(answer) == (400, "validation:email")


def test_changing_the_password_ends_the_other_sign_ins(world: World, browser: FlaskClient) -> None:
    other = world.token("v0")
    wrong = {"current_password": "wrong", "new_password": NEW}
    answer = browser.post("/v0/auth/change-password", json=wrong, headers=OURS)
    assert said(answer) == (400, "auth:current_password_wrong")
    right = {"current_password": PASSWORD, "new_password": NEW}
    assert browser.post("/v0/auth/change-password", json=right, headers=OURS).status_code == 204
    assert world.trail()[-1].kind is AuditKind.USER_PASSWORD_CHANGED
    assert browser.get("/v0/user/me").status_code == 200
    assert said(world.call("v0.users.me", token=other)) == (401, "auth:unauthenticated")
    assert said(login(world)) == (401, "auth:invalid_credentials")


@pytest.mark.parametrize("new", ["short", PASSWORD, "password123", JANE, "x" * 129])
def test_the_new_password_follows_the_rules(world: World, new: str) -> None:
    world.person(JANE)
    body = {"current_password": PASSWORD, "new_password": new}
    answer = world.call("v0.auth.change_password", token=world.token("v0"), json=body)
    assert said(answer) == (400, "validation:new_password")


def test_a_first_password_asks_for_a_fresh_sign_in(world: World, move_clock: Callable[[int], None]) -> None:
    jane = world.person(JANE)
    token = world.token("v0")
    change(world, sa.update(User).where(User.id == jane).values(password_hash=None))
    move_clock(3600)
    answer = world.call("v0.auth.change_password", token=token, json={"new_password": NEW})
    assert said(answer) == (403, "auth:step_up_required")
    move_clock(-3600)
    answer = world.call("v0.auth.change_password", token=token, json={"new_password": NEW})
    assert answer.status_code == 204
