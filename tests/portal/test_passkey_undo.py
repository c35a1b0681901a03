"""The mailed way back from a passkey that somebody else added: shown, pressed once, dead after a week."""

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from html import unescape

import httpx
import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from app.core import clock, jobs
from app.core.access import Actor
from app.core.db import db
from app.core.outbox import OutboxRow
from app.domains.accounts.models import User
from app.domains.sessions import proofs
from app.domains.sessions.operations import end_all
from app.domains.twofactor import passkeys
from app.domains.twofactor.models import FactorRecovery
from app.domains.twofactor.passkey_models import Passkey
from app.surfaces.shared.transaction import transaction
from tests.portal.conftest import PASSWORD, Visitor, set_up
from tests.portal.passkey_steps import added, is_in, new_options, sign_in
from tests.support.calls import BROWSER, Caller
from tests.support.live import LiveInstance
from tests.support.passkey import Device
from tests.support.world import World

PATH, RECOVER = "/passkeys/undo", "/recover-second-factor"
LINK = r"/passkeys/undo\?token=([\w-]+)"
NEW_PASSWORD = "another harbour 31"
OVER = 'id="dead-link"'
HOUR, DAY = 3600, 24 * 3600
Moves = Callable[[int], None]


def link(world: World) -> str:
    """Return the newest mailed way back."""
    return f"{PATH}?token={world.mailed(LINK)}"


def press(visitor: Visitor, address: str, *, on: str = "/forgot-password") -> TestResponse:
    path, _, token = address.partition("?token=")
    return visitor.send(path, {"token": token}, on=on)


def names(app: Flask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(sa.select(Passkey.name).order_by(Passkey.id)))


def reset(visitor: Visitor, world: World, email: str) -> None:
    visitor.send("/forgot-password", {"email": email}, on="/forgot-password")
    address = "/reset-password?token=" + world.mailed(r"/reset-password\?token=([\w-]+)")
    fields = {"token": address.partition("=")[2], "password": NEW_PASSWORD}
    assert visitor.send("/reset-password", fields, on=address).status_code == 303


def step(visitor: Visitor, world: World, name: str, **fields: str) -> int:
    """Press the button of a recovery's mail."""
    token = world.mailed(rf"{RECOVER}/{name}\?token=([\w-]+)")
    page = f"{RECOVER}/{name}?token={token}"
    return visitor.send(f"{RECOVER}/{name}", {"token": token, **fields}, on=page).status_code


def test_an_owner_gets_back_in_past_a_planted_passkey_and_authenticator(
    signed_in: Visitor, other: Visitor, world: World, jane: str, move_clock: Moves
) -> None:
    """What whoever stole a fresh session left there must not keep the owner out for good."""
    app, thief, owner = world.app, Visitor(world.app.test_client()), other
    device, phone = added(signed_in, name="Thief's"), set_up(signed_in)
    way_back = link(world)
    assert sign_in(thief, device).location == "/dashboard"

    assert press(owner, way_back, on=way_back).status_code == 200
    assert [is_in(visitor) for visitor in (signed_in, thief)] == [False, False]
    reset(owner, world, jane)
    assert owner.sign_in(jane, NEW_PASSWORD).location.startswith("/sign-in/second-factor")
    assert owner.send(RECOVER, on=RECOVER).status_code == 200
    assert step(owner, world, "confirm") == 200

    assert sign_in(thief, device).status_code == 400
    assert thief.sign_in(jane).status_code == 401
    with app.app_context():
        code = phone.code()
    stopped = thief.send(f"{RECOVER}/stop", {"email": jane, "code": code}, on=f"{RECOVER}/stop")
    assert stopped.status_code == 400
    with app.app_context():
        assert db.session.scalars(sa.select(FactorRecovery.ended_at)).all() == [None]

    move_clock(72 * HOUR)
    with app.app_context(), transaction():
        jobs.run(jobs.JOBS["factor_recoveries.advance"])
    assert step(owner, world, "finish", password=NEW_PASSWORD) == 303
    assert owner.sign_in(jane, NEW_PASSWORD).location == "/dashboard"
    assert is_in(owner)


