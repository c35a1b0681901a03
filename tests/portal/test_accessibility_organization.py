"""axe-core finds nothing on the pages of an organization, in either theme, each in one of two windows."""

from collections.abc import Callable

import pytest

from tests.portal.conftest import Guest
from tests.portal.test_accessibility import WINDOWS, faults

pytestmark = [pytest.mark.browser, pytest.mark.live, pytest.mark.timeout(300)]

ORGANIZATION = [
    "/organization",
    "/organization/members",
    "/organization/setup",
    "/organization/permissions",
    "/organization/permissions/new",
    "/organization/permissions/mine",
    "/organization/permissions/requests",
    "/organization/settings",
    "/organization/settings/compare",
    "/organization/settings/general.website",
    "/organization/security",
    "/organization/tokens",
    "/organization/invitations",
    "/organization/invitations/new",
    "/organization/invitations/bulk",
    "/organization/email",
    "/organization/email/server",
    "/organization/email/domain",
    "/organization/plan",
    "/organization/audit",
    "/organization/service-users",
    "/organization/clients",
    "/organization/clients/new",
    "/organization/storage",
    "/account/support-access",
]


@pytest.mark.parametrize("window", WINDOWS)
def test_axe_finds_nothing_in_an_organization(guest_with: Callable[..., Guest], window: str) -> None:
    guest = guest_with(viewport=WINDOWS[window])
    page, found = guest.page, []
    guest.sign_up()
    page.goto("/organizations")
    page.get_by_label("Name", exact=True).fill(f"Bakery of {guest.email.partition('@')[0]}")
    page.get_by_role("button", name="Create the organization").click()
    page.wait_for_url("**/dashboard")
    for path in ORGANIZATION[list(WINDOWS).index(window) :: len(WINDOWS)]:
        page.goto(path)
        found += faults(page, path)
    assert found == []
