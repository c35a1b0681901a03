"""Flows of v0, as far as its endpoints are there, against a running server."""

import base64
import io

import pytest
import qrcode

from tests.support.calls import Caller
from tests.support.live import LiveInstance
from tests.support.second_factor import secret_in

pytestmark = pytest.mark.live

PASSWORD, NEW = "correct horse battery 7", "a longer horse battery 8"
PAGE_KEYS = {"id", "handle", "display_name", "bio", "profile_image", "banner_image"}


def verified(live: LiveInstance, caller: Caller, email: str, handle: str) -> None:
    """Register a person and prove the address."""
    who = {"email": email, "handle": handle, "display_name": "Jane", "password": PASSWORD}
    caller.good("v0.users.register", **who)
    caller.good("v0.auth.verify_email", token=live.mail.token_for(email, subject="Confirm"))


def token_of(caller: Caller, email: str, password: str = PASSWORD) -> str:
    opened = caller.good("v0.auth.login", email=email, password=password, session_mode="token")
    return str(opened["session"]["token"])


def test_register_and_appear(live: LiveInstance, caller: Caller) -> None:
    email, handle = "jane@appear.example", "jane_appears"
    assert caller.call("v0.health.check").status_code == 204
    assert caller.good("v0.users.handle_available", handle=handle)["available"] is True
    who = {"email": email, "handle": handle, "display_name": "Jane", "password": PASSWORD}
    first = caller.call("v0.users.register", **who)
    assert (first.status_code, set(first.json()), first.cookies.get("session_id")) == (202, {"message"}, None)
    t1 = live.mail.token_for(email, subject="Confirm")
    again = caller.call("v0.users.register", **{**who, "handle": "jane_again", "password": NEW})
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert live.mail.wait_for(email, count=2)
    for taken in (handle, "jane_again"):
        free = caller.good("v0.users.handle_available", handle=taken)
        assert (free["available"], free["reason"]) == (False, "taken")
    other = {**who, "email": "jim@appear.example"}
    caller.refused("v0.users.register", "409 user:handle_taken", **other)
    caller.refused("v0.users.register", "400 validation:handle", **{**other, "handle": "abc"})
    opened = caller.good("v0.auth.login", email=email, password=PASSWORD, session_mode="token")
    token, user = opened["session"]["token"], opened["user"]["id"]
    assert opened["user"]["email_verified"] is False
    caller.refused("v0.users.profile_by_handle", "400 user:not_found", handle=handle)
    caller.good("v0.auth.resend_verification", bearer=token)
    t2 = live.mail.token_for(email, subject="Confirm", count=2)
    caller.refused("v0.auth.verify_email", "400 token:expired_verification", token=t1)
    caller.good("v0.auth.verify_email", token=t2)
    caller.refused("v0.auth.verify_email", "400 token:expired_verification", token=t2)
    assert caller.good("v0.users.me", bearer=token)["email_verified"] is True
    page = caller.good("v0.users.profile_by_handle", handle=handle)
    assert set(page) == PAGE_KEYS
    assert caller.good("v0.users.profile_by_id", user_id=user) == page
    caller.refused("v0.auth.resend_verification", "409 auth:email_already_verified", bearer=token)


def test_cookie_and_password(live: LiveInstance, caller: Caller) -> None:
    email = "jane@v0-cookie.example"
    verified(live, caller, email, "jane_cookie")
    answer = caller.call("v0.auth.login", email=email, password=PASSWORD, remember_me=True)
    assert (answer.status_code, answer.content) == (204, b"")
    said = answer.headers["Set-Cookie"]
    assert "HttpOnly" in said
    assert "SameSite=Lax" in said
    assert "Max-Age=2592000" in said or "Max-Age=2591999" in said
    cookie = answer.cookies["session_id"]
    token = token_of(caller, email)
    evil = {"Origin": "https://evil.example"}
    caller.refused(
        "v0.users.update_me", "403 auth:csrf_invalid", cookie=cookie, headers=evil, display_name="Evil"
    )
    ours = {"cookie": cookie, "headers": {"Origin": live.url}}
    assert caller.good("v0.users.me", cookie=cookie)["display_name"] == "Jane"
    change = "v0.auth.change_password"
    wrong = {"current_password": "wrong", "new_password": NEW}
    caller.refused(change, "400 auth:current_password_wrong", **ours, **wrong)
    assert caller.call(change, **ours, current_password=PASSWORD, new_password=NEW).status_code == 204
    assert live.mail.wait_for(email, subject="Your password was changed")
    caller.good("v0.users.me", cookie=cookie)
    caller.refused("v0.users.me", "401 auth:unauthenticated", bearer=token)
    caller.refused("v0.auth.login", "401 auth:invalid_credentials", email=email, password=PASSWORD)
    out = caller.call("v0.auth.logout", **ours)
    assert (out.status_code, "Max-Age=0" in out.headers["Set-Cookie"]) == (204, True)
    caller.refused("v0.users.me", "401 auth:unauthenticated", cookie=cookie)


