"""Changing one's address: the flow of v0, and its way back, against a running server with real mail."""

import pytest

from tests.support.calls import Caller
from tests.support.live import LiveInstance

pytestmark = pytest.mark.live

PASSWORD, NEW_PASSWORD = "correct horse battery 7", "a longer horse battery 8"
ASK, CONFIRM = "v0.auth.change_email", "v0.auth.confirm_email_change"
HALF_AN_HOUR = 1800


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
