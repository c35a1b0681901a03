"""axe-core finds nothing on any page, in either theme, wide and narrow, and no page is too wide."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask, render_template
from playwright.sync_api import Page, Route

from app.surfaces.portal.problems import Viewer, error_page
from app.surfaces.shared.problems import Problem
from tests.portal.conftest import Guest

pytestmark = [pytest.mark.browser, pytest.mark.live, pytest.mark.timeout(300)]

WINDOWS = {"wide": {"width": 1280, "height": 860}, "narrow": {"width": 390, "height": 844}}
SMALLEST = {"width": 360, "height": 740}

OPEN = [
    "/sign-up",
    "/sign-in",
    "/forgot-password",
    "/reset-password?token=x",
    "/verify-email",
    "/verify-email?token=x",
    "/keep-account?token=x",
    "/email/confirm?token=x",
    "/email/stop?token=x",
    "/email/undo?token=x",
    "/passkeys/undo?token=x",
    "/recover-second-factor",
    "/recover-second-factor/confirm?token=x",
    "/recover-second-factor/stop",
    "/policies/terms",
    "/policies/privacy",
    "/developers",
    "/nowhere",
]
CLOSED = [
    "/dashboard",
    "/organizations",
    "/account",
    "/account/preferences",
    "/account/password",
    "/account/sessions",
    "/account/tokens",
    "/account/tokens/new",
    "/account/privacy",
    "/account/email",
    "/account/security",
    "/account/security-log",
    "/step-up",
]

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

THIRD_PARTY = {"exclude": [["#reference"]]}
"""What Swagger UI draws is its own; our frame around it is not excused."""


ALL = {"resultTypes": ["violations"]}
STILL = """() => {
    const still = new CSSStyleSheet();
    still.replaceSync("*, *::before, *::after { transition: none !important; animation: none !important }");
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, still];
}"""
"""What changes its colours over time is judged by those at the end."""
COLOURS = {**ALL, "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
"""What another theme can make wrong: all else was looked at in the first."""


def faults(page: Page, where: str) -> list[str]:
    """Return what axe finds on a page as it stands, in both themes, and whether it is too wide."""
    named = []
    page.evaluate(STILL)
    for theme, rules in (("light", ALL), ("dark", COLOURS)):
        page.emulate_media(color_scheme=theme)
        page.wait_for_timeout(60)
        context = THIRD_PARTY if "/developers/" in where else None
        found = Axe().run(page, context=context, options=rules).response["violations"]
        named += [
            f"{where}, {theme}: {fault['id']} {[node['target'] for node in fault['nodes']][:3]}"
            for fault in found
        ]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        named.append(f"{where}: wider than its window")
    return named


@pytest.mark.parametrize("window", WINDOWS)
def test_axe_finds_nothing(guest_with: Callable[..., Guest], app: Flask, window: str) -> None:
    guest = guest_with(viewport=WINDOWS[window])
    page, found = guest.page, []
    for path in OPEN:
        page.goto(path)
        found += faults(page, path)
    for path in ("/sign-up", "/sign-in", "/forgot-password"):
        page.goto(path)
        with page.expect_navigation():
            page.locator("main form button.btn").first.click()
        found += faults(page, f"{path}, refused")
    for problem in PROBLEMS:
        show(page, app, problem)
        found += faults(page, f"error {problem.code}")
    guest.sign_up()
    for path in CLOSED:
        page.goto(path)
        found += faults(page, f"{path}, empty")
    page.goto("/organizations")
    page.get_by_label("Name", exact=True).fill(f"Bakery of {guest.email.partition('@')[0]}")
    page.get_by_role("button", name="Create the organization").click()
    page.wait_for_url("**/dashboard")
    for path in (*CLOSED, "/developers/v0"):
        page.goto(path)
        found += faults(page, path)
    found += what_floats(page, window)
    assert found == []


def show(page: Page, app: Flask, problem: Problem) -> None:
    """Open the page of a problem that a running instance does not have on demand."""
    with app.test_request_context("/broken"):
        error = error_page(problem, request_id="0123456789abcdef", viewer=Viewer(signed_in=True))
        text = render_template("portal/errors/error.html", error=error)

    def answer(route: Route) -> None:
        route.fulfill(body=text, content_type="text/html; charset=utf-8")

    page.route("**/broken", answer)
    page.goto("/broken")
    page.unroute("**/broken")
    assert str(error.status) in page.locator("main").inner_text()


def what_floats(page: Page, window: str) -> list[str]:
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
    if window == "narrow":
        page.get_by_label("Menu").click()
        found += faults(page, "sheet")
    page.locator(".switcher:visible summary").first.click()
    found += faults(page, "menu")
    return found


CUT_OFF = """() => [...document.querySelectorAll(".btn, .badge, h1, h2, label")]
    .filter((part) => part.offsetParent && part.scrollWidth > part.clientWidth + 1 && part.clientWidth > 1)
    .map((part) => part.textContent.trim())"""


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_smallest_phone_has_room_for_every_page(guest_with: Callable[..., Guest], language: str) -> None:
    guest = guest_with(viewport=SMALLEST)
    page, wrong = guest.page, []
    guest.sign_up()
    page.goto("/account/preferences")
    page.get_by_label("Language", exact=True).select_option(language)
    with page.expect_navigation():
        page.get_by_role("button", name="Save preferences").click()
    for path in (*CLOSED, *OPEN):
        page.goto(path)
        assert (page.locator("html").get_attribute("lang") or "").startswith(language)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wrong.append(f"{path}: wider than its window")
        wrong += [f"{path}: cut off: {said}" for said in page.evaluate(CUT_OFF)]
    assert wrong == []
