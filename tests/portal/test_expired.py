"""A form whose proof of origin is spent: what was typed is not lost, and what others sent is not offered."""

import re
from html import unescape

import pytest
from werkzeug.test import TestResponse

from tests.portal.conftest import Visitor


def expired(visitor: Visitor, **sent: str) -> TestResponse:
    typed = {"csrf_token": "spent", "name": "Long <thought> about", "slug": "", "password": "typed too"}
    return visitor.client.post("/organizations", data=typed, headers=sent)


def test_what_was_typed_is_sent_again_with_one_click_where_a_page_has_expired(signed_in: Visitor) -> None:
    page = expired(signed_in, **{"Sec-Fetch-Site": "same-origin"})
    assert page.status_code == 419
    again = page.text.partition('action="/organizations"')[2].partition("</form>")[0]
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', again))
    assert fields.keys() == {"csrf_token", "name", "slug"}
    sent = {name: unescape(value) for name, value in fields.items()}
    assert signed_in.client.post("/organizations", data=sent).status_code == 303
    assert "Long &lt;thought&gt; about" in signed_in.get("/organizations").text


@pytest.mark.parametrize("sent", [{}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
def test_nothing_that_another_site_sent_is_offered_to_be_sent_again(
    signed_in: Visitor, sent: dict[str, str]
) -> None:
    page = expired(signed_in, **sent)
    assert page.status_code == 419
    assert "thought" not in page.text


def test_a_form_of_somebody_signed_out_leads_back_to_its_page_after_signing_in(signed_in: Visitor) -> None:
    found = re.search(r'name="csrf_token" value="([^"]+)"', signed_in.get("/organizations").text)
    assert found
    signed_in.client.delete_cookie("session_id")
    answer = signed_in.client.post("/organizations", data={"csrf_token": found[1], "name": "Typed"})
    assert (answer.status_code, answer.location) == (303, "/sign-in?next=/organizations")
