"""The page about one's own data: what it says when, and what stands above every other page meanwhile."""

import re
from collections.abc import Callable

import pytest
from flask import Flask

from app.surfaces.shared import keeping
from tests.portal.conftest import PASSWORD, Visitor
from tests.support.authenticator import Phone

PAGE = "/account/privacy"


def test_the_page_says_what_goes_what_stays_and_when(signed_in: Visitor) -> None:
    text = signed_in.get(PAGE).text
    for said in (
        "What is deleted",
        "What stays, and why",
        "14 days after",
        "Make a copy",
        "Delete my account",
    ):
        assert said in text
    assert "hx-trigger" not in text, "nothing is under way: nobody asks again and again"


def test_an_export_under_way_is_shown_as_it_goes(signed_in: Visitor) -> None:
    answer = signed_in.send(f"{PAGE}/exports", on=PAGE)
    assert (answer.status_code, answer.location) == (303, PAGE)
    text = signed_in.get(PAGE).text
    assert "Your export is being made." in text
    assert 'hx-trigger="every 2s"' in text
    assert "<progress" in text
    assert "<noscript><a" in text
    assert "Make a copy" not in text


def test_leaving_asks_for_ones_own_address(signed_in: Visitor, jane: str) -> None:
    for typed in ("", "somebody@portal.example", "jane"):
        answer = signed_in.send(f"{PAGE}/leave", {"email": typed}, on=PAGE)
        assert answer.status_code == 422
        assert 'id="email-error"' in answer.text
    assert "will be erased on" not in signed_in.get("/dashboard").text
    answer = signed_in.send(f"{PAGE}/leave", {"email": f" {jane.upper()} "}, on=PAGE)
    assert (answer.status_code, answer.location) == (303, PAGE)


@pytest.mark.parametrize("path", ["/dashboard", "/account", "/account/sessions", "/organizations", PAGE])
def test_every_page_says_that_one_is_leaving_and_offers_to_stay(
    signed_in: Visitor, jane: str, path: str
) -> None:
    assert "Keep my account" not in signed_in.get(path).text
    signed_in.send(f"{PAGE}/leave", {"email": jane}, on=PAGE)
    text = signed_in.get(path).text
    assert "Your account will be erased on" in text
    assert f'action="{PAGE}/stay"' in text
    assert signed_in.send(f"{PAGE}/stay", on=path).status_code == 303
    assert "Keep my account" not in signed_in.get(path).text.replace("Your account stays.", "")


def test_a_bad_link_says_so_on_its_page(app: Flask, visitor: Visitor) -> None:
    assert visitor.get("/keep-account?token=made-up").status_code == 404
    answer = visitor.send("/keep-account", {"token": "made-up"})
    assert answer.status_code == 400
    assert "This link leads nowhere" in answer.text


def export(app: Flask, visitor: Visitor) -> str:
    """Have an export made and return where it is fetched."""
    visitor.send(f"{PAGE}/exports", on=PAGE)
    with app.app_context():
        keeping.drain()
    found = re.search(rf'action="({PAGE}/exports/[0-9a-f-]+/download)"', visitor.get(PAGE).text)
    assert found
    return found[1]


def test_fetching_asks_once_more_who_it_is_and_comes_back_to_the_page(
    app: Flask, signed_in: Visitor, move_clock: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.core.mail.send", lambda *_, **__: None)
    address = export(app, signed_in)
    move_clock(16 * 60)
    asked = signed_in.send(address, on=PAGE)
    assert (asked.status_code, asked.location) == (303, f"/step-up?next={PAGE}")
    proof = {"step_up_method": "password", "step_up_password": PASSWORD}
    proven = signed_in.send(asked.location, proof, on=asked.location)
    assert (proven.status_code, proven.location) == (303, PAGE)
    assert signed_in.send(address, on=PAGE).headers["Content-Type"] == "application/zip"


def test_leaving_goes_on_by_itself_after_the_proof(
    signed_in: Visitor, jane: str, move_clock: Callable[[int], None]
) -> None:
    move_clock(16 * 60)
    asked = signed_in.send(f"{PAGE}/leave", {"email": jane}, on=PAGE)
    assert asked.status_code == 403
    assert "step_up_password" in asked.text
    proof = {"email": jane, "step_up_method": "password", "step_up_password": PASSWORD}
    again = signed_in.send(f"/step-up?then={PAGE}/leave", proof, on=PAGE)
    assert (again.status_code, again.location) == (307, f"{PAGE}/leave")
    assert signed_in.send(again.location, {"email": jane}, on=PAGE).status_code == 303


def test_a_file_of_nobody_is_not_found(signed_in: Visitor) -> None:
    answer = signed_in.send(f"{PAGE}/exports/0196f2a4-7c1e-7d3a-9b52-3f6c8e1a4d70/download", on=PAGE)
    assert answer.status_code == 404


def test_all_that_stands_above_a_page_is_one_landmark(protected: tuple[Visitor, Phone], jane: str) -> None:
    visitor, _ = protected
    assert visitor.send(f"{PAGE}/leave", {"email": jane}, on=PAGE).status_code == 303
    text = visitor.get("/account/sessions").text
    assert text.count("account-banner") == 2, "no recovery codes, and soon no account"
    assert text.count('aria-label="About your account"') == 1
