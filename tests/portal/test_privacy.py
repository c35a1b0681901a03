"""The page about one's own data: what it says when, and what stands above every other page meanwhile."""

import pytest
from flask import Flask

from tests.portal.conftest import Visitor

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
    assert visitor.get("/keep-account?token=made-up").status_code == 200
    answer = visitor.send("/keep-account", {"token": "made-up"}, on="/keep-account?token=made-up")
    assert answer.status_code == 400
    assert "not valid any more" in answer.text


def test_a_file_of_nobody_is_not_found(signed_in: Visitor) -> None:
    answer = signed_in.send(f"{PAGE}/exports/0196f2a4-7c1e-7d3a-9b52-3f6c8e1a4d70/download", on=PAGE)
    assert answer.status_code == 404
