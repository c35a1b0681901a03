"""services_v1: asking for another address, and taking it with the token out of the new mailbox."""

from collections.abc import Callable

from tests.support.world import PASSWORD, World
from tests.surfaces.services_v1.conftest import CHARLIE, JANE, at_fault, refused

NEW = "jane.roe@world.example"
ASK, TAKE = "services_v1.user.update_email_sendtoken", "services_v1.user.update_email_via_token"
CONFIRM = r"/email/confirm\?token=([\w-]+)"


def asked(world: World, token: str, email: str = NEW) -> str:
    """Ask for an address and return the token that its mailbox gets."""
    world.done(ASK, token=token, json={"email": email})
    return world.mailed(CONFIRM)


def me(world: World, token: str) -> dict[str, object]:
    return dict(world.done("services_v1.user.get", token=token)["data"])


def test_asking_tells_both_mailboxes_and_changes_nothing_yet(world: World, token: str) -> None:
    body = world.done(ASK, token=token, json={"email": f"  {NEW} "})
    assert body == {
        "data": {"pending_email": NEW, "expires_in": 3600},
        "message": "If that address can be used, a token is on its way to it.",
    }
    world.keep_promises()
    assert [(m.to, m.subject) for m in world.sent] == [
        (JANE, "A change of your e-mail address was asked for"),
        (NEW, "Confirm your new address for Steering"),
    ]
    assert (me(world, token)["email"], me(world, token)["pending_email"]) == (JANE, NEW)


def test_the_token_makes_the_address_ones_own_and_ends_the_other_sign_ins(world: World, token: str) -> None:
    other, v0 = world.token("services_v1", JANE), world.token("v0", JANE)
    answer = world.done(TAKE, token=token, json={"token": asked(world, token)})
    assert set(answer) == {"data", "message"}
    assert set(answer["data"]) == {"email", "email_verified_at", "pending_email"}
    assert (answer["data"]["email"], answer["data"]["pending_email"]) == (NEW, None)
    assert answer["message"] == "Your e-mail address is changed."
    mine = me(world, token)
    assert (mine["email"], mine["pending_email"]) == (NEW, None)
    assert mine["email_verified_at"] == answer["data"]["email_verified_at"]
    refused(world.call("services_v1.user.get", token=other), 401, "auth:unauthenticated")
    assert world.call("v0.users.me", token=v0).status_code == 401
    world.keep_promises()
    assert {m.to for m in world.sent if m.subject == "Your e-mail address was changed"} == {JANE, NEW}
    assert world.call("v0.auth.login", json={"email": JANE, "password": PASSWORD}).status_code == 401
    assert world.token("v0", NEW)


def test_it_may_come_back_in_another_session_of_the_same_person(world: World, token: str) -> None:
    other = world.token("services_v1", JANE)
    world.done(TAKE, token=other, json={"token": asked(world, token)})
    assert me(world, token)["email"] == me(world, other)["email"] == NEW


def test_an_unknown_spent_or_replaced_token_is_refused(world: World, token: str) -> None:
    first = asked(world, token)
    second = asked(world, token, "third@world.example")
    for bad in ("nonsense", first):
        refused(world.call(TAKE, token=token, json={"token": bad}), 422, "auth:email_change_token_invalid")
    world.done(TAKE, token=token, json={"token": second})
    again = world.call(TAKE, token=token, json={"token": second})
    refused(again, 422, "auth:email_change_token_invalid")


def test_a_token_lives_an_hour(world: World, token: str, move_clock: Callable[[int], None]) -> None:
    mailed = asked(world, token)
    move_clock(3601)
    refused(world.call(TAKE, token=token, json={"token": mailed}), 422, "auth:email_change_token_invalid")
    assert me(world, token)["pending_email"] is None


def test_only_ones_own_request_is_taken(world: World, token: str, strangers_token: str) -> None:
    mailed = asked(world, token)
    answer = world.call(TAKE, token=strangers_token, json={"token": mailed})
    refused(answer, 422, "auth:email_change_token_invalid")
    world.done(TAKE, token=token, json={"token": mailed})


def test_a_known_address_gets_the_same_answer_and_its_mailbox_a_notice(world: World, token: str) -> None:
    world.person(CHARLIE)
    known = world.done(ASK, token=token, json={"email": CHARLIE.upper()})
    assert known["data"]["expires_in"] == 3600
    world.keep_promises()
    (notice,) = [m for m in world.sent if m.to == CHARLIE]
    assert notice.subject == "Your address was named for another account"
    assert "token=" not in notice.text
    assert str(me(world, token)["pending_email"]).lower() == CHARLIE


def test_an_address_that_somebody_registered_meanwhile_is_taken(world: World, token: str) -> None:
    mailed = asked(world, token)
    world.person(NEW)
    refused(world.call(TAKE, token=token, json={"token": mailed}), 409, "user:email_taken")
    assert me(world, token)["email"] == JANE


def test_it_asks_for_a_fresh_proof(world: World, token: str, move_clock: Callable[[int], None]) -> None:
    move_clock(24 * 3600 // 48)
    answer = world.call(ASK, token=token, json={"email": NEW})
    refused(answer, 403, "auth:step_up_required")
    proof = {"method": "password", "password": PASSWORD}
    world.done("services_v1.two_factor.security_verification", token=token, json=proof)
    world.done(ASK, token=token, json={"email": NEW})


def test_what_is_no_new_address_is_named_at_its_field(world: World, token: str) -> None:
    for email in ("nonsense", "jane@", JANE, JANE.upper(), "jane@world.example.", "a\0b@world.example"):
        assert at_fault(world.call(ASK, token=token, json={"email": email})) == {"email"}, email
    assert at_fault(world.call(ASK, token=token, json={})) == {"email"}
    assert at_fault(world.call(TAKE, token=token, json={})) == {"token"}


def test_five_mails_an_hour_go_to_one_address(world: World, token: str) -> None:
    for _ in range(5):
        world.done(ASK, token=token, json={"email": NEW})
    answer = world.call(ASK, token=token, json={"email": NEW.upper()})
    refused(answer, 429, "rate:limited")


def test_ten_wrong_tokens_in_an_hour_are_enough(world: World, token: str) -> None:
    answers = [world.call(TAKE, token=token, json={"token": f"wrong{n}"}) for n in range(11)]
    assert [a.status_code for a in answers] == [422] * 10 + [429]


def test_another_password_lets_a_change_be(world: World, token: str) -> None:
    mailed = asked(world, token)
    passwords = {"password": "a longer horse battery 8", "password_confirmation": "a longer horse battery 8"}
    change = {"current_password": PASSWORD, **passwords}
    world.done("services_v1.user.update_password", token=token, json=change)
    assert me(world, token)["pending_email"] is None
    refused(world.call(TAKE, token=token, json={"token": mailed}), 422, "auth:email_change_token_invalid")
