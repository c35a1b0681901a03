"""The documentation pages: drawn by our own copy of Swagger UI, under the policy that every page has."""

from typing import Any

import pytest
from playwright.sync_api import expect

METHODS = {"get", "post", "put", "patch", "delete"}

pytestmark = [pytest.mark.browser, pytest.mark.live]


@pytest.mark.parametrize("dialect", ["services-v1", "api-v1", "platform-api", "v0"])
def test_each_documents_calls_are_drawn(guest_with: Any, dialect: str) -> None:
    guest = guest_with()
    guest.page.goto(f"/developers/{dialect}")
    document = guest.page.request.get(f"/openapi/{dialect.replace('-', '_')}.json").json()
    calls = sum(len(METHODS & set(item)) for item in document["paths"].values())
    expect(guest.page.locator(".opblock")).to_have_count(calls)


def test_a_call_can_be_tried_from_the_page(guest_with: Any) -> None:
    guest = guest_with()
    guest.page.goto("/docs")
    guest.page.locator(".opblock-summary-control", has_text="/v0/users/handle/").click()
    guest.page.get_by_role("button", name="Try it out").click()
    guest.page.get_by_placeholder("handle").fill("free_handle")
    guest.page.get_by_role("button", name="Execute").click()
    guest.page.wait_for_selector(".live-responses-table")
    assert '"available": true' in guest.page.locator(".live-responses-table").inner_text()


def test_the_way_to_the_documentation_names_each_document(guest_with: Any) -> None:
    guest = guest_with()
    guest.page.goto("/developers")
    for link in guest.page.get_by_role("link", name="OpenAPI document of").all():
        assert guest.page.request.get(str(link.get_attribute("href"))).ok
