"""Asking again who it is: over the page, once, and then what was asked for is done without typing it anew."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from app.core import clock
from app.core.db import db
from app.domains.sessions.models import UserSession
from app.surfaces.shared.transaction import transaction
from tests.portal.conftest import PASSWORD, Visitor, set_up
from tests.support.authenticator import Phone
from tests.support.world import World

LATER = 16 * 60
AUTHENTICATOR = "/account/security/authenticator"


@pytest.fixture
def stale(signed_in: Visitor, move_clock: Callable[[int], None]) -> Visitor:
    """Return Jane's visit when her sign-in is too old for sensitive changes."""
    move_clock(LATER)
    return signed_in


def fields_of(text: str) -> dict[str, str]:
    """Return what the dialog would send as it stands."""
    dialog = text[text.index('action="/step-up') :]
    dialog = dialog[: dialog.index("</form>")]
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', dialog)
    return {name: unescape(value) for name, value in found}


def where(text: str) -> str:
    found = re.search(r'action="(/step-up[^"]*)"', text)
    assert found
    return unescape(found[1])


def answer(visitor: Visitor, asked: TestResponse, path: str = "", **typed: str) -> TestResponse:
    """Send the dialog and whatever the browser is sent on to, as a browser does."""
    fields = {**fields_of(asked.text), **typed}
    there = path or where(asked.text)
    sent = visitor.client.post(there, data=fields)
    while sent.status_code == 307:
        sent = visitor.client.post(sent.location, data=fields)
    return sent


def test_a_refused_form_asks_over_its_own_page_and_goes_on_after_the_password(stale: Visitor) -> None:
    asked = stale.send(AUTHENTICATOR, on="/account/security")
    assert asked.status_code == 403
    assert '<dialog class="dialog" id="step-up" open' in asked.text
    assert "<h1>Security</h1>" in asked.text
    done = answer(stale, asked, step_up_password=PASSWORD)
    assert (done.status_code, done.location) == (303, AUTHENTICATOR)
    assert stale.get(AUTHENTICATOR).status_code == 200


def test_a_wrong_password_asks_again_and_says_so_at_its_field(stale: Visitor) -> None:
    asked = stale.send(AUTHENTICATOR, on="/account/security")
    again = answer(stale, asked, step_up_password="not it at all")
    assert again.status_code == 403
    assert 'id="step_up_password-error"' in again.text
    assert "not it at all" not in again.text
    assert answer(stale, again, step_up_password=PASSWORD).location == AUTHENTICATOR
    assert stale.get("/account/security").text.count("step_up_password-error") == 0


def test_an_empty_answer_asks_again(stale: Visitor) -> None:
    asked = stale.send(AUTHENTICATOR, on="/account/security")
    assert "This is needed to go on." in answer(stale, asked).text


def test_a_mailed_code_does_as_well(stale: Visitor, world: World) -> None:
    asked = stale.send(AUTHENTICATOR, on="/account/security")
    send = where(asked.text).replace("/step-up", "/step-up/code", 1)
    sent = answer(stale, asked, send, step_up_show="email_code")
    assert 'name="step_up_code"' in sent.text
    done = answer(stale, sent, step_up_code=world.mailed_code())
    assert done.location == AUTHENTICATOR


def test_what_was_typed_is_kept_but_never_a_password(stale: Visitor) -> None:
    asked = stale.send(
        AUTHENTICATOR,
        {"note": 'Söhne & "Töchter"', "new_password": "quiet lantern 58", "step_up_note": "x"},
        on="/account/security",
    )
    assert fields_of(asked.text)["note"] == 'Söhne & "Töchter"'
    assert "quiet lantern" not in asked.text
    assert set(fields_of(asked.text)) == {"csrf_token", "shown_for", "note", "step_up_method"}


def test_files_are_not_kept_so_the_form_is_sent_anew(stale: Visitor) -> None:
    token = re.search(r'name="csrf_token" value="([^"]+)"', stale.get("/account/security").text)
    assert token
    asked = stale.client.post(
        AUTHENTICATOR, data={"csrf_token": token[1]}, content_type="multipart/form-data"
    )
    assert where(asked.text) == f"/step-up?next={AUTHENTICATOR}"
    assert answer(stale, asked, step_up_password=PASSWORD).location == AUTHENTICATOR


