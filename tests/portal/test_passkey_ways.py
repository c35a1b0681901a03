"""Signing in with a passkey, the second step and the proof with one; and what is refused."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core import clock
from app.core.db import db
from app.domains.accounts.models import User
from app.domains.sessions.models import UserSession
from app.domains.settings import queries as settings
from app.domains.twofactor.passkey_models import PasskeyCeremony
from app.surfaces.shared.transaction import transaction
from tests.portal.conftest import Visitor
from tests.portal.passkey_steps import REFUSED, added, asked, csrf, is_in, sign_in
from tests.portal.test_step_up import answer
from tests.support.authenticator import Phone
from tests.support.passkey import Device, raw
from tests.support.world import World

FACTOR = "/sign-in/second-factor"


# ---- Signing in


def test_it_signs_in_alone_with_two_factors(signed_in: Visitor, other: Visitor, world: World) -> None:
    device = added(signed_in)
    done = sign_in(other, device)
    assert (done.status_code, done.location) == (303, "/dashboard")
    assert is_in(other)
    with world.app.app_context():
        newest = db.session.scalars(sa.select(UserSession).order_by(UserSession.id.desc())).first()
        assert newest is not None
        assert (newest.method, newest.factors) == ("passkey", 2)
    assert "Never used" not in signed_in.get("/account/security").text


def test_the_page_of_the_sign_in_names_nobody(signed_in: Visitor, other: Visitor) -> None:
    added(signed_in)
    options = asked(other, "/sign-in/passkey/options", on="/sign-in")
    assert options["allowCredentials"] == []
    assert options["userVerification"] == "required"


def test_an_answer_counts_once(signed_in: Visitor, other: Visitor, app: Flask) -> None:
    device = added(signed_in)
    options = asked(other, "/sign-in/passkey/options", on="/sign-in")
    credential = device.sign(options)
    page = other.get("/sign-in")
    assert page.status_code == 200
    assert other.send("/sign-in/passkey", {"credential": credential}).location == "/dashboard"
    again = Visitor(app.test_client())
    again.get("/sign-in")
    assert again.send("/sign-in/passkey", {"credential": credential}).status_code == 400


def test_an_answer_counts_only_in_the_browser_that_was_asked(
    signed_in: Visitor, other: Visitor, app: Flask
) -> None:
    device = added(signed_in)
    credential = device.sign(asked(other, "/sign-in/passkey/options", on="/sign-in"))
    thief = Visitor(app.test_client())
    asked(thief, "/sign-in/passkey/options", on="/sign-in")
    assert thief.send("/sign-in/passkey", {"credential": credential}).status_code == 400


def test_a_challenge_is_good_for_five_minutes(
    signed_in: Visitor, other: Visitor, move_clock: Callable[[int], None]
) -> None:
    device = added(signed_in)
    options = asked(other, "/sign-in/passkey/options", on="/sign-in")
    move_clock(301)
    assert other.send("/sign-in/passkey", {"credential": device.sign(options)}).status_code == 400


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://localhost:8001"},
        {"party": "evil.example"},
        {"verifies": False},
        {"handle": b"somebody else"},
        {"credential_id": b"unknown"},
        {"key": Device().key},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_what_does_not_fit_is_refused(
    signed_in: Visitor, other: Visitor, wrong: dict[str, Any], world: World
) -> None:
    device = replace(added(signed_in), **wrong)
    refused = sign_in(other, device)
    assert (refused.status_code, REFUSED in refused.text) == (400, True)
    assert not is_in(other)
    assert str(world.trail()[-1].kind) == "user.sign_in_failed"


def test_who_is_asked_for_a_name_has_to_give_it(signed_in: Visitor, other: Visitor) -> None:
    assert sign_in(other, added(signed_in), with_handle=False).status_code == 400


def test_a_copy_that_counts_backwards_is_refused_and_told_of(
    signed_in: Visitor, other: Visitor, world: World, app: Flask
) -> None:
    device = added(signed_in, Device(count=5))
    copy = replace(device)
    assert sign_in(other, device).location == "/dashboard"
    thief = Visitor(app.test_client())
    refused = sign_in(thief, copy)
    assert (refused.status_code, REFUSED in refused.text) == (400, True)
    world.keep_promises()
    assert "A copy of your passkey was refused" in [mail.subject for mail in world.sent]
    assert world.trail()[-1].changes == {"method": "passkey_copy"}


def test_a_disabled_account_is_not_let_in(
    signed_in: Visitor, other: Visitor, world: World, jane: str
) -> None:
    device = added(signed_in)
    with world.app.app_context(), transaction():
        db.session.execute(sa.update(User).where(User.email == jane).values(disabled_at=clock.now()))
    refused = sign_in(other, device)
    assert (refused.status_code, "This account has been disabled." in refused.text) == (403, True)
    assert not is_in(other)


def test_the_rule_of_proven_addresses_holds_for_passkeys(
    signed_in: Visitor, other: Visitor, world: World, jane: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = added(signed_in)
    with world.app.app_context(), transaction():
        db.session.execute(sa.update(User).where(User.email == jane).values(email_verified_at=None))
    asks = settings.boolean
    monkeypatch.setattr(
        settings,
        "boolean",
        lambda key, **more: True if key == "auth.email_verification_required" else asks(key, **more),
    )
    assert sign_in(other, device).status_code == 403
    assert not is_in(other)


def test_failures_are_counted_by_the_network(signed_in: Visitor, other: Visitor, world: World) -> None:
    stranger = Device()
    for _ in range(100):
        other.send("/sign-in/passkey", {"credential": "{}"})
    assert sign_in(other, stranger).status_code == 429


# ---- Second step and proof


@pytest.fixture
def halfway(protected: tuple[Visitor, Phone], other: Visitor, jane: str) -> tuple[Device, Visitor]:
    """Return a device of Jane's, and somebody who knows her password."""
    device = added(protected[0])
    assert other.sign_in(jane).location == FACTOR
    return device, other