def test_forgotten_password(live: LiveInstance, caller: Caller) -> None:
    email, nobody = "jane@forgot.example", "nobody@forgot.example"
    verified(live, caller, email, "jane_forgot")
    old = token_of(caller, email)
    unknown = caller.call("v0.auth.forgot_password", email=nobody)
    known = caller.call("v0.auth.forgot_password", email=email)
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    token = live.mail.token_for(email, subject="password")
    assert live.mail.all(nobody) == []
    reset = "v0.auth.reset_password"
    caller.refused(reset, "400 validation:new_password", token=token, new_password="short")
    answer = caller.call(reset, token=token, new_password=NEW)
    assert (answer.status_code, answer.cookies.get("session_id")) == (204, None)
    assert live.mail.wait_for(email, subject="Your password was changed")
    caller.refused("v0.users.me", "401 auth:unauthenticated", bearer=old)
    caller.refused(reset, "400 auth:reset_token_invalid", token=token, new_password=PASSWORD)
    assert token_of(caller, email, NEW)


def test_second_factor(live: LiveInstance, caller: Caller) -> None:
    email, invalid = "jane@v0-factor.example", "totp:invalid_code"
    verified(live, caller, email, "jane_factor")
    who = {"email": email, "password": PASSWORD}
    token = token_of(caller, email)
    caller.refused("v0.totp.enable", "409 totp:setup_not_started", bearer=token, code="123456")
    made = caller.good("v0.totp.setup", bearer=token)
    secret = secret_in(made["qr_code_uri"])
    assert base64.b64decode(made["qr_code_base64"]) == picture_of(made["qr_code_uri"])
    off = {"enabled": False, "enabled_at": None, "backup_codes_remaining": 0}
    assert caller.good("v0.totp.status", bearer=token) == off
    assert caller.call("v0.auth.login", **who).status_code == 204
    caller.refused("v0.totp.enable", f"400 {invalid}", bearer=token, code="wrong")
    codes = caller.good("v0.totp.enable", bearer=token, code=live.totp(secret))["backup_codes"]
    assert (len(codes), {len(code) for code in codes}) == (10, {8})
    assert live.mail.wait_for(email, subject="authentication is on")
    asked = caller.call("v0.auth.login", **who, session_mode="token")
    assert (asked.status_code, set(asked.json())) == (202, {"temp_token"})
    temp = asked.json()["temp_token"]
    caller.refused("v0.totp.verify", f"401 {invalid}", temp_token=temp, code="wrong")
    opened = caller.good("v0.totp.verify", temp_token=temp, code=live.totp(secret, 1))
    spent = {"temp_token": temp, "code": codes[1]}
    caller.refused("v0.totp.verify", "401 auth:login_token_invalid", **spent)
    temp2 = caller.good("v0.auth.login", **who)["temp_token"]
    by_cookie = caller.call("v0.totp.verify", temp_token=temp2, code=codes[0])
    assert (by_cookie.status_code, "session_id" in by_cookie.cookies) == (204, True)
    assert live.mail.wait_for(email, subject="backup code was used")
    assert caller.good("v0.totp.status", bearer=token)["backup_codes_remaining"] == 9
    temp3 = caller.good("v0.auth.login", **who)["temp_token"]
    caller.refused("v0.totp.verify", f"401 {invalid}", temp_token=temp3, code=codes[0])
    live.move_clock(60)
    second, fresh = opened["session"]["token"], live.totp(secret, 1)
    new = caller.good("v0.totp.regenerate_backup_codes", bearer=second, code=fresh)["backup_codes"]
    assert live.mail.wait_for(email, subject="new backup codes")
    caller.refused("v0.totp.disable", f"400 {invalid}", bearer=second, code=codes[1])
    caller.good("v0.totp.disable", bearer=second, code=new[0])
    assert live.mail.wait_for(email, subject="authentication is off")
    caller.refused("v0.totp.disable", "409 totp:not_enabled", bearer=second, code=new[1])
    assert caller.call("v0.auth.login", **who).status_code == 204


def picture_of(address: str) -> bytes:
    """Draw the QR code of an address."""
    held = io.BytesIO()
    qrcode.make(address, border=2).save(held, format="PNG")
    return held.getvalue()