@pytest.mark.parametrize(
    "address",
    [
        "//evil.example",
        "https://evil.example/",
        "/developers",
        "/step-up",
        "/step-up/code",
        "/nowhere",
        "/api/v1/auth/logout",
    ],
)
def test_only_a_form_of_the_portal_is_sent_again(signed_in: Visitor, address: str) -> None:
    typed = {"step_up_method": "password", "step_up_password": PASSWORD}
    page = signed_in.get("/step-up").text
    token = fields_of(page)["csrf_token"]
    done = signed_in.client.post(
        "/step-up", query_string={"then": address}, data={"csrf_token": token, **typed}
    )
    assert (done.status_code, done.location) == (303, "/account/security")


def test_a_proof_can_be_given_beforehand(stale: Visitor) -> None:
    page = stale.get("/step-up?next=/account/security")
    assert page.status_code == 200
    wrong = answer(stale, page, step_up_password="not it at all")
    assert (wrong.status_code, "The current password is wrong." in wrong.text) == (400, True)
    assert answer(stale, wrong, step_up_password=PASSWORD).location == "/account/security"
    assert stale.send(AUTHENTICATOR, on="/account/security").location == AUTHENTICATOR


def test_a_page_that_needs_a_proof_leads_back_to_itself(stale: Visitor, world: World) -> None:
    asked = stale.send(AUTHENTICATOR, on="/account/security")
    answer(stale, asked, step_up_password=PASSWORD)
    with world.app.app_context(), transaction():
        db.session.execute(sa.update(UserSession).values(proven_at=clock.now() - timedelta(minutes=16)))
    away = stale.get(AUTHENTICATOR)
    assert (away.status_code, away.location) == (303, f"/step-up?next={AUTHENTICATOR}")
    assert answer(stale, stale.get(away.location), step_up_password=PASSWORD).location == AUTHENTICATOR


def test_with_an_authenticator_on_only_factors_count(
    protected: tuple[Visitor, Phone], move_clock: Callable[[int], None]
) -> None:
    visitor, phone = protected
    move_clock(LATER)
    asked = visitor.send("/account/security/recovery-codes", on="/account/security")
    assert asked.status_code == 403
    assert 'name="step_up_password"' not in asked.text
    assert 'value="password"' not in asked.text
    refused = answer(visitor, asked, step_up_method="password", step_up_password=PASSWORD)
    assert "This proof does not count here." in refused.text
    wrong = answer(visitor, refused, step_up_code=phone.wrong())
    assert 'id="step_up_code-error"' in wrong.text
    assert "I have saved them" in answer(visitor, wrong, step_up_code=phone.code()).text


def test_a_session_of_one_factor_is_asked_for_the_second_though_it_is_fresh(
    signed_in: Visitor, app: Flask, jane: str
) -> None:
    other = Visitor(app.test_client())
    other.sign_in(jane)
    phone = set_up(other)
    asked = signed_in.send(f"{AUTHENTICATOR}/disable", on="/account/security")
    assert asked.status_code == 403
    recovery = answer(signed_in, asked, step_up_show="recovery_code")
    assert "It is used up by this." in recovery.text
    done = answer(signed_in, recovery, step_up_method="authenticator", step_up_code=phone.code())
    assert done.location == "/account/security"
    assert "Not set up" in signed_in.get("/account/security").text


def test_a_part_of_a_page_becomes_the_question(stale: Visitor) -> None:
    token = fields_of(stale.get("/step-up").text)["csrf_token"]
    asked = stale.client.post(AUTHENTICATOR, data={"csrf_token": token}, headers={"HX-Request": "true"})
    assert (asked.status_code, asked.headers["HX-Retarget"]) == (200, "#content")
    assert answer(stale, asked, step_up_password=PASSWORD).location == AUTHENTICATOR


def test_too_many_wrong_answers_say_how_long_to_wait(stale: Visitor) -> None:
    asked = stale.send(AUTHENTICATOR, on="/account/security")
    for _ in range(6):
        asked = answer(stale, asked, step_up_password="not it at all")
    assert asked.status_code == 403
    assert "Wait 15 minutes, then try again." in asked.text


def test_a_stranger_is_not_asked(visitor: Visitor) -> None:
    assert visitor.get("/step-up").location == "/sign-in?next=/step-up"
    assert visitor.send("/step-up", {"step_up_password": "x"}).location == "/sign-in"
