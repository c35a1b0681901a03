"""A form whose proof of origin is spent: what was typed is not lost, and what others sent is not offered."""

import re
from html import unescape

import pytest
from werkzeug.test import TestResponse

from tests.portal.conftest import Visitor
from tests.support.world import PASSWORD, World


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


@pytest.fixture
def two_homes(signed_in: Visitor) -> Visitor:
    """Return Jane's visit with two organizations, in the second of which she works."""
    for name in ("Acme", "Globex"):
        founded = signed_in.send("/organizations", {"name": name, "slug": ""}, on="/organizations")
        assert founded.status_code == 303
    return signed_in


SETTING = "/organization/settings/general.industry"


def fields_of(page: TestResponse, action: str) -> dict[str, str]:
    form = page.text.partition(f'action="{action}')[2].partition("</form>")[0]
    assert form.count('name="shown_for"') == 1
    return {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form)}


def test_a_form_opened_for_one_organization_changes_no_other(two_homes: Visitor) -> None:
    for_globex = {**fields_of(two_homes.get(SETTING), SETTING), "value": "Meant for Globex"}
    acme, globex = re.findall(r'"(/organizations/[0-9a-f-]+/select)"', two_homes.get("/organizations").text)[
        -2:
    ]
    assert two_homes.send(acme, on="/organizations").status_code == 303
    headers = {"Sec-Fetch-Site": "same-origin"}
    token = fields_of(two_homes.get(SETTING), SETTING)["csrf_token"]
    refused = two_homes.client.post(SETTING, data={**for_globex, "csrf_token": token}, headers=headers)
    assert refused.status_code == 409
    assert "opened for another organization" in refused.text
    assert "Meant for Globex" not in two_homes.get(SETTING).text
    assert two_homes.send(globex, on="/organizations").status_code == 303
    kept = fields_of(refused, SETTING)
    assert two_homes.client.post(SETTING, data=kept, headers=headers).status_code == 303
    assert "Meant for Globex" in two_homes.get(SETTING).text


def test_a_form_opened_by_somebody_else_is_not_sent_in_ones_own_name(
    two_homes: Visitor, world: World
) -> None:
    world.person("kim@world.example")
    page = fields_of(two_homes.get("/account"), "/account")
    assert two_homes.send("/sign-out", on="/account").status_code == 303
    assert two_homes.sign_in("kim@world.example", PASSWORD).status_code == 303
    own = fields_of(two_homes.get("/account"), "/account")
    mixed = {**page, "csrf_token": own["csrf_token"], "first_name": "Jane"}
    refused = two_homes.client.post("/account", data=mixed, headers={"Sec-Fetch-Site": "same-origin"})
    assert refused.status_code == 409
    assert "opened by somebody else" in refused.text
    assert "Send it again" not in refused.text
