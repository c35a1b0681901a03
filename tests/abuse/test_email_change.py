"""A change of address under attack: D04, D06, B08, A10, races, and what a thief could leave behind."""

import httpx
import pytest
import sqlalchemy as sa

from tests.portal.conftest import Visitor
from tests.support.calls import Caller, at_once
from tests.support.live import LiveInstance
from tests.support.world import PASSWORD, World

JANE, CHARLIE, NEW = "jane@world.example", "charlie@other.example", "jane.roe@world.example"
ASK, CONFIRM = "v0.auth.change_email", "v0.auth.confirm_email_change"
MAILED = r"/email/confirm\?token=([\w-]+)"
RESET = r"/reset-password\?token=([\w-]+)"
INVALID = "auth:email_change_token_invalid"


@pytest.fixture
def token(world: World) -> str:
    world.person(JANE)
    return world.token("v0", JANE)


def asked(world: World, token: str, email: str = NEW) -> str:
    world.done(ASK, token=token, json={"new_email": email})
    return world.mailed(MAILED)


def word(world: World, endpoint_id: str, **call: object) -> str:
    answer = world.call(endpoint_id, **call)  # type: ignore[arg-type]
    return str((answer.get_json(silent=True) or {}).get("code", answer.status_code))


def test_a_reset_link_to_the_old_address_dies_with_it(world: World, token: str) -> None:
    mailed = asked(world, token)
    world.done("v0.auth.forgot_password", json={"email": JANE})
    reset = world.mailed(RESET)
    world.done(CONFIRM, json={"token": mailed})
    body = {"token": reset, "new_password": "a longer horse battery 8"}
    assert word(world, "v0.auth.reset_password", json=body) == "auth:reset_token_invalid"
    before = len(world.sent)
    world.done("v0.auth.forgot_password", json={"email": JANE})
    world.keep_promises()
    assert [m for m in world.sent[before:] if m.to == JANE and "/reset-password" in m.text] == []


def test_codes_and_half_sign_ins_of_the_old_address_die_with_it(world: World, token: str) -> None:
    mailed = asked(world, token)
    step = world.done("services_v1.auth.login", json={"email": JANE, "password": PASSWORD})["data"]
    world.done("platform_api.auth.otp_request", json={"email": JANE})
    code = world.mailed_code()
    world.done(CONFIRM, json={"token": mailed})
    opened = {"login_token": step["login_token"], "carrier": "bearer"}
    assert word(world, "services_v1.auth.authenticate", json=opened) == "auth:login_token_invalid"
    for email in (JANE, NEW):
        assert (
            world.call("platform_api.auth.otp_verify", json={"email": email, "code": code}).status_code > 299
        )


def test_a_sign_up_that_waits_for_the_old_mailbox_opens_nothing_any_more(world: World) -> None:
    """The mailbox that was named by mistake must not get into the account that has left it."""
    body = {
        "email": JANE, "password": PASSWORD, "password_confirmation": PASSWORD,
        "first_name": "Jane", "last_name": "Doe", "accept_policies": True,
    }  # fmt: skip
    evt = world.done("services_v1.auth.create_account", json=body)["data"]["verification_token"]
    code = world.mailed_code()
    world.done(CONFIRM, json={"token": asked(world, world.token("v0", JANE))})
    proof = {"email": JANE, "otp": code, "verification_token": evt}
    assert world.call("services_v1.auth.verify_email_otp", json=proof).status_code == 422


@pytest.mark.parametrize(
    "spelling", ["\uff2a\uff21\uff2e\uff25@world.example", "Jane@WORLD.example", " jane@world.example. "]
)
def test_another_spelling_of_ones_address_is_no_other_address(
    world: World, token: str, spelling: str
) -> None:
    assert word(world, ASK, token=token, json={"new_email": spelling}) == "validation:new_email"


@pytest.mark.parametrize(
    "spelling", ["CHARLIE@other.example", "\uff43harlie@other.example", "charlie@Other.Example."]
)
def test_another_spelling_of_somebodys_address_belongs_to_them(
    world: World, token: str, spelling: str
) -> None:
    world.person(CHARLIE)
    world.done(ASK, token=token, json={"new_email": spelling})
    world.keep_promises()
    other = [m for m in world.sent if m.to != JANE]
    assert [(m.to, "token=" in m.text) for m in other] == [(CHARLIE, False)]


def test_tokens_of_other_purposes_are_refused(world: World, token: str) -> None:
    """B08: each mailed token at every other place."""
    change = asked(world, token)
    stop = world.mailed(r"/email/stop\?token=([\w-]+)")
    world.done("v0.auth.forgot_password", json={"email": JANE})
    reset = world.mailed(RESET)
    for wrong in (stop, reset, "", change[:-1], change + "a", change.swapcase()):
        assert world.call(CONFIRM, json={"token": wrong}).status_code == 400, wrong
    for wrong in (stop, change):
        body = {"token": wrong, "new_password": "a longer horse battery 8"}
        assert word(world, "v0.auth.reset_password", json=body) == "auth:reset_token_invalid"
        assert word(world, "v0.auth.verify_email", json={"token": wrong}) == "token:expired_verification"
    world.done(CONFIRM, json={"token": change})
    undo = world.mailed(r"/email/undo\?token=([\w-]+)")
    for wrong in (undo, change):
        assert word(world, CONFIRM, json={"token": wrong}) == INVALID