def test_it_shows_what_was_added_and_changes_nothing(
    signed_in: Visitor, other: Visitor, world: World
) -> None:
    device = added(signed_in, name="<Thief's>")
    address = link(world)
    for _ in range(3):  # what a mail scanner does
        shown = other.get(address)
        assert shown.status_code == 200
    for said in ("&lt;Thief&#39;s&gt;", "127.0.0.1", "<time", "Take it away and sign everybody out"):
        assert said in shown.text
    assert names(world.app) == ["<Thief's>"]
    assert is_in(signed_in)
    assert sign_in(other, device).location == "/dashboard"


def test_pressing_leads_on_and_leaves_a_trail_and_a_mail_of_each(
    signed_in: Visitor, other: Visitor, world: World
) -> None:
    added(signed_in, name="First")
    address = link(world)
    added(signed_in, name="Second")
    done = press(other, address, on=address)
    assert 'href="/forgot-password"' in done.text
    assert f'href="{RECOVER}"' in done.text
    kinds = [str(row.kind) for row in world.trail()]
    assert kinds.count("passkey.removed") == 2
    subjects = [mail.subject for mail in world.sent]
    assert subjects.count("A passkey was removed") == 2


def test_later_passkeys_go_too_and_earlier_ones_stay(
    signed_in: Visitor, other: Visitor, world: World
) -> None:
    added(signed_in, name="Own")
    own = link(world)
    added(signed_in, name="Planted")
    address = link(world)
    added(signed_in, name="Planted later")
    later = link(world)
    assert press(other, address).status_code == 200
    assert names(world.app) == ["Own"]
    assert press(other, later).status_code == 400  # it went along
    assert OVER not in other.get(own).text


def test_one_that_was_taken_away_meanwhile_still_leads_to_those_made_after_it(
    signed_in: Visitor, other: Visitor, world: World
) -> None:
    added(signed_in, name="Decoy")
    address = link(world)
    added(signed_in, name="Planted")
    page = signed_in.get("/account/security").text
    decoy = re.findall(r'href="(/account/passkeys/[0-9a-f-]{36})"', page)[0]
    assert signed_in.send(f"{decoy}/remove", on=decoy).status_code == 303
    assert names(world.app) == ["Planted"]
    assert "Decoy" in other.get(address).text
    assert press(other, address).status_code == 200
    assert names(world.app) == []


def test_it_ends_sign_ins_api_tokens_and_a_change_of_address_under_way(
    world: World, other: Visitor, signed_in: Visitor, jane: str
) -> None:
    session = world.token("v0", jane, password=PASSWORD)
    made = world.done(
        "services_v1.api_tokens.create",
        token=world.token("services_v1", jane, password=PASSWORD),
        json={"name": "Nightly export", "scopes": ["read"]},
    )["data"]["token"]
    added(signed_in)
    address = link(world)
    world.done("v0.auth.change_email", token=session, json={"new_email": "thief@portal.example"})
    change = {"token": world.mailed(r"/email/confirm\?token=([\w-]+)")}
    assert press(other, address).status_code == 200
    assert world.call("v0.users.me", token=session).status_code == 401
    assert world.call("services_v1.user.get", token=made).status_code == 401
    assert world.call("v0.auth.confirm_email_change", json=change).status_code == 400


def test_it_takes_no_second_factor_away(signed_in: Visitor, other: Visitor, world: World, jane: str) -> None:
    set_up(signed_in)
    added(signed_in)
    assert press(other, link(world)).status_code == 200
    assert other.sign_in(jane).location.startswith("/sign-in/second-factor")


