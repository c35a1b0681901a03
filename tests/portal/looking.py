"""Looking at a page as it stands: axe-core in each theme and window, and whether everything has room."""

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

WIDE, NARROW, SMALLEST = (1280, 860), (390, 844), (360, 740)

STILL = """() => {
    const still = new CSSStyleSheet();
    still.replaceSync("*, *::before, *::after { transition: none !important; animation: none !important }");
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, still];
}"""
"""What changes its colours over time is judged by those at the end."""

JUDGE = """async ([but, options]) => {
    document.getAnimations().forEach((running) => running.cancel());
    await new Promise((drawn) => setTimeout(() => requestAnimationFrame(drawn), 40));
    const {violations} = await axe.run({exclude: but}, {resultTypes: ["violations"], ...options});
    const where = (fault) => JSON.stringify(fault.nodes.slice(0, 3).map((node) => node.target));
    return violations.map((fault) => `${fault.id} ${where(fault)}`);
}"""

BY_COLOUR = ["color-contrast", "link-in-text-block"]
EVERYTHING: dict[str, Any] = {}
COLOURS = {"runOnly": {"type": "rule", "values": BY_COLOUR}}
"""What another theme can make wrong: all else was looked at in the first."""
ARRANGEMENT = {"rules": {rule: {"enabled": False} for rule in BY_COLOUR}}
"""What another window can make wrong: a window chooses no colours."""

SETTLING = 500
"""Milliseconds until what was found is looked at again: on a busy machine a theme comes late."""

NOT_OURS = [["#reference"]]
"""What Swagger UI draws is its own; our frame around it is not excused."""

CUT_OFF = """() => [...document.querySelectorAll(".btn, .badge, h1, h2, label")]
    .filter((part) => part.offsetParent && part.scrollWidth > part.clientWidth + 1 && part.clientWidth > 1)
    .map((part) => part.textContent.trim())"""


def faults(page: Page, where: str) -> list[str]:
    """Return what is wrong with a page as it stands: in both themes, wide, on a phone and on the smallest.

    The page is not loaded again, so what floats on it stays; it ends wide and in the light.
    """
    page.evaluate(STILL)
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    named = [*_judged(page, f"{where}, dark", WIDE, "dark", COLOURS), *_without_room(page, where)]
    named += _judged(page, f"{where}, narrow", NARROW, "light", ARRANGEMENT)
    named += _judged(page, where, WIDE, "light", EVERYTHING)
    return named


def too_small(page: Page, where: str) -> list[str]:
    """Return what has no room on the smallest phone."""
    return _without_room(page, where)


def _judged(
    page: Page, where: str, window: tuple[int, int], theme: Any, options: dict[str, Any]
) -> list[str]:
    _resize(page, window)
    page.emulate_media(color_scheme=theme)
    page.wait_for_function("theme => matchMedia(`(prefers-color-scheme: ${theme})`).matches", arg=theme)
    but = NOT_OURS if page.locator("#reference").count() else []
    found = page.evaluate(JUDGE, [but, options])
    if found:
        page.wait_for_timeout(SETTLING)
        found = page.evaluate(JUDGE, [but, options])
    return [f"{where}: {fault}" for fault in found] + _too_wide(page, where)


def _without_room(page: Page, where: str) -> list[str]:
    _resize(page, SMALLEST)
    cut = page.evaluate(CUT_OFF)
    return [f"{where}, smallest: cut off: {said}" for said in cut] + _too_wide(page, f"{where}, smallest")


def _too_wide(page: Page, where: str) -> list[str]:
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return [f"{where}: wider than its window"] if wide else []


def _resize(page: Page, window: tuple[int, int]) -> None:
    width, height = window
    page.set_viewport_size({"width": width, "height": height})
