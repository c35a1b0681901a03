"""axe-core finds nothing on any page, in either theme, wide and narrow, and every page has room."""

from collections.abc import Callable

import pytest
from flask import Flask, render_template
from playwright.sync_api import Page, Route

from app.domains.demo.people import PASSWORD as DEMO_PASSWORD
from app.surfaces.portal.problems import Viewer, error_page
from app.surfaces.shared.problems import Problem
from tests.portal import pages
from tests.portal.conftest import Guest, Visitor
from tests.portal.looking import NARROW, SMALLEST, faults, too_small
from tests.support.live import LiveInstance
from tests.support.world import PASSWORD as WORLD_PASSWORD
from tests.support.world import World

pytestmark = [pytest.mark.browser, pytest.mark.live, pytest.mark.timeout(300)]

Enter = Callable[..., Guest]

PROBLEMS = [
    Problem(
        kind="forbidden",
        code="auth:permission_denied",
        message="You lack the permission for this.",
        layer="role",
    ),
    Problem(kind="forbidden", code="auth:csrf_invalid", message="This call did not come from our own pages."),
    Problem(kind="too_many", code="rate:limited", message="Too many calls. Try again later.", retry_after=90),
    Problem(kind="broken", code="internal", message="Something went wrong on our side."),
    Problem(
        kind="down", code="unavailable", message="The service is not available right now.", retry_after=2
    ),
]


@pytest.fixture
def lively(live: LiveInstance) -> LiveInstance:
    """Give the running instance with the demo in it."""
    live.flask("seed")
    return live


def enter(guest_with: Enter, email: str) -> Page:
    guest = guest_with()
    guest.email = email
    guest.sign_in(DEMO_PASSWORD)
    return guest.page


def walked(page: Page, walk: dict[str, pages.Address]) -> list[str]:
    found = []
    for rule in walk:
        pages.open_page(page, rule, walk)
        found += faults(page, rule)
    return found


def test_axe_finds_nothing_for_strangers(lively: LiveInstance, guest_with: Enter) -> None:
    assert walked(guest_with().page, pages.STRANGERS) == []


@pytest.mark.parametrize(
    ("email", "walk"),
    [
        ("jane@acme.example", pages.OWN),
        ("jane@acme.example", pages.PEOPLE),
        ("jane@acme.example", pages.WORKINGS),
        ("ada@portico.example", pages.PLATFORM),
    ],
    ids=["own", "people", "workings", "platform"],
)
def test_axe_finds_nothing(
    lively: LiveInstance, guest_with: Enter, email: str, walk: dict[str, pages.Address]
) -> None:
    assert walked(enter(guest_with, email), walk) == []


def test_axe_finds_nothing_on_refusals(guest_with: Enter, app: Flask) -> None:
    page, found = guest_with().page, []
    for path in ("/sign-up", "/sign-in", "/forgot-password"):
        page.goto(path)
        with page.expect_navigation():
            page.locator("main form button.btn").first.click()
        found += faults(page, f"{path}, refused")
    for problem in PROBLEMS:
        show(page, page_of(app, problem))
        found += faults(page, f"error {problem.code}")
    assert found == []


def test_axe_finds_nothing_where_a_policy_is_to_be_agreed_to(
    guest_with: Enter, world: World, visitor: Visitor
) -> None:
    world.person(agreed=False)
    assert visitor.sign_in("jane@world.example", WORLD_PASSWORD).status_code == 303
    page = guest_with().page
    show(page, visitor.get("/policies/accept").text)
    assert page.get_by_role("checkbox").count() > 0
    assert faults(page, "policies") == []


def test_axe_finds_nothing_where_nothing_is_yet(guest_with: Enter) -> None:
    guest = guest_with()
    page, found = guest.page, []
    guest.sign_up(lambda: found.extend(faults(page, "code")))
    for path in ("/dashboard", "/organizations", "/account/support-access"):
        page.goto(path)
        found += faults(page, f"{path}, empty")
    page.goto("/organizations")
    page.get_by_label("Name", exact=True).fill("Bakery")
    page.get_by_role("button", name="Create the organization").click()
    page.wait_for_url("**/dashboard")
    for path in EMPTY:
        page.goto(path)
        found += faults(page, f"{path}, empty")
    found += what_floats(page)
    assert found == []


EMPTY = [
    "/organization/members",
    "/organization/invitations",
    "/organization/join-requests",
    "/organization/tokens",
    "/organization/service-users",
    "/organization/clients",
    "/organization/permissions/requests",
]


def page_of(app: Flask, problem: Problem) -> str:
    with app.test_request_context("/broken"):
        error = error_page(problem, request_id="0123456789abcdef", viewer=Viewer(signed_in=True))
        return render_template("portal/errors/error.html", error=error)


def show(page: Page, text: str) -> None:
    """Open a page that a running instance does not have on demand."""

    def answer(route: Route) -> None:
        route.fulfill(body=text, content_type="text/html; charset=utf-8")

    page.route("**/shown", answer)
    page.goto("/shown")
    page.unroute("**/shown")


def what_floats(page: Page) -> list[str]:
    """Open palette, help, dialog and menus one after the other."""
    found: list[str] = []
    page.goto("/account/sessions")
    page.keyboard.press("Control+k")
    found += faults(page, "palette")
    page.keyboard.press("Escape")
    page.wait_for_timeout(200)
    page.keyboard.press("?")
    found += faults(page, "shortcuts")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="End all others").click()
    found += faults(page, "dialog")
    page.keyboard.press("Escape")
    page.locator(".switcher:visible summary").first.click()
    found += faults(page, "menu")
    page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    page.get_by_label("Menu").click()
    found += faults(page, "sheet")
    return found


def test_the_smallest_phone_has_room_in_german(lively: LiveInstance, guest_with: Enter) -> None:
    window = {"width": SMALLEST[0], "height": SMALLEST[1]}
    wrong = roomless(guest_with(locale="de-DE", viewport=window).page, pages.STRANGERS)
    own = (
        ("jane@acme.example", pages.OWN | pages.PEOPLE | pages.WORKINGS),
        ("ada@portico.example", pages.PLATFORM),
    )
    for email, walk in own:
        page = enter(guest_with, email)
        speak(page, "de")
        wrong += roomless(page, walk)
        speak(page, "en")
    assert wrong == []


def speak(page: Page, language: str) -> None:
    page.goto("/account/preferences")
    page.locator("select[name=language]").select_option(language)
    with page.expect_navigation():
        page.locator("main form button[type=submit]").first.click()


def roomless(page: Page, walk: dict[str, pages.Address]) -> list[str]:
    wrong = []
    for rule in walk:
        pages.open_page(page, rule, walk)
        if not (page.locator("html").get_attribute("lang") or "").startswith("de"):
            wrong.append(f"{rule}: not in German")
        wrong += too_small(page, rule)
    return wrong