def test_it_is_the_second_step_after_a_password(halfway: tuple[Device, Visitor]) -> None:
    device, visitor = halfway
    assert "data-passkey=" in visitor.get(FACTOR).text
    options = asked(visitor, f"{FACTOR}/passkey/options", on=FACTOR)
    assert [raw(known["id"]) for known in options["allowCredentials"]] == [device.credential_id]
    credential = device.sign(options, with_handle=False)
    done = visitor.send(f"{FACTOR}/passkey", {"credential": credential}, on=FACTOR)
    assert done.location == "/dashboard"
    assert is_in(visitor)


def test_a_passkey_of_somebody_else_is_no_second_step(
    halfway: tuple[Device, Visitor], world: World, app: Flask
) -> None:
    _, visitor = halfway
    world.person("charlie@world.example")
    charlie = Visitor(app.test_client())
    charlie.sign_in("charlie@world.example", "correct horse battery 7")
    foreign = added(charlie)
    options = asked(visitor, f"{FACTOR}/passkey/options", on=FACTOR)
    refused = visitor.send(f"{FACTOR}/passkey", {"credential": foreign.sign(options)}, on=FACTOR)
    assert refused.status_code == 400
    assert not is_in(visitor)


def test_an_answer_belongs_to_one_login_token(halfway: tuple[Device, Visitor], app: Flask, jane: str) -> None:
    device, visitor = halfway
    credential = device.sign(asked(visitor, f"{FACTOR}/passkey/options", on=FACTOR))
    thief = Visitor(app.test_client())
    thief.sign_in(jane)
    assert thief.send(f"{FACTOR}/passkey", {"credential": credential}, on=FACTOR).status_code == 400


def test_an_answer_for_one_purpose_serves_no_other(halfway: tuple[Device, Visitor], app: Flask) -> None:
    device, visitor = halfway
    credential = device.sign(asked(visitor, f"{FACTOR}/passkey/options", on=FACTOR))
    assert visitor.send("/sign-in/passkey", {"credential": credential}).status_code == 400
    fresh = Visitor(app.test_client())
    alone = device.sign(asked(fresh, "/sign-in/passkey/options", on="/sign-in"))
    assert visitor.send(f"{FACTOR}/passkey", {"credential": alone}, on=FACTOR).status_code == 400


def test_five_wrong_answers_end_the_sign_in(halfway: tuple[Device, Visitor]) -> None:
    device, visitor = halfway
    options = asked(visitor, f"{FACTOR}/passkey/options", on=FACTOR)
    for _ in range(5):
        visitor.send(f"{FACTOR}/passkey", {"credential": "{}"}, on=FACTOR)
    ended = visitor.send(f"{FACTOR}/passkey", {"credential": device.sign(options)}, on=FACTOR)
    assert ended.location == "/sign-in"


def test_it_proves_who_it_is_inside_a_session(
    signed_in: Visitor, move_clock: Callable[[int], None], world: World
) -> None:
    device = added(signed_in)
    move_clock(16 * 60)
    question = signed_in.send("/account/passkeys/new", on="/account/security")
    assert "/step-up/passkey/options" in question.text
    options = asked(signed_in, "/step-up/passkey/options", on="/account/security")
    wrong = answer(signed_in, question, step_up_passkey="{}")
    assert REFUSED in wrong.text
    done = answer(signed_in, wrong, step_up_passkey=device.sign(options))
    assert "data-passkey-new" in done.text
    with world.app.app_context():
        session = db.session.scalars(sa.select(UserSession).order_by(UserSession.id.desc())).first()
        assert session is not None
        assert session.factors == 2


def test_a_proof_of_another_session_does_not_count(
    signed_in: Visitor, other: Visitor, jane: str, move_clock: Callable[[int], None]
) -> None:
    device = added(signed_in)
    other.sign_in(jane)
    credential = device.sign(asked(signed_in, "/step-up/passkey/options", on="/account/security"))
    refused = other.send("/step-up", {"step_up_passkey": credential}, on="/step-up")
    assert (refused.status_code, REFUSED in refused.text) == (400, True)


def test_who_has_none_is_not_asked_for_one(
    signed_in: Visitor, protected: tuple[Visitor, Phone], other: Visitor, jane: str
) -> None:
    other.sign_in(jane)
    assert "data-passkey=" not in other.get(FACTOR).text
    for visitor, path, on in (
        (other, f"{FACTOR}/passkey/options", FACTOR),
        (signed_in, "/step-up/passkey/options", "/step-up"),
    ):
        headers = {"X-CSRFToken": csrf(visitor, on), "Accept": "application/json"}
        assert visitor.client.post(path, headers=headers).status_code in (400, 401)


def test_no_challenge_and_no_secret_is_kept_in_the_open(
    signed_in: Visitor, other: Visitor, world: World
) -> None:
    challenge = raw(asked(other, "/sign-in/passkey/options", on="/sign-in")["challenge"])
    with world.app.app_context():
        kept = db.session.scalars(sa.select(PasskeyCeremony)).all()
        assert len(kept) == 1
        assert challenge not in (kept[0].challenge_hash, kept[0].bound_hash)
        assert kept[0].expires_at - kept[0].created_at == timedelta(minutes=5)
