"""Flows of services_v1, as far as its endpoints are there, against a running server."""

import pytest

from tests.support.authenticator import other_than
from tests.support.calls import Caller
from tests.support.live import LiveInstance

pytestmark = pytest.mark.live

PASSWORD = "correct horse battery 7"
NEW_PASSWORD = "a longer horse battery 8"
A_WHILE = 15 * 60 + 1
"""Seconds after which a sign-in opens no sensitive call any more."""


def account(email: str) -> dict[str, object]:
    names = {"first_name": "Jane", "last_name": "Doe", "accept_policies": True}
    return {"email": email, "password": PASSWORD, "password_confirmation": PASSWORD, **names}


def signed_in(caller: Caller, email: str, password: str = PASSWORD) -> str:
    token = caller.good("services_v1.auth.login", email=email, password=password)["data"]["login_token"]
    return str(caller.good("services_v1.auth.authenticate", login_token=token)["data"]["access_token"])


def person(live: LiveInstance, caller: Caller, email: str) -> str:
    """Sign a person up who proves the address; returns an access token."""
    token = caller.good("services_v1.auth.create_account", **account(email))["data"]["verification_token"]
    code = live.mail.code_for(email)
    proof = {"email": email, "otp": code, "verification_token": token}
    proven = caller.good("services_v1.auth.verify_email_otp", **proof)["data"]
    opened = caller.good("services_v1.auth.authenticate", login_token=proven["login_token"])
    return str(opened["data"]["access_token"])


def test_sign_up(live: LiveInstance, caller: Caller) -> None:
    email, invalid = "jane@sign-up.example", "422 auth:otp_invalid"
    verify = "services_v1.auth.verify_email_otp"
    assert caller.good("services_v1.platforms.info")["data"]["registration_open"] is True
    terms = caller.good("services_v1.auth.get_policy", type="terms")["data"]["version"]
    started = caller.good("services_v1.auth.create_account", **account(email))
    otp = live.mail.code_for(email)
    step = caller.good("services_v1.auth.login", email=email, password=PASSWORD)["data"]
    assert (step["next"], step["login_token"]) == ("verify_email", None)
    live.mail.code_for(email, count=2)
    first = {"email": email, "verification_token": started["data"]["verification_token"]}
    caller.refused(verify, invalid, otp=otp, **first)
    own = {"email": email, "verification_token": step["verification_token"]}
    caller.good("services_v1.auth.resend_email_otp", **own)
    otp3 = live.mail.code_for(email, count=3)
    caller.refused(verify, invalid, otp=other_than(otp3), **own)
    login_token = caller.good(verify, otp=otp3, **own)["data"]["login_token"]
    opened = caller.good("services_v1.auth.authenticate", login_token=login_token)["data"]
    spent = {"login_token": login_token}
    caller.refused("services_v1.auth.authenticate", "401 auth:login_token_invalid", **spent)
    me = caller.good("services_v1.user.get", bearer=opened["access_token"])["data"]
    assert me["email_verified_at"] is not None
    assert [(p["accepted_version"], p["must_accept"]) for p in me["policies"]] == [(terms, False)] * 2
    accept = {"bearer": opened["access_token"], "type": "terms", "version": terms}
    accepted = caller.good("services_v1.user.policy_acceptance", **accept)
    assert caller.good("services_v1.user.policy_acceptance", **accept) == accepted
    again = caller.good("services_v1.auth.create_account", **account(email))
    assert (again["message"], set(again["data"])) == (started["message"], set(started["data"]))
    assert live.mail.wait_for(email, subject="You have an account")


def test_a_used_up_code_helps_only_after_the_wait(live: LiveInstance, caller: Caller) -> None:
    email = "jane@used-up.example"
    token = caller.good("services_v1.auth.create_account", **account(email))["data"]["verification_token"]
    otp = live.mail.code_for(email)
    own = {"email": email, "verification_token": token}
    verify = "services_v1.auth.verify_email_otp"
    for _ in range(5):
        caller.refused(verify, "422 auth:otp_invalid", otp=other_than(otp), **own)
    answer = caller.refused(verify, "429 rate:limited", otp=otp, **own)
    assert int(answer.headers["Retry-After"]) > 0
    live.move_clock(30 * 60 + 1)
    caller.good("services_v1.auth.resend_email_otp", **own)
    caller.good(verify, otp=live.mail.code_for(email, count=2), **own)


def test_verification_link(live: LiveInstance, caller: Caller) -> None:
    email, own = "jane@link.example", "services_v1.auth.send_verification_email_signed_in"
    who = {"email": email, "password": PASSWORD}
    caller.good("platform_api.auth.register", first_name="Jane", last_name="Doe", **who)
    t0 = live.mail.token_for(email, subject="Confirm")
    token = caller.good("platform_api.auth.login", **who)["access_token"]
    caller.good(own, bearer=token)
    t1 = live.mail.token_for(email, subject="Confirm", count=2)
    caller.good("services_v1.auth.send_verification_email", email=email)
    t2 = live.mail.token_for(email, subject="Confirm", count=3)
    for dead in (t0, t1):
        refusal = "422 auth:verification_token_invalid"
        caller.refused("services_v1.auth.confirm_email", refusal, token=dead)
    assert caller.good("services_v1.auth.confirm_email", token=t2)["data"]["email"] == email
    caller.refused(own, "409 auth:email_already_verified", bearer=token)


