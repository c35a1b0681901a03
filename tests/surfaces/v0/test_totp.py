"""v0's second factor: an authenticator app by its QR code, backup codes, and the second step of a sign-in."""

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core.db import db
from app.domains.settings.models import SettingValue
from app.surfaces.shared.transaction import transaction
from tests.support.authenticator import other_than
from tests.support.world import PASSWORD, World

JANE, CHARLIE = "jane@world.example", "charlie@other.example"
SETUP, ENABLE, VERIFY = "v0.totp.setup", "v0.totp.enable", "v0.totp.verify"
STATUS, DISABLE, REGENERATE = "v0.totp.status", "v0.totp.disable", "v0.totp.regenerate_backup_codes"
STALE = 15 * 60 + 1


def said(answer: TestResponse) -> tuple[int, str]:
    body = answer.get_json()
    assert set(body) == {"status", "code"}
    assert body["status"] == answer.status_code
    return answer.status_code, body["code"]


@pytest.fixture
def jane(world: World) -> int:
    return world.person(JANE)


@pytest.fixture
def token(world: World, jane: int) -> str:
    return world.token("v0", JANE)


def secret_of(body: Any) -> str:
    return parse_qs(urlsplit(body["qr_code_uri"]).query)["secret"][0]


def enabled(world: World, token: str) -> tuple[str, list[str]]:
    """Switch the second factor on; return secret and backup codes."""
    secret = secret_of(world.done(SETUP, token=token, json={}))
    body = world.done(ENABLE, token=token, json={"code": world.totp(secret)})
    assert set(body) == {"backup_codes"}
    return secret, body["backup_codes"]


def temp_token(world: World, **more: Any) -> str:
    answer = world.call("v0.auth.login", json={"email": JANE, "password": PASSWORD, **more})
    assert answer.status_code == 202
    assert set(answer.get_json()) == {"temp_token"}
    assert "Set-Cookie" not in answer.headers
    return str(answer.get_json()["temp_token"])


def subjects(world: World) -> list[str]:
    world.keep_promises()
    return [mail.subject for mail in world.sent]


# ---- set-up


def test_setup_shows_a_picture_and_its_address(world: World, token: str) -> None:
    body = world.done(SETUP, token=token, json={})
    assert set(body) == {"qr_code_base64", "qr_code_uri"}
    assert base64.b64decode(body["qr_code_base64"]).startswith(b"\x89PNG")
    address = urlsplit(body["qr_code_uri"])
    query = parse_qs(address.query)
    assert (address.scheme, address.netloc) == ("otpauth", "totp")
    assert address.path.endswith(":jane%40world.example")
    assert query.keys() == {"secret", "issuer", "algorithm", "digits", "period"}
    assert [query[name] for name in ("algorithm", "digits", "period")] == [["SHA1"], ["6"], ["30"]]
    assert world.done(STATUS, token=token) == {
        "enabled": False,
        "enabled_at": None,
        "backup_codes_remaining": 0,
    }
    assert world.call("v0.auth.login", json={"email": JANE, "password": PASSWORD}).status_code == 204


def test_setup_takes_the_password_where_the_sign_in_is_stale(
    world: World, token: str, move_clock: Callable[[int], None]
) -> None:
    move_clock(STALE)
    assert said(world.call(SETUP, token=token, json={})) == (403, "auth:step_up_required")
    wrong = world.call(SETUP, token=token, json={"password": "not the password"})
    assert said(wrong) == (400, "auth:current_password_wrong")
    world.done(SETUP, token=token, json={"password": PASSWORD})


def test_setup_is_for_proven_addresses(world: World, token: str, jane: int) -> None:
    world.unprove(jane)
    assert said(world.call(SETUP, token=token, json={})) == (403, "auth:email_unverified")


