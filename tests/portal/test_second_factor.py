"""The second step of a sign-in, and the page where the authenticator and the recovery codes are kept."""

import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.db import db
from app.domains.accounts.models import User
from app.domains.sessions.models import UserSession
from app.domains.twofactor import pictures
from app.surfaces.shared.transaction import transaction
from tests.portal.conftest import PASSWORD, Visitor, set_up
from tests.support.authenticator import Phone
from tests.support.world import World

Protected = tuple[Visitor, Phone]

FACTOR = "/sign-in/second-factor"
RECOVERY = f"{FACTOR}/recovery-code"
SETUP = "/account/security/authenticator"
CODES = "/account/security/recovery-codes"


@pytest.fixture
def outside(app: Flask, jane: str, protected: Protected) -> Visitor:
    """Return somebody who knows Jane's password, before the second step."""
    visitor = Visitor(app.test_client())
    assert visitor.sign_in(jane).location == FACTOR
    return visitor


def codes_of(visitor: Visitor) -> list[str]:
    """Make recovery codes, put them in force and return them."""
    page = visitor.send(CODES, on="/account/security")
    found = re.findall(r"<li><code>([\w-]+)</code></li>", page.text)
    batch = re.search(r'name="batch_token" value="([^"]+)"', page.text)
    assert batch
    assert len(found) == 10
    saved = visitor.send(f"{CODES}/save", {"batch_token": batch[1]}, on="/account/security")
    assert saved.status_code == 303
    return found


def is_in(visitor: Visitor) -> bool:
    return visitor.get("/dashboard").status_code == 200


# ---- Signing in


def test_a_password_alone_leads_to_the_second_step(outside: Visitor) -> None:
    assert not is_in(outside)
    page = outside.get(FACTOR)
    assert 'autocomplete="one-time-code"' in page.text
    assert f'href="{RECOVERY}"' in page.text


def test_the_code_of_the_authenticator_signs_in(outside: Visitor, protected: Protected, world: World) -> None:
    done = outside.send(FACTOR, {"code": protected[1].code()}, on=FACTOR)
    assert (done.status_code, done.location) == (303, "/dashboard")
    assert is_in(outside)
    with world.app.app_context():
        newest = db.session.scalars(sa.select(UserSession).order_by(UserSession.id.desc())).first()
        assert newest is not None
        assert (newest.factors, newest.method, newest.kind) == (2, "password", "browser")


def test_where_one_wanted_to_go_outlasts_the_second_step(app: Flask, jane: str, protected: Protected) -> None:
    visitor = Visitor(app.test_client())
    step = visitor.send("/sign-in", {"email": jane, "password": PASSWORD, "next": "/account/sessions"})
    assert step.location == f"{FACTOR}?next=/account/sessions"
    assert 'name="next" value="/account/sessions"' in visitor.get(step.location).text
    done = visitor.send(FACTOR, {"code": protected[1].code(), "next": "/account/sessions"}, on=step.location)
    assert done.location == "/account/sessions"


def test_to_be_remembered_outlasts_the_second_step(app: Flask, jane: str, protected: Protected) -> None:
    visitor = Visitor(app.test_client())
    visitor.send("/sign-in", {"email": jane, "password": PASSWORD, "remember": "y"})
    done = visitor.send(FACTOR, {"code": protected[1].code()}, on=FACTOR)
    assert "Max-Age" in next(c for c in done.headers.getlist("Set-Cookie") if c.startswith("session_id"))


def test_a_wrong_code_is_told_at_its_field(outside: Visitor, protected: Protected) -> None:
    wrong = outside.send(FACTOR, {"code": protected[1].wrong()}, on=FACTOR)
    assert wrong.status_code == 400
    assert 'id="code-error"' in wrong.text
    assert outside.send(FACTOR, {"code": protected[1].code()}, on=FACTOR).location == "/dashboard"


def test_a_code_is_taken_once(outside: Visitor, protected: Protected, app: Flask, jane: str) -> None:
    code = protected[1].code()
    assert outside.send(FACTOR, {"code": code}, on=FACTOR).location == "/dashboard"
    again = Visitor(app.test_client())
    again.sign_in(jane)
    assert again.send(FACTOR, {"code": code}, on=FACTOR).status_code == 400


def test_five_wrong_codes_end_the_sign_in(outside: Visitor, protected: Protected) -> None:
    for _ in range(5):
        outside.send(FACTOR, {"code": protected[1].wrong()}, on=FACTOR)
    ended = outside.send(FACTOR, {"code": protected[1].code()}, on=FACTOR)
    assert ended.location == "/sign-in"
    assert not is_in(outside)


def test_a_sign_in_that_took_too_long_begins_anew(
    outside: Visitor, protected: Protected, move_clock: Callable[[int], None]
) -> None:
    move_clock(601)
    late = outside.send(FACTOR, {"code": protected[1].code()}, on=FACTOR)
    assert late.location == "/sign-in"
    assert "Begin the sign-in anew." in outside.get("/sign-in").text


def test_without_a_first_step_there_is_no_second(visitor: Visitor) -> None:
    for path in (FACTOR, RECOVERY):
        assert visitor.get(path).location == "/sign-in"
        assert visitor.send(path, {"code": "123456"}).location == "/sign-in"


