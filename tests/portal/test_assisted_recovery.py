"""The pages that get a lost second factor removed, and the notice that stops it."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from app.core import clock, jobs, limits, mail
from app.core.access import system
from app.core.buckets import SIGN_IN_FAILURES, TWO_FACTOR_FAILURES
from app.core.db import db
from app.core.secrets import seal, unseal
from app.domains.accounts.models import User
from app.domains.sessions.operations import end_all
from app.domains.twofactor import factors, totp
from app.domains.twofactor.models import Authenticator, FactorRecovery
from app.surfaces.shared import keeping
from app.surfaces.shared.transaction import transaction
from tests.portal.conftest import PASSWORD, Visitor
from tests.portal.passkey_steps import added, sign_in
from tests.support.authenticator import Phone

START = "/recover-second-factor"
WAIT = 72 * 3600
Moves = Callable[[int], None]


class Mailbox:
    """What was mailed, and the links in it."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.sent: list[mail.OutgoingMail] = []

    def path(self, step: str) -> str:
        """Return the newest link of a step."""
        with self.app.app_context():
            keeping.drain()
        for message in reversed(self.sent):
            if found := re.search(rf"({START}/{step}\?token=[\w-]+)", message.text):
                return found[1]
        raise AssertionError(f"no link to {step}")