def test_enable_wants_a_set_up_and_its_code(world: World, token: str) -> None:
    assert said(world.call(ENABLE, token=token, json={"code": "123456"})) == (409, "totp:setup_not_started")
    secret = secret_of(world.done(SETUP, token=token, json={}))
    for code in (other_than(world.totp(secret)), "wrong", "\uff11\uff12\uff13\uff14\uff15\uff16"):
        assert said(world.call(ENABLE, token=token, json={"code": code})) == (400, "totp:invalid_code")
    code = world.totp(secret)
    codes = world.done(ENABLE, token=token, json={"code": f"{code[:3]} {code[3:]}"})["backup_codes"]
    assert (len(set(codes)), {len(code) for code in codes}) == (10, {8})
    status = world.done(STATUS, token=token)
    assert (status["enabled"], status["backup_codes_remaining"]) == (True, 10)
    assert status["enabled_at"].endswith("Z")
    assert subjects(world) == ["Two-factor authentication is on"]
    assert said(world.call(ENABLE, token=token, json={"code": code})) == (409, "totp:setup_not_started")


@pytest.mark.parametrize("body", [{}, {"code": ""}, {"code": None}, {"code": 123456}, {"code": "1" * 41}])
def test_a_code_is_text(world: World, token: str, body: dict[str, Any]) -> None:
    for call in (ENABLE, DISABLE, REGENERATE):
        assert said(world.call(call, token=token, json=body)) == (400, "validation:code")
    answer = world.call(VERIFY, json={"temp_token": "tt_x", **body})
    assert said(answer) == (400, "validation:code")


# ---- the second step


def test_the_second_step_remembers_how_the_first_wanted_the_session(
    world: World, token: str, client: FlaskClient, move_clock: Callable[[int], None]
) -> None:
    secret, codes = enabled(world, token)
    temp = temp_token(world, session_mode="token", remember_me=True)
    wrong = {"temp_token": temp, "code": other_than(world.totp(secret))}
    assert said(world.call(VERIFY, json=wrong)) == (401, "totp:invalid_code")
    move_clock(30)
    body = world.done(VERIFY, json={"temp_token": temp, "code": world.totp(secret)})
    assert set(body) == {"user", "session"}
    assert set(body["session"]) == {"id", "token", "expires_at"}
    again = world.call(VERIFY, json={"temp_token": temp, "code": codes[0]})
    assert said(again) == (401, "auth:login_token_invalid")
    by_cookie = client.post("/v0/auth/totp/verify", json={"temp_token": temp_token(world), "code": codes[0]})
    assert by_cookie.status_code == 204
    assert "session_id=" in by_cookie.headers["Set-Cookie"]
    assert client.get("/v0/user/me").get_json()["totp_enabled"] is True
    assert "A backup code was used" in subjects(world)
    assert world.done(STATUS, token=token)["backup_codes_remaining"] == 9
    used = world.call(VERIFY, json={"temp_token": temp_token(world), "code": codes[0]})
    assert said(used) == (401, "totp:invalid_code")


def test_an_unknown_a_late_and_a_spent_temp_token_are_answered_alike(
    world: World, jane: int, move_clock: Callable[[int], None]
) -> None:
    secret = world.authenticator(jane)
    late = temp_token(world)
    move_clock(10 * 60 + 1)
    used_up = temp_token(world)
    wrong = {"temp_token": used_up, "code": other_than(world.totp(secret))}
    for _ in range(5):
        assert said(world.call(VERIFY, json=wrong)) == (401, "totp:invalid_code")
    for token in ("tt_unknown", late, used_up):
        answer = world.call(VERIFY, json={"temp_token": token, "code": world.totp(secret)})
        assert said(answer) == (401, "auth:login_token_invalid")


def test_a_temp_token_and_a_login_token_are_one_thing(world: World, jane: int) -> None:
    secret, codes = world.authenticator(jane), world.recovery_codes(jane)
    temp = {"login_token": temp_token(world), "code": world.totp(secret)}
    world.done("services_v1.auth.authenticate", json=temp)
    who = {"email": JANE, "password": PASSWORD}
    login = world.done("services_v1.auth.login", json=who)["data"]["login_token"]
    assert world.call(VERIFY, json={"temp_token": login, "code": codes[0]}).status_code == 204