def test_a_recovery_code_signs_in_once_however_it_is_written(
    outside: Visitor, protected: Protected, app: Flask, jane: str, world: World
) -> None:
    code = codes_of(protected[0])[0]
    done = outside.send(RECOVERY, {"code": f" {code.upper()} "}, on=RECOVERY)
    assert done.location == "/dashboard"
    assert "That recovery code is used up now." in outside.get("/dashboard").text
    again = Visitor(app.test_client())
    again.sign_in(jane)
    assert again.send(RECOVERY, {"code": code}, on=RECOVERY).status_code == 400
    world.keep_promises()
    assert any("A backup code was used" in mail.subject for mail in world.sent)


def test_a_mailed_code_leads_to_the_second_step_too(
    app: Flask, jane: str, protected: Protected, world: World
) -> None:
    visitor = Visitor(app.test_client())
    visitor.send("/sign-in/code/send", {"email": jane})
    first = visitor.send("/sign-in/code", {"code": world.mailed_code()}, on="/sign-in/code")
    assert first.location == FACTOR
    assert not is_in(visitor)
    assert visitor.send(FACTOR, {"code": protected[1].code()}, on=FACTOR).location == "/dashboard"


def test_a_disabled_account_is_let_in_by_no_factor(
    outside: Visitor, protected: Protected, jane: str, world: World
) -> None:
    with world.app.app_context(), transaction():
        db.session.execute(sa.update(User).where(User.email == jane).values(disabled_at=sa.func.now()))
    assert outside.send(FACTOR, {"code": protected[1].code()}, on=FACTOR).location == "/sign-in"
    assert not is_in(outside)


# ---- Setting up


def test_the_picture_is_of_the_address_and_the_secret_can_be_typed(signed_in: Visitor) -> None:
    signed_in.send(SETUP, on="/account/security")
    page = signed_in.get(SETUP).text
    secret = re.search(r'data-secret="(\w+)">([^<]+)<', page)
    assert secret
    assert secret[2].replace(" ", "") == secret[1]
    assert {len(group) for group in secret[2].split(" ")} == {4}
    address = re.search(r'href="(otpauth://[^"]+)"', page)
    assert address
    scanned = address[1].replace("&amp;", "&")
    assert f"secret={secret[1]}&" in scanned
    assert pictures.svg(scanned) in page


def test_a_wrong_first_code_shows_the_same_picture_again(signed_in: Visitor) -> None:
    signed_in.send(SETUP, on="/account/security")
    shown = signed_in.get(SETUP).text
    secret = re.search(r'data-secret="(\w+)"', shown)
    assert secret
    wrong = signed_in.send(f"{SETUP}/confirm", {"code": Phone(secret[1]).wrong()}, on=SETUP)
    assert wrong.status_code == 400
    assert secret[1] in wrong.text
    assert 'id="code-error"' in wrong.text


def test_a_wrong_code_after_the_proof_has_aged_leads_to_the_question(
    signed_in: Visitor, move_clock: Callable[[int], None]
) -> None:
    move_clock(10 * 60)
    signed_in.send(SETUP, on="/account/security")
    move_clock(7 * 60)
    wrong = signed_in.send(f"{SETUP}/confirm", {"code": "000000"}, on="/account/security")
    assert wrong.location == SETUP
    assert signed_in.get(SETUP).location == f"/step-up?next={SETUP}"


def test_the_set_up_ends_with_recovery_codes(signed_in: Visitor) -> None:
    phone = set_up(signed_in)
    page = signed_in.send(CODES, {"code": phone.code()}, on="/account/security")
    assert len(re.findall(r"<li><code>", page.text)) == 10
    assert "not in force yet" in page.text


def test_proposed_codes_are_good_only_once_saved(protected: Protected) -> None:
    visitor, _ = protected
    assert "0 codes are left" in visitor.get("/account/security").text
    visitor.send(CODES, on="/account/security")
    assert "0 codes are left" in visitor.get("/account/security").text
    codes_of(visitor)
    assert "10 codes are left" in visitor.get("/account/security").text


def test_codes_that_were_never_proposed_are_refused(protected: Protected) -> None:
    refused = protected[0].send(f"{CODES}/save", {"batch_token": "rcb_nonsense"}, on="/account/security")
    assert refused.status_code == 400
    assert "These codes were not proposed or have run out." in refused.text


def test_few_codes_are_told_on_every_page(protected: Protected) -> None:
    visitor, _ = protected
    assert "You have no recovery codes." in visitor.get("/account/sessions").text
    assert "account-banner" not in visitor.send(CODES, on="/account/security").text  # it shows new ones
    codes_of(visitor)
    assert "account-banner" not in visitor.get("/account/sessions").text


def test_a_set_up_can_be_dropped(signed_in: Visitor) -> None:
    signed_in.send(SETUP, on="/account/security")
    assert signed_in.send(f"{SETUP}/cancel", on="/account/security").location == "/account/security"
    assert signed_in.get(SETUP).location == "/account/security"


def test_who_has_not_proven_the_address_cannot_set_up(signed_in: Visitor, jane: str, world: World) -> None:
    with world.app.app_context(), transaction():
        db.session.execute(sa.update(User).where(User.email == jane).values(email_verified_at=None))
    refused = signed_in.send(SETUP, on="/account/security")
    assert refused.status_code == 403
    assert 'href="/account">Confirm your address' in refused.text


def test_switching_off_takes_the_second_step_away(protected: Protected, app: Flask, jane: str) -> None:
    visitor, _ = protected
    assert visitor.send(f"{SETUP}/disable", on="/account/security").location == "/account/security"
    assert "Not set up" in visitor.get("/account/security").text
    assert Visitor(app.test_client()).sign_in(jane).location == "/dashboard"