def test_it_is_good_once(signed_in: Visitor, other: Visitor, world: World, jane: str) -> None:
    added(signed_in)
    address = link(world)
    assert press(other, address).status_code == 200
    other.sign_in(jane)
    added(other, name="Anew")
    again = press(Visitor(world.app.test_client()), address)
    assert (again.status_code, OVER in again.text) == (400, True)
    assert names(world.app) == ["Anew"]
    assert is_in(other)


def test_it_is_good_for_a_week(signed_in: Visitor, other: Visitor, world: World, move_clock: Moves) -> None:
    added(signed_in, name="Own")
    address = link(world)
    move_clock(7 * DAY - 60)
    assert "Own" in other.get(address).text
    move_clock(7 * DAY + 60)
    shown = other.get(address)
    assert (OVER in shown.text, "Own" in shown.text) == (True, False)
    assert press(other, address).status_code == 400
    assert names(world.app) == ["Own"]


def test_a_made_up_token_and_one_of_another_purpose_are_refused(
    signed_in: Visitor, other: Visitor, world: World, jane: str
) -> None:
    added(signed_in)
    token = world.mailed(LINK)
    other.send("/forgot-password", {"email": jane}, on="/forgot-password")
    for wrong in ("", "nonsense", token[:-1], token + "a", world.mailed(r"/reset-password\?token=([\w-]+)")):
        shown = other.get(f"{PATH}?token={wrong}").text
        assert (OVER in shown, "Laptop" in shown) == (True, False)
        assert press(other, f"{PATH}?token={wrong}").status_code == 400
    assert OVER in other.get(PATH).text
    fields = {"token": token, "password": NEW_PASSWORD}
    assert other.send("/reset-password", fields).status_code == 400
    assert names(world.app) == ["Laptop"]


def test_guessing_is_bounded(other: Visitor, world: World) -> None:
    statuses = [press(other, f"{PATH}?token=guess{number}").status_code for number in range(21)]
    assert statuses == [400] * 20 + [429]


def test_a_form_of_another_site_is_refused(signed_in: Visitor, other: Visitor, world: World) -> None:
    added(signed_in)
    answer = other.client.post(PATH, data={"token": world.mailed(LINK)})
    assert answer.status_code == 419
    assert names(world.app) == ["Laptop"]


def test_it_works_in_a_session_of_somebody_else_and_leaves_theirs_alone(
    signed_in: Visitor, other: Visitor, world: World
) -> None:
    added(signed_in)
    world.person("charlie@world.example")
    other.sign_in("charlie@world.example", "correct horse battery 7")
    assert press(other, link(world), on="/account/security").status_code == 200
    (removed,) = [row for row in world.trail() if str(row.kind) == "passkey.removed"]
    (made,) = [row for row in world.trail() if str(row.kind) == "passkey.added"]
    assert (removed.actor_user_id, removed.session_id) == (made.actor_user_id, None)


def test_it_is_dead_while_the_account_has_another_address_and_when_it_is_disabled(
    signed_in: Visitor, other: Visitor, world: World, jane: str
) -> None:
    added(signed_in)
    address = link(world)
    moved = {"email": "roe@portal.example", "email_key": "roe@portal.example"}
    back = {"email": jane, "email_key": jane}
    for values in (moved, back | {"disabled_at": clock.now()}):
        with world.app.app_context(), transaction():
            db.session.execute(sa.update(User).values(**values))
        shown = other.get(address).text
        assert (OVER in shown, "Laptop" in shown) == (True, False)
        assert press(other, address).status_code == 400
        assert names(world.app) == ["Laptop"]