# ---- backup codes, and switching off


def test_new_backup_codes_are_made_with_a_code_of_the_app_alone(
    world: World, token: str, move_clock: Callable[[int], None]
) -> None:
    body = {"code": "123456"}
    assert said(world.call(REGENERATE, token=token, json=body)) == (409, "totp:not_enabled")
    secret, codes = enabled(world, token)
    by_backup = world.call(REGENERATE, token=token, json={"code": codes[0]})
    assert said(by_backup) == (400, "totp:invalid_code")
    move_clock(30)
    new = world.done(REGENERATE, token=token, json={"code": world.totp(secret)})["backup_codes"]
    assert len(set(new) - set(codes)) == 10
    assert subjects(world)[-1] == "You have new backup codes"
    dead = world.call(DISABLE, token=token, json={"code": codes[1]})
    assert said(dead) == (400, "totp:invalid_code")
    assert world.call(DISABLE, token=token, json={"code": new[0]}).status_code == 204
    assert subjects(world)[-1] == "Two-factor authentication is off"
    assert "A backup code was used" not in subjects(world)
    assert said(world.call(DISABLE, token=token, json={"code": new[1]})) == (409, "totp:not_enabled")
    assert world.call("v0.auth.login", json={"email": JANE, "password": PASSWORD}).status_code == 204


def test_disable_takes_the_password_where_the_sign_in_is_stale(
    world: World, token: str, move_clock: Callable[[int], None]
) -> None:
    secret, codes = enabled(world, token)
    move_clock(STALE)
    body = {"code": codes[0]}
    assert said(world.call(DISABLE, token=token, json=body)) == (403, "auth:step_up_required")
    wrong = world.call(DISABLE, token=token, json={**body, "password": "not the password"})
    assert said(wrong) == (400, "auth:current_password_wrong")
    by_both = {"code": world.totp(secret), "password": PASSWORD}
    assert world.call(DISABLE, token=token, json=by_both).status_code == 204
    assert world.done(STATUS, token=token)["enabled"] is False


def test_an_organization_that_demands_it_keeps_it_on(world: World, token: str, jane: int) -> None:
    secret, codes = enabled(world, token)
    world.organization(jane)
    with world.app.app_context(), transaction():
        db.session.add(SettingValue(key="auth.mfa_enforced", value=True))
    for _ in range(6):  # not a failure
        answer = world.call(DISABLE, token=token, json={"code": codes[0]})
        assert said(answer) == (409, "totp:required_by_organization")
    assert world.done(STATUS, token=token)["backup_codes_remaining"] == 10
    assert secret


def test_five_wrong_codes_shut_the_calls_of_a_session(world: World, token: str) -> None:
    secret, codes = enabled(world, token)
    for call in (DISABLE, REGENERATE, DISABLE, REGENERATE, DISABLE):
        answer = world.call(call, token=token, json={"code": other_than(world.totp(secret))})
        assert said(answer) == (400, "totp:invalid_code")
    for call in (DISABLE, REGENERATE):
        answer = world.call(call, token=token, json={"code": codes[0]})
        assert said(answer) == (429, "rate_limit:exceeded")


def test_a_stranger_has_a_factor_of_his_own(world: World, token: str) -> None:
    _, codes = enabled(world, token)
    world.person(CHARLIE)
    strangers = world.token("v0", CHARLIE)
    assert world.done(STATUS, token=strangers)["enabled"] is False
    assert said(world.call(DISABLE, token=strangers, json={"code": codes[0]})) == (409, "totp:not_enabled")
    enabled(world, strangers)
    assert said(world.call(DISABLE, token=strangers, json={"code": codes[0]})) == (400, "totp:invalid_code")