def test_password_reset(live: LiveInstance, caller: Caller) -> None:
    email, reset = "jane@reset.example", "services_v1.auth.reset_password"
    old = person(live, caller, email)
    unknown = caller.good("services_v1.auth.forgot_password", email="nobody@reset.example")
    assert caller.good("services_v1.auth.forgot_password", email=email) == unknown
    token = live.mail.token_for(email, subject="Choose a new password")
    short = {"token": token, "password": "short", "password_confirmation": "short"}
    caller.refused(reset, "422 validation", **short)
    new = {"token": token, "password": NEW_PASSWORD, "password_confirmation": NEW_PASSWORD}
    caller.good(reset, **new)
    assert live.mail.wait_for(email, subject="Your password was changed")
    caller.refused(reset, "422 auth:reset_token_invalid", **new)
    caller.refused("services_v1.user.get", "401 auth:unauthenticated", bearer=old)
    wrong = {"email": email, "password": PASSWORD}
    caller.refused("services_v1.auth.login", "401 auth:invalid_credentials", **wrong)
    assert signed_in(caller, email, NEW_PASSWORD)
    assert live.mail.all("nobody@reset.example") == []


def test_two_factor(live: LiveInstance, caller: Caller) -> None:
    email = "jane@two-factor.example"
    token = person(live, caller, email)
    update, invalid = "services_v1.two_factor.authenticator_update", "422 two_factor:code_invalid"
    prove, verify = "services_v1.two_factor.security_verification", "services_v1.two_factor.verify_code"
    live.move_clock(A_WHILE)
    caller.refused(update, "403 auth:step_up_required", bearer=token, action="begin")
    caller.good("services_v1.two_factor.email_code", bearer=token)
    code = live.mail.code_for(email, subject="confirms that it is you")
    caller.good(prove, bearer=token, method="email_code", code=code)
    secret = caller.good(update, bearer=token, action="begin")["data"]["secret"]
    used = live.totp(secret)
    caller.refused(verify, invalid, bearer=token, code=other_than(used))
    on = caller.good(verify, bearer=token, code=used)["data"]
    assert on["two_factor"]["enabled"] is True
    assert live.mail.wait_for(email, subject="authentication is on")
    proposed = caller.good("services_v1.two_factor.recovery_regenerate", bearer=token)["data"]
    codes, batch = proposed["codes"], proposed["batch_token"]
    saved = caller.good("services_v1.two_factor.recovery_save", bearer=token, batch_token=batch)["data"]
    assert saved["recovery_codes_remaining"] == 10
    assert live.mail.wait_for(email, subject="new backup codes")
    caller.good("services_v1.auth.logout", bearer=token)
    step = caller.good("services_v1.auth.login", email=email, password=PASSWORD)["data"]
    assert step["next"] == "two_factor"
    finish, lt = "services_v1.auth.authenticate", {"login_token": step["login_token"]}
    caller.refused(finish, "401 auth:two_factor_required", **lt)
    caller.refused(finish, invalid, **lt, method="authenticator", code=used)
    opened = caller.good(finish, **lt, method="recovery_code", code=codes[0])["data"]
    token = opened["access_token"]
    assert live.mail.wait_for(email, subject="backup code was used")
    proof = {"method": "authenticator", "code": live.totp(secret, 1)}
    added = caller.good("services_v1.two_factor.validate_auth", bearer=token, **proof)["data"]
    assert added["session"]["factors"] == 2
    by_password = {"method": "password", "password": PASSWORD}
    caller.refused(prove, "422 two_factor:method_not_allowed", bearer=token, **by_password)
    caller.refused(prove, invalid, bearer=token, method="recovery_code", code=codes[0])
    caller.good(prove, bearer=token, method="recovery_code", code=codes[1])
    caller.good(update, bearer=token, action="disable")
    assert live.mail.wait_for(email, subject="authentication is off")
    step = caller.good("services_v1.auth.login", email=email, password=PASSWORD)["data"]
    assert step["next"] == "authenticate"


def test_a_browser_signs_in_by_cookie_and_out_with_its_csrf_token(live: LiveInstance, caller: Caller) -> None:
    email = "jane@cookie.example"
    person(live, caller, email)
    token = caller.good("services_v1.auth.login", email=email, password=PASSWORD)["data"]["login_token"]
    answer = caller.call("services_v1.auth.authenticate", login_token=token, carrier="cookie")
    cookie, csrf = answer.cookies["session_id"], answer.json()["data"]["csrf_token"]
    assert caller.good("services_v1.user.get", cookie=cookie)["data"]["session"]["kind"] == "browser"
    assert caller.good("v0.users.me", cookie=cookie)
    caller.refused("services_v1.auth.logout", "403 auth:csrf_invalid", cookie=cookie)
    caller.good("services_v1.auth.logout", cookie=cookie, headers={"X-CSRF-Token": csrf})
    caller.refused("services_v1.user.get", "401 auth:unauthenticated", cookie=cookie)
