"""The portal's way to another address: asked for, confirmed, cancelled, stopped, undone."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core import clock, mail
from app.core.access import Origin, anonymous
from app.core.db import db
from app.domains.accounts.models import User
from app.domains.audit.models import AuditEvent
from app.domains.privacy.models import DeletionRequest
from app.domains.sessions.operations import Plan, open_session
from app.domains.twofactor import recovery_codes
from app.domains.twofactor.passkey_models import Passkey
from app.surfaces.shared import keeping
from app.surfaces.shared.transaction import transaction
from tests.portal.conftest import PASSWORD, Visitor
from tests.portal.passkey_steps import added
from tests.support.world import World

NEW, PAGE = "roe@portal.example", "/account/email"
DAY = 24 * 3600


@pytest.fixture
def sent(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[mail.OutgoingMail]:
    found: list[mail.OutgoingMail] = []
    monkeypatch.setattr(mail, "send", lambda message, **_: found.append(message))
    return found


@pytest.fixture
def link(app: Flask, sent: list[mail.OutgoingMail]) -> Callable[[str, str], str]:
    """Return a function that finds the newest link to a page in the mails to an address."""

    def find(to: str, path: str) -> str:
        with app.app_context():
            keeping.drain()
        for message in reversed([m for m in sent if m.to == to]):
            if found := re.search(rf"http://localhost({path}\?token=[\w-]+)", message.text):
                return found[1]
        raise AssertionError(f"no link to {path} for {to}: {[(m.to, m.subject) for m in sent]}")

    return find


Link = Callable[[str, str], str]


def press(visitor: Visitor, address: str) -> object:
    """Open a mailed link and press its button; a second time it is not there any more, but may be sent."""
    path, _, token = address.partition("?token=")
    return visitor.send(
        path, {"token": token}, on=address if "<form" in visitor.get(address).text else "/forgot-password"
    )


def ask(visitor: Visitor, email: str = NEW) -> object:
    return visitor.send(PAGE, {"email": email}, on=PAGE)


def kinds(app: Flask) -> list[str]:
    with app.app_context():
        return [str(k) for k in db.session.scalars(sa.select(AuditEvent.kind).order_by(AuditEvent.id))]


def changed(visitor: Visitor, link: Link, to: str = NEW) -> None:
    assert ask(visitor, to).status_code == 303
    assert press(visitor, link(to, "/email/confirm")).status_code == 303


def test_it_is_asked_for_shown_as_pending_and_confirmed_by_pressing(signed_in: Visitor, link: Link) -> None:
    assert ask(signed_in).status_code == 303
    shown = signed_in.get(PAGE).text
    assert NEW in shown
    assert "Waits for confirmation" in shown
    address = link(NEW, "/email/confirm")
    for _ in range(2):
        assert signed_in.get(address).status_code == 200
    assert "Waits for confirmation" in signed_in.get(PAGE).text
    assert press(signed_in, address).location == PAGE
    shown = signed_in.get(PAGE).text
    assert NEW in shown
    assert "Waits for confirmation" not in shown


def test_the_link_works_where_nobody_is_signed_in(app: Flask, signed_in: Visitor, link: Link) -> None:
    ask(signed_in)
    elsewhere = Visitor(app.test_client())
    assert press(elsewhere, link(NEW, "/email/confirm")).location == "/sign-in"
    assert elsewhere.sign_in(NEW).status_code == 303
    assert signed_in.get(PAGE).status_code == 200


def test_a_spent_link_says_so_and_leads_on(signed_in: Visitor, link: Link) -> None:
    ask(signed_in)
    address = link(NEW, "/email/confirm")
    press(signed_in, address)
    answer = press(signed_in, address)
    assert answer.status_code == 400
    assert "Your address was changed with it." in answer.text
    assert signed_in.get(address).status_code == 410
    assert "This link leads nowhere" in signed_in.get("/email/confirm").text


def test_what_is_no_new_address_is_refused_at_its_field(signed_in: Visitor, jane: str) -> None:
    for email in ("", "nonsense", jane):
        answer = ask(signed_in, email)
        assert answer.status_code == 422
        assert 'id="email-error"' in answer.text


def test_it_can_be_cancelled_and_sent_again(app: Flask, signed_in: Visitor, link: Link) -> None:
    ask(signed_in)
    first = link(NEW, "/email/confirm")
    assert signed_in.send(f"{PAGE}/resend", on=PAGE).status_code == 303
    second = link(NEW, "/email/confirm")
    assert first != second
    assert signed_in.send(f"{PAGE}/cancel", on=PAGE).status_code == 303
    assert press(signed_in, second).status_code == 400
    signed_in.send(f"{PAGE}/cancel", on=PAGE)
    assert kinds(app).count("user.email_change_cancelled") == 1


def test_the_present_mailbox_stops_it_and_puts_everybody_out(
    app: Flask, signed_in: Visitor, jane: str, link: Link
) -> None:
    ask(signed_in)
    address, confirmation = link(jane, "/email/stop"), link(NEW, "/email/confirm")
    owner = Visitor(app.test_client())
    assert owner.get(address).status_code == 200
    assert signed_in.get(PAGE).status_code == 200
    stopped = press(owner, address)
    assert stopped.status_code == 200
    assert 'href="/forgot-password"' in stopped.text
    assert signed_in.get(PAGE).status_code == 303
    assert press(owner, confirmation).status_code == 400
    assert kinds(app)[-1] == "user.email_change_cancelled"
    assert press(owner, address).status_code == 400


def test_the_old_mailbox_undoes_it(app: Flask, signed_in: Visitor, jane: str, link: Link) -> None:
    changed(signed_in, link)
    owner, address = Visitor(app.test_client()), link(jane, "/email/undo")
    offered = owner.get(address)
    assert offered.status_code == 200
    assert jane in offered.text
    assert NEW in offered.text
    assert signed_in.get(PAGE).status_code == 200
    undone = press(owner, address)
    assert undone.status_code == 200
    assert jane in undone.text
    assert signed_in.get(PAGE).status_code == 303
    assert owner.sign_in(NEW).status_code == 401
    assert owner.sign_in(jane).status_code == 401
    assert kinds(app).count("user.email_change_undone") == 1
    reset = link(jane, "/reset-password")
    token = reset.partition("=")[2]
    chosen = owner.send("/reset-password", {"token": token, "password": "another harbour 31"}, on=reset)
    assert chosen.status_code == 303
    assert owner.sign_in(jane, "another harbour 31").status_code == 303


def test_the_mailbox_that_was_left_gets_no_link_for_a_password(
    signed_in: Visitor, jane: str, link: Link, sent: list[mail.OutgoingMail]
) -> None:
    changed(signed_in, link)
    press(signed_in, link(jane, "/email/undo"))
    link(jane, "/reset-password")
    (told,) = [m for m in sent if m.to == NEW and "undone" in m.subject]
    assert "token=" not in told.text


def test_a_way_back_is_good_for_a_week_and_once(
    signed_in: Visitor, jane: str, link: Link, move_clock: Callable[[int], None]
) -> None:
    changed(signed_in, link)
    address = link(jane, "/email/undo")
    move_clock(7 * DAY - 60)
    assert "Undo the change" in signed_in.get(address).text
    move_clock(7 * DAY + 60)
    assert "It was good for seven days." in signed_in.get(address).text
    assert press_without_form(signed_in, address) == 400


def press_without_form(visitor: Visitor, address: str) -> int:
    path, _, token = address.partition("?token=")
    return visitor.send(path, {"token": token}, on="/forgot-password").status_code


def test_the_first_mailbox_undoes_a_chain_of_changes(
    app: Flask, signed_in: Visitor, jane: str, link: Link
) -> None:
    changed(signed_in, link)
    change = {"current_password": PASSWORD, "new_password": "the thief's harbour 9"}
    assert signed_in.send("/account/password", change, on="/account/password").status_code == 303
    changed(signed_in, link, "third@portal.example")
    thief, owner = link(NEW, "/email/undo"), Visitor(app.test_client())
    assert press(owner, link(jane, "/email/undo")).status_code == 200
    assert press_without_form(owner, thief) == 400
    assert signed_in.get(PAGE).status_code == 303


def test_the_second_mailbox_cannot_outdo_the_first(
    app: Flask, signed_in: Visitor, jane: str, link: Link
) -> None:
    changed(signed_in, link)
    changed(signed_in, link, "third@portal.example")
    owner = Visitor(app.test_client())
    assert press(owner, link(NEW, "/email/undo")).status_code == 200
    assert press(owner, link(jane, "/email/undo")).status_code == 200


def test_the_old_address_is_kept_while_it_can_be_undone(
    world: World, signed_in: Visitor, jane: str, move_clock: Callable[[int], None]
) -> None:
    ask(signed_in)
    press(signed_in, "/email/confirm?token=" + world.mailed(r"/email/confirm\?token=([\w-]+)"))
    who = {"email": jane.upper(), "password": PASSWORD, "first_name": "K", "last_name": "L"}
    taken = world.call("platform_api.auth.register", json=who)
    assert taken.get_json()["code"] == "user:email_taken"
    founding = {
        "companyName": "Jane's", "slug": "janes-own",
        "admin": {"email": jane, "password": PASSWORD, "firstName": "K", "lastName": "L"},
    }  # fmt: skip
    assert world.call("api_v1.tenants.register", json=founding).status_code < 500
    world.person("kim@portal.example")
    kim = world.token("v0", "kim@portal.example")
    world.done("v0.auth.change_email", token=kim, json={"new_email": jane})
    world.keep_promises()
    assert [m for m in world.sent if m.to == jane and "Confirm" in m.subject] == []
    move_clock(7 * DAY + 1)
    assert world.call("platform_api.auth.register", json=who).status_code == 201


def test_going_back_by_oneself_leaves_no_way_to_the_other(
    signed_in: Visitor, jane: str, link: Link, sent: list[mail.OutgoingMail]
) -> None:
    changed(signed_in, link)
    changed(signed_in, link, jane)
    assert press_without_form(signed_in, link(jane, "/email/undo")) == 400
    assert [m for m in sent if m.to == NEW and "/email/undo" in m.text] == []


def test_the_browser_that_confirms_stays_signed_in(
    app: Flask, signed_in: Visitor, jane: str, link: Link
) -> None:
    phone, third = Visitor(app.test_client()), Visitor(app.test_client())
    assert phone.sign_in(jane).status_code == third.sign_in(jane).status_code == 303
    ask(signed_in)
    assert press(phone, link(NEW, "/email/confirm")).location == PAGE
    assert [v.get(PAGE).status_code for v in (signed_in, phone, third)] == [200, 200, 303]


def passkey(user_id: int, name: str, created_at: datetime) -> Passkey:
    return Passkey(
        user_id=user_id,
        user_handle=b"handle",
        credential_id=name.encode(),
        public_key=b"key",
        sign_count=0,
        name=name,
        transports=[],
        backed_up=False,
        created_at=created_at,
    )


def test_undoing_keeps_the_account_and_takes_away_a_factor_set_up_meanwhile(
    app: Flask, signed_in: Visitor, jane: str, link: Link
) -> None:
    changed(signed_in, link)
    with app.app_context(), transaction():
        user = db.session.scalars(sa.select(User).where(User.email == NEW)).one()
        user.two_factor_enabled_at = clock.now()
        due = clock.now() + timedelta(days=1)
        db.session.add(DeletionRequest(user_id=user.id, requested_at=clock.now(), due_at=due))
        for name, age in (("own", timedelta(days=1)), ("thief's", timedelta(0))):
            db.session.add(passkey(user.id, name, clock.now() - age))
    assert press(Visitor(app.test_client()), link(jane, "/email/undo")).status_code == 200
    left = kinds(app)
    assert "two_factor.disabled" in left
    assert "user.deletion_cancelled" in left
    assert left.count("passkey.removed") == 1
    with app.app_context():
        assert db.session.scalars(sa.select(DeletionRequest)).all() == []
        assert db.session.scalars(sa.select(Passkey.name)).all() == ["own"]
        assert not db.session.scalars(sa.select(User).where(User.email == jane)).one().two_factor_enabled


def test_undoing_takes_what_was_left_before_the_change_by_whoever_asked_for_it(
    app: Flask, signed_in: Visitor, jane: str, link: Link, move_clock: Callable[[int], None]
) -> None:
    world = World(app, [])
    with app.app_context(), transaction():
        user = db.session.scalars(sa.select(User).where(User.email == jane)).one()
        db.session.add(passkey(user.id, "own", clock.now() - timedelta(days=1)))
        person = user.id
    world.authenticator(person)
    world.recovery_codes(person)
    move_clock(DAY)
    thief = Visitor(app.test_client())
    with app.app_context(), transaction():
        opened = open_session(
            anonymous(Origin(ip="192.0.2.7", dialect="portal")),
            user=db.session.get_one(User, person),
            method="password",
            factors=2,
            plan=Plan(kind="browser", opaque=True),
        )
    thief.client.set_cookie("session_id", opened.token or "")
    added(thief)
    world.recovery_codes(person)
    changed(thief, link)
    assert press(Visitor(app.test_client()), link(jane, "/email/undo")).status_code == 200
    with app.app_context():
        assert db.session.scalars(sa.select(Passkey.name)).all() == ["own"]
        assert recovery_codes.remaining(person) == 0
        assert db.session.get_one(User, person).two_factor_enabled
