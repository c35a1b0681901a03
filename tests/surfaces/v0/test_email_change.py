"""v0: asking for another address with the password as the proof, and confirming it without a session."""

from collections.abc import Callable
from datetime import datetime

import pytest
from werkzeug.test import TestResponse

from tests.support.world import PASSWORD, World

JANE, CHARLIE, NEW = "jane@world.example", "charlie@other.example", "jane.roe@world.example"
ASK, CONFIRM = "v0.auth.change_email", "v0.auth.confirm_email_change"
RESEND = "v0.auth.resend_verification"
MAILED = r"/email/confirm\?token=([\w-]+)"
HALF_AN_HOUR = 1800


def said(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["code"]


@pytest.fixture
def token(world: World) -> str:
    world.person(JANE)
    return world.token("v0", JANE)


def asked(world: World, token: str, email: str = NEW) -> str:
    world.done(ASK, token=token, json={"new_email": email})
    return world.mailed(MAILED)


def test_it_answers_a_known_address_like_a_new_one(world: World, token: str) -> None:
    world.person(CHARLIE)
    for email in (CHARLIE, NEW):
        answer = world.call(ASK, token=token, json={"new_email": email})
        assert answer.status_code == 202
        body = answer.get_json()
        assert set(body) == {"message", "pending_email", "expires_at"}
        assert body["pending_email"] == email
        assert datetime.fromisoformat(body["expires_at"]).tzinfo
        assert world.done("v0.users.me", token=token)["pending_email"] == email
    world.keep_promises()
    assert [m.subject for m in world.sent if m.to == CHARLIE] == [
        "Your address was named for another account"
    ]


def test_whoever_has_the_token_confirms(world: World, token: str) -> None:
    other = world.token("platform_api", JANE)
    mailed = asked(world, token)
    assert world.done(CONFIRM, json={"token": mailed}) == {"email": NEW, "email_verified": True}
    me = world.done("v0.users.me", token=token)
    assert (me["email"], me["email_verified"], me["pending_email"]) == (NEW, True, None)
    assert world.call("platform_api.auth.me", token=other).status_code == 401
    assert said(world.call(CONFIRM, json={"token": mailed})) == (400, "auth:email_change_token_invalid")


def test_the_password_is_the_proof_of_an_old_session(
    world: World, token: str, move_clock: Callable[[int], None]
) -> None:
    move_clock(HALF_AN_HOUR)
    assert said(world.call(ASK, token=token, json={"new_email": NEW})) == (403, "auth:step_up_required")
    wrong = {"new_email": NEW, "password": "wrong"}
    assert said(world.call(ASK, token=token, json=wrong)) == (400, "auth:current_password_wrong")
    world.done(ASK, token=token, json={"new_email": NEW, "password": PASSWORD})


def test_wrong_passwords_are_counted(world: World, token: str) -> None:
    wrong = {"new_email": NEW, "password": "wrong"}
    answers = [world.call(ASK, token=token, json=wrong).status_code for _ in range(6)]
    assert answers == [400] * 5 + [429]


def test_what_is_no_new_address_is_named(world: World, token: str) -> None:
    for email in ("nonsense", JANE):
        answer = world.call(ASK, token=token, json={"new_email": email})
        assert said(answer) == (400, "validation:new_email")


def test_asking_again_mails_the_confirmation_again(world: World, token: str) -> None:
    first = asked(world, token)
    world.done(RESEND, token=token)
    second = world.mailed(MAILED)
    assert second != first
    assert said(world.call(CONFIRM, json={"token": first})) == (400, "auth:email_change_token_invalid")
    world.done(CONFIRM, json={"token": second})
    assert world.done("v0.users.me", token=token)["email"] == NEW
    assert said(world.call(RESEND, token=token)) == (409, "auth:email_already_verified")


def test_who_never_proved_their_address_may_correct_it(world: World, token: str) -> None:
    """The mailbox that was named by mistake learns of it, and gets nothing to open the account with."""
    world.unprove(world.person("typo@world.example"))
    mistaken = world.token("v0", "typo@world.example")
    mailed = asked(world, mistaken)
    world.done(CONFIRM, json={"token": mailed})
    world.keep_promises()
    to_the_old = [m for m in world.sent if m.to == "typo@world.example"]
    assert [m.subject for m in to_the_old][-1] == "Your e-mail address was changed"
    assert [m for m in to_the_old if "token=" in m.text] == []


def test_an_address_proven_meanwhile_is_taken(world: World, token: str) -> None:
    mailed = asked(world, token)
    world.person(NEW)
    assert said(world.call(CONFIRM, json={"token": mailed})) == (409, "user:email_taken")


def test_a_sign_in_that_was_ended_as_strange_takes_its_request_with_it(world: World, token: str) -> None:
    strange = world.token("v0", JANE)
    mailed = asked(world, strange)
    mine = world.token("services_v1", JANE)
    sessions = world.done("services_v1.active_sessions.list", token=mine)["data"]
    for session in [s for s in sessions if not s["current"]]:
        world.done("services_v1.active_sessions.revoke", token=mine, json={"session_id": session["id"]})
    assert said(world.call(CONFIRM, json={"token": mailed})) == (400, "auth:email_change_token_invalid")
