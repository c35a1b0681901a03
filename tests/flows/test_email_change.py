"""Changing one's address: the flows of v0 and services_v1, against a running server with real mail."""

from collections.abc import Iterator

import pytest

from tests.support.calls import Caller
from tests.support.live import LiveInstance

pytestmark = pytest.mark.live

PASSWORD, NEW_PASSWORD = "correct horse battery 7", "a longer horse battery 8"
ASK, CONFIRM = "v0.auth.change_email", "v0.auth.confirm_email_change"
HALF_AN_HOUR = 1800


@pytest.fixture
def caller(live: LiveInstance) -> Iterator[Caller]:
    with Caller(live.url) as made:
        yield made


def verified(live: LiveInstance, caller: Caller, email: str, handle: str) -> None:
    who = {"email": email, "handle": handle, "display_name": "Jane", "password": PASSWORD}
    caller.good("v0.users.register", **who)
    caller.good("v0.auth.verify_email", token=live.mail.token_for(email, subject="Confirm"))


def token_of(caller: Caller, email: str) -> str:
    opened = caller.good("v0.auth.login", email=email, password=PASSWORD, session_mode="token")
    return str(opened["session"]["token"])


def test_new_email(live: LiveInstance, caller: Caller) -> None:
    a, b, fresh = "a@change.example", "b@change.example", "fresh@change.example"
    verified(live, caller, a, "change_a")
    verified(live, caller, b, "change_b")
    token = token_of(caller, a)
    known = caller.good(ASK, bearer=token, new_email=b)
    notice = live.mail.wait_for(b, subject="named for another account")
    assert "token=" not in notice.text
    unknown = caller.good(ASK, bearer=token, new_email=fresh)
    assert set(unknown) == set(known)
    assert live.mail.wait_for(a, subject="was asked for", count=2)
    mailed = live.mail.token_for(fresh, subject="Confirm your new address")
    me = caller.good("v0.users.me", bearer=token)
    assert (me["email"], me["pending_email"]) == (a, fresh)
    live.move_clock(HALF_AN_HOUR)
    another = "another@change.example"
    caller.refused(ASK, "403 auth:step_up_required", bearer=token, new_email=another)
    assert caller.good(CONFIRM, token=mailed) == {"email": fresh, "email_verified": True}
    for address in (a, fresh):
        assert live.mail.wait_for(address, subject="Your e-mail address was changed")
    caller.refused(CONFIRM, "400 auth:email_change_token_invalid", token=mailed)
    me = caller.good("v0.users.me", bearer=token)
    assert (me["email"], me["email_verified"], me["pending_email"]) == (fresh, True, None)
    caller.refused("v0.auth.login", "401 auth:invalid_credentials", email=a, password=PASSWORD)
    assert caller.call("v0.auth.login", email=fresh, password=PASSWORD).status_code == 204


def bearer_of(caller: Caller, email: str, password: str = PASSWORD) -> str:
    step = caller.good("services_v1.auth.login", email=email, password=password)["data"]
    opened = {"login_token": step["login_token"], "carrier": "bearer"}
    return str(caller.good("services_v1.auth.authenticate", **opened)["data"]["access_token"])


def test_the_own_account_of_services_v1(live: LiveInstance, caller: Caller) -> None:
    old, new = "person@own.example", "anew@own.example"
    verified(live, caller, old, "own_person")
    me, other = bearer_of(caller, old), bearer_of(caller, old)
    proof = {"method": "password", "password": PASSWORD}
    caller.good("services_v1.two_factor.security_verification", bearer=me, **proof)
    asked = caller.good("services_v1.user.update_email_sendtoken", bearer=me, email=new)
    assert set(asked["data"]) == {"pending_email", "expires_in"}
    mailed = live.mail.token_for(new, subject="Confirm your new address")
    assert live.mail.wait_for(old, subject="was asked for")
    changed = caller.good("services_v1.user.update_email_via_token", bearer=me, token=mailed)
    assert changed["data"]["email"] == new
    caller.refused("services_v1.user.get", "401 auth:unauthenticated", bearer=other)
    words = {"password": NEW_PASSWORD, "password_confirmation": NEW_PASSWORD}
    update = "services_v1.user.update_password"
    wrong = {"current_password": "wrong", **words}
    caller.refused(update, "422 auth:current_password_wrong", bearer=me, **wrong)
    caller.good(update, bearer=me, current_password=PASSWORD, **words)
    caller.good("services_v1.user.get", bearer=me)
    stale = {"email": old, "password": PASSWORD}
    caller.refused("services_v1.auth.login", "401 auth:invalid_credentials", **stale)
    assert bearer_of(caller, new, NEW_PASSWORD)


def test_the_old_mailbox_undoes_it_and_its_owner_gets_in_again(live: LiveInstance, caller: Caller) -> None:
    old, new = "owner@undo.example", "thief@undo.example"
    verified(live, caller, old, "undo_owner")
    token = token_of(caller, old)
    caller.good(ASK, bearer=token, new_email=new)
    caller.good(CONFIRM, token=live.mail.token_for(new, subject="Confirm your new address"))
    undo = live.mail.token_for(old, subject="Your e-mail address was changed")
    page = caller.http.get(f"{live.url}/email/undo", params={"token": undo})
    assert page.status_code == 200
    assert caller.good("v0.users.me", bearer=token)["email"] == new
    csrf = page.text.partition('name="csrf_token" value="')[2].partition('"')[0]
    pressed = caller.http.post(f"{live.url}/email/undo", data={"token": undo, "csrf_token": csrf})
    assert pressed.status_code == 200
    caller.refused("v0.users.me", "401 auth:unauthenticated", bearer=token)
    reset = live.mail.token_for(old, subject="was undone")
    assert live.mail.wait_for(new, subject="was undone")
    assert caller.call("v0.auth.reset_password", token=reset, new_password=NEW_PASSWORD).status_code == 204
    opened = {"email": old, "password": NEW_PASSWORD, "session_mode": "token"}
    assert caller.good("v0.auth.login", **opened)["user"]["email"] == old
    caller.refused("v0.auth.login", "401 auth:invalid_credentials", email=new, password=PASSWORD)