@pytest.fixture
def mailbox(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Mailbox:
    made = Mailbox(app)
    monkeypatch.setattr(mail, "send", lambda message, **_: made.sent.append(message))
    return made


@pytest.fixture
def protected(signed_in: Visitor, app: Flask) -> Visitor:
    """Return Jane's session of before she switched her second factor on."""
    protect(app)
    return signed_in


def protect(app: Flask) -> None:
    """Switch Jane's second factor on."""
    with app.app_context(), transaction():
        user = db.session.scalars(sa.select(User)).one()
        user.two_factor_enabled_at = clock.now()
        sealed = seal(totp.new_secret(), factors.seal_context(user.id))
        db.session.merge(Authenticator(user_id=user.id, secret=sealed))


@pytest.fixture
def stranded(protected: Visitor, jane: str, app: Flask) -> Visitor:
    """Return Jane at the second step, in a browser where she is not signed in."""
    other = Visitor(app.test_client())
    assert other.sign_in(jane).location.startswith("/sign-in/second-factor")
    return other


def sent(visitor: Visitor, path: str, **fields: str) -> int:
    """Send the form on the page of a mailed link."""
    page = visitor.get(path)
    token = re.search(r'name="token" value="([^"]+)"', page.text)
    assert token, page.text
    address = path.partition("?")[0]
    return visitor.send(address, {"token": token[1], **fields}, on=path).status_code


def advance(app: Flask) -> None:
    with app.app_context(), transaction():
        jobs.run(jobs.JOBS["factor_recoveries.advance"])


def test_the_second_step_leads_to_the_explanation(stranded: Visitor) -> None:
    assert START in stranded.get("/sign-in/second-factor").text
    assert "Ask for the removal" in stranded.get(START).text


def test_a_stranger_reads_the_explanation_and_can_ask_for_nothing(visitor: Visitor) -> None:
    page = visitor.get(START)
    assert page.status_code == 200
    assert "Ask for the removal" not in page.text
    assert visitor.send(START, on=START).location == "/sign-in"


def test_from_the_lost_phone_to_a_sign_in_by_password_alone(
    stranded: Visitor, jane: str, mailbox: Mailbox, app: Flask, move_clock: Moves
) -> None:
    asked = stranded.send(START, on=START).text
    assert "3 days have to pass" in asked
    assert jane not in asked
    confirm = mailbox.path("confirm")
    for _ in range(2):  # what a mail scanner does
        assert stranded.get(confirm).status_code == 200
    assert sent(stranded, confirm) == 200
    move_clock(WAIT)
    advance(app)
    finish = mailbox.path("finish")
    assert sent(stranded, finish, password="wrong horse 7") == 400
    assert sent(stranded, finish, password=PASSWORD) == 303
    assert "What it was for has been done." in stranded.get(finish).text
    assert stranded.sign_in(jane).location == "/dashboard"


def test_every_session_shows_it_and_stops_it_with_one_press(
    protected: Visitor, stranded: Visitor, mailbox: Mailbox
) -> None:
    stranded.send(START, on=START)
    assert "asked to remove your second factor" in protected.get("/dashboard").text
    sent(stranded, mailbox.path("confirm"))
    due = f"{clock.now() + timedelta(days=3):%d %B %Y} at".lstrip("0")
    for path in ("/dashboard", "/account", "/organizations"):
        shown = protected.get(path).text
        assert "Removal of your second factor was asked for" in shown
        assert due in shown
    stopped = protected.send("/account/second-factor-recovery/stop", on="/dashboard")
    assert stopped.status_code == 303
    assert "Removal of your second factor" not in protected.get("/dashboard").text


def test_the_mail_stops_it_too(protected: Visitor, stranded: Visitor, mailbox: Mailbox) -> None:
    stranded.send(START, on=START)
    sent(stranded, mailbox.path("confirm"))
    assert sent(Visitor(mailbox.app.test_client()), mailbox.path("cancel")) == 303
    assert "Removal of your second factor" not in protected.get("/dashboard").text


def test_a_sign_in_with_a_passkey_stops_it(
    signed_in: Visitor, jane: str, mailbox: Mailbox, app: Flask
) -> None:
    device = added(signed_in)
    protect(app)
    stranded = Visitor(app.test_client())
    stranded.sign_in(jane)
    stranded.send(START, on=START)
    assert "asked to remove your second factor" in signed_in.get("/dashboard").text
    assert sign_in(Visitor(app.test_client()), device).status_code < 400
    assert "asked to remove your second factor" not in signed_in.get("/dashboard").text


def under_way(app: Flask) -> bool:
    with app.app_context():
        return (
            db.session.scalar(sa.select(FactorRecovery.ended_at).order_by(FactorRecovery.id.desc())) is None
        )


def waits(app: Flask, person: Visitor, mailbox: Mailbox, *, since: timedelta = timedelta(days=8)) -> Phone:
    """Let a removal wait; returns the person's authenticator app, in use since some days."""
    with app.app_context(), transaction():
        db.session.scalars(sa.select(User)).one().two_factor_enabled_at = clock.now() - since
    person.send(START, on=START)
    sent(person, mailbox.path("confirm"))
    with app.app_context():
        held = db.session.scalars(sa.select(Authenticator)).one()
        return Phone(unseal(held.secret, factors.seal_context(held.user_id)))


def person(app: Flask) -> int:
    with app.app_context():
        return db.session.scalars(sa.select(Authenticator.user_id)).one()


def stop(visitor: Visitor, email: str, code: str) -> TestResponse:
    return visitor.send(f"{START}/stop", {"email": email, "code": code}, on=f"{START}/stop")


NOT_STOPPED = "Nothing was stopped"


def test_a_code_stops_it_without_password_session_or_mail(
    stranded: Visitor, jane: str, mailbox: Mailbox, app: Flask, move_clock: Moves
) -> None:
    phone = waits(app, stranded, mailbox)
    with app.app_context(), transaction():  # whoever reads the mailbox has chosen a new password
        end_all(system("test"), user_id=person(app), tokens_too=True, reason="password_reset")
    outside = Visitor(app.test_client())
    refused = stop(outside, jane, phone.wrong())
    assert (refused.status_code, NOT_STOPPED in refused.text) == (400, True)
    assert under_way(app)
    with app.app_context():
        code = phone.code()
    stopped = stop(outside, jane, code)
    assert (stopped.status_code, stopped.location) == (303, "/forgot-password")
    assert not under_way(app)
    again = stop(outside, jane, code)
    assert (again.status_code, NOT_STOPPED in again.text) == (400, True)
    assert outside.get("/dashboard").status_code == 303


def test_who_asked_for_it_cannot_use_up_the_tries_of_whoever_stops_it(
    stranded: Visitor, jane: str, mailbox: Mailbox, app: Flask
) -> None:
    phone = waits(app, stranded, mailbox)
    with app.app_context():
        wrong, right = phone.wrong(), phone.code()
        for _ in range(50):
            limits.spend(TWO_FACTOR_FAILURES, user=person(app))
        for _ in range(10):
            limits.spend(SIGN_IN_FAILURES, email=jane)
    thief = Visitor(app.test_client())
    statuses = [stop(thief, jane, wrong).status_code for _ in range(21)]
    assert statuses == [400] * 20 + [429]
    owner = Visitor(app.test_client())
    owner.client.environ_base["REMOTE_ADDR"] = "198.51.100.9"
    assert stop(owner, jane, right).status_code == 303
    assert not under_way(app)


def test_an_authenticator_that_somebody_has_just_put_there_stops_nothing(
    stranded: Visitor, jane: str, mailbox: Mailbox, app: Flask, move_clock: Moves
) -> None:
    phone = waits(app, stranded, mailbox, since=timedelta(days=6))
    move_clock(2 * 24 * 3600)  # it is counted from the asking
    with app.app_context():
        code = phone.code()
    answered = stop(Visitor(app.test_client()), jane, code)
    assert (answered.status_code, NOT_STOPPED in answered.text) == (400, True)
    assert under_way(app)


@pytest.mark.parametrize("email", ["nobody@nowhere.example", "no address"])
def test_a_stranger_learns_nothing_from_the_page_that_stops_it(
    stranded: Visitor, jane: str, mailbox: Mailbox, email: str
) -> None:
    said = [stop(stranded, one, "123456") for one in (email, jane)]
    assert [answer.status_code for answer in said] == [400, 400]
    first, second = (
        strip(answer.text).replace(one, "") for answer, one in zip(said, (email, jane), strict=True)
    )
    assert first == second


def strip(page: str) -> str:
    return re.sub(r'(name="csrf_token" value|nonce|content)="[^"]*"', "", page)


def test_one_that_waits_is_not_asked_for_twice(stranded: Visitor, mailbox: Mailbox) -> None:
    stranded.send(START, on=START)
    sent(stranded, mailbox.path("confirm"))
    refused = stranded.send(START, on=START)
    assert refused.status_code == 409
    assert "under way already" in refused.text


def test_a_first_step_that_took_too_long_begins_anew(stranded: Visitor, move_clock: Moves) -> None:
    move_clock(11 * 60)
    assert stranded.send(START, on=START).location.startswith("/sign-in")


@pytest.mark.parametrize("step", ["confirm", "cancel", "finish"])
def test_a_link_that_nobody_was_given_says_so(visitor: Visitor, step: str) -> None:
    assert "This link leads nowhere" in visitor.get(f"{START}/{step}?token=nonsense").text
    assert "This link leads nowhere" in visitor.get(f"{START}/{step}").text