def test_guessing_at_tokens_is_bounded(world: World) -> None:
    answers = [world.call(CONFIRM, json={"token": f"guess{n}"}).status_code for n in range(21)]
    assert answers == [400] * 20 + [429]


def test_a_reset_from_the_present_mailbox_lets_a_thiefs_request_be(world: World, token: str) -> None:
    mailed = asked(world, token)
    world.done("v0.auth.forgot_password", json={"email": JANE})
    body = {"token": world.mailed(RESET), "new_password": "a longer horse battery 8"}
    world.call("v0.auth.reset_password", json=body)
    assert word(world, CONFIRM, json={"token": mailed}) == INVALID


def test_a_request_costs_the_same_whoever_has_the_address(
    world: World, token: str, database: sa.Connection
) -> None:
    world.person(CHARLIE)
    counted = []
    for email in (CHARLIE, NEW, CHARLIE, NEW):
        ran: list[str] = []

        def note(_c: object, _cursor: object, statement: str, *_more: object, ran: list[str] = ran) -> None:
            ran.append(statement)

        sa.event.listen(database, "before_cursor_execute", note)
        world.done(ASK, token=token, json={"new_email": email})
        sa.event.remove(database, "before_cursor_execute", note)
        counted.append(len(ran))
    assert counted[2] == counted[3]


# ---- many at once, against a running server


def someone(caller: Caller, email: str) -> str:
    who = {"email": email, "password": PASSWORD, "first_name": "Jane", "last_name": "Doe"}
    caller.good("platform_api.auth.register", **who)
    opened = caller.good("v0.auth.login", email=email, password=PASSWORD, session_mode="token")
    return str(opened["session"]["token"])


@pytest.mark.live
def test_a_change_is_confirmed_once_however_many_show_its_token(live: LiveInstance, caller: Caller) -> None:
    token = someone(caller, "jane@race-change.example")
    caller.good(ASK, bearer=token, new_email="roe@race-change.example")
    mailed = live.mail.token_for("roe@race-change.example", subject="Confirm your new")
    statuses = at_once(20, lambda _: caller.call(CONFIRM, token=mailed))
    assert statuses == [200] + [400] * 19
    assert caller.good("v0.users.me", bearer=token)["email"] == "roe@race-change.example"


@pytest.mark.live
def test_of_two_people_who_confirm_one_address_one_gets_it(live: LiveInstance, caller: Caller) -> None:
    wanted = "wanted@race-two.example"
    people = [someone(caller, f"{name}@race-two.example") for name in ("a", "b")]
    tokens = []
    for count, bearer in enumerate(people, start=1):
        caller.good(ASK, bearer=bearer, new_email=wanted)
        tokens.append(live.mail.token_for(wanted, subject="Confirm your new", count=count))
    statuses = at_once(2, lambda n: caller.call(CONFIRM, token=tokens[n]))
    assert statuses == [200, 409]
    addresses = sorted(caller.good("v0.users.me", bearer=bearer)["email"] for bearer in people)
    assert addresses.count(wanted) == 1


@pytest.mark.live
def test_an_address_that_is_being_left_is_not_caught_in_flight(live: LiveInstance, caller: Caller) -> None:
    """While it changes hands the old address is either the person's or kept for them, never free."""
    old = "old@race-flight.example"
    token = someone(caller, old)
    verify = live.mail.token_for(old, subject="Confirm")
    caller.good("v0.auth.verify_email", token=verify)
    caller.good(ASK, bearer=token, new_email="new@race-flight.example")
    mailed = live.mail.token_for("new@race-flight.example", subject="Confirm your new")
    who = {"email": old, "password": PASSWORD, "first_name": "K", "last_name": "L"}

    def call(number: int) -> httpx.Response:
        if number == 4:
            return caller.call(CONFIRM, token=mailed)
        return caller.call("platform_api.auth.register", **who)

    statuses = at_once(8, call)
    assert statuses.count(200) == 1
    assert 201 not in statuses


def test_whoever_opens_the_link_lends_it_neither_session_nor_organization(world: World, token: str) -> None:
    link = asked(world, token)
    charlie = Visitor(world.app.test_client())
    world.organization(world.person(CHARLIE), "other-corp")
    assert charlie.sign_in(CHARLIE, PASSWORD).status_code == 303
    before = len(world.trail())
    path = "/email/confirm"
    assert charlie.send(path, {"token": link}, on=f"{path}?token={link}").status_code == 303
    rows = world.trail()[before:]
    assert [str(row.kind) for row in rows] == ["user.email_changed", "user.email_verified"]
    assert {(row.tenant_id, row.session_id, row.actor_uid) for row in rows} == {(None, None, None)}