def test_a_change_of_address_that_is_undone_gives_it_back(
    signed_in: Visitor, other: Visitor, world: World, jane: str
) -> None:
    """Who signs in with a planted passkey to change the address leaves that passkey behind the change."""
    device = added(signed_in, name="Planted")
    address, thief = link(world), Visitor(world.app.test_client())
    assert sign_in(thief, device).location == "/dashboard"
    thief.send("/account/email", {"email": "roe@portal.example"}, on="/account/email")
    confirm = "/email/confirm?token=" + world.mailed(r"/email/confirm\?token=([\w-]+)")
    assert press(thief, confirm, on=confirm).status_code == 303
    assert press(other, address).status_code == 400
    world.keep_promises()
    (told,) = [mail for mail in world.sent if mail.to == jane and "/email/undo" in mail.text]
    undo = re.search(r"/email/undo\?token=[\w-]+", told.text)
    assert undo
    assert press(other, undo[0], on=undo[0]).status_code == 200
    assert press(other, address).status_code == 200
    assert names(world.app) == []


def test_its_token_waits_sealed_in_the_outbox(signed_in: Visitor, world: World) -> None:
    added(signed_in)
    with world.app.app_context():
        promised = json.dumps([row.payload for row in db.session.scalars(sa.select(OutboxRow))])
    token = world.mailed(LINK)
    assert "passkey_addition" in promised
    assert token not in promised


def test_none_is_added_in_a_session_that_ends_at_the_same_moment(
    signed_in: Visitor, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    credential = Device().make(new_options(signed_in))

    def held_after_the_press(actor: Actor) -> User:
        end_all(actor, user_id=actor.user_id or 0, tokens_too=True, reason="passkey_undone")
        return proofs.held_as_strong(actor)

    monkeypatch.setattr(passkeys, "held_as_strong", held_after_the_press)
    fields = {"credential": credential, "name": "Planted"}
    assert signed_in.send("/account/passkeys", fields, on="/account/security").status_code == 400
    assert names(world.app) == []


# ---- two presses at once, against a running server


@pytest.fixture
def browser_of(live: LiveInstance) -> Iterator[Callable[[], httpx.Client]]:
    opened: list[httpx.Client] = []

    def open_one() -> httpx.Client:
        opened.append(httpx.Client(base_url=live.url, timeout=20, headers={"User-Agent": BROWSER}))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


def posted(browser: httpx.Client, path: str, *, on: str, **fields: str) -> httpx.Response:
    shown = browser.get(on)
    found = re.search(r'name="csrf_token" value="([^"]+)"', shown.text)
    assert found, shown.headers
    return browser.post(path, data={"csrf_token": found[1], **fields})


@pytest.mark.live
def test_of_many_presses_at_once_one_counts(
    live: LiveInstance, browser_of: Callable[[], httpx.Client]
) -> None:
    email = "jane@race-passkey.example"
    with Caller(live.url) as caller:
        names = {"first_name": "Jane", "last_name": "Doe", "accept_policies": True}
        own = {"email": email, "password": PASSWORD, "password_confirmation": PASSWORD}
        data = caller.good("services_v1.auth.create_account", **own, **names)["data"]
        proof = {"verification_token": data["verification_token"], "otp": live.mail.code_for(email)}
        caller.good("services_v1.auth.verify_email_otp", email=email, **proof)
    owner = browser_of()
    assert posted(owner, "/sign-in", on="/sign-in", email=email, password=PASSWORD).status_code == 303
    page = posted(owner, "/account/passkeys/new", on="/account/security").text
    options = re.search(r'data-passkey-new="([^"]+)"', page)
    assert options, page
    credential = Device(origin=live.url).make(json.loads(unescape(options[1])))
    kept = posted(owner, "/account/passkeys", on="/account/security", credential=credential, name="Planted")
    assert kept.status_code == 303
    token = live.mail.token_for(email, subject="passkey was added")
    browsers = [browser_of() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda one: posted(one, PATH, on="/sign-in", token=token).status_code, browsers)
        assert sorted(answers) == [200] + [400] * 7
    assert owner.get("/account/security").status_code == 303
    live.mail.wait_for(email, subject="passkey was removed")
    assert len([mail for mail in live.mail.all(email) if "removed" in mail.subject]) == 1
