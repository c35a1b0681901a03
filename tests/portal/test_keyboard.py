"""By keys alone: what can be pressed or typed in is reached in order, seen where it is, and left again."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.portal.conftest import Guest

pytestmark = [pytest.mark.browser, pytest.mark.live, pytest.mark.once]

Enter = Callable[..., Guest]

PAGES = (
    "/organization/members",
    "/organization/permissions/new",
    "/organization/settings",
    "/organization/audit",
)
"""A table, a matrix, a tree that folds, and filters with dates above rows that fold."""

BEGIN = """(root) => {
    const folded = (part) => part.closest("details:not([open])");
    const shown = (part) => !folded(part) || (part.parentElement === folded(part) && part.matches("summary"));
    const reachable = (part) => part.checkVisibility({visibilityProperty: true}) && part.tabIndex >= 0;
    const begin = document.querySelector(root);
    const parts = begin.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]");
    window.left = new Set([...parts].filter((part) => reachable(part) && !part.disabled && shown(part)));
    begin.tabIndex = -1;
    begin.focus();
}"""
STEP = """() => {
    const part = document.activeElement;
    if (part === document.body || part === null) return "over";
    if (!window.left.delete(part)) return /date|time/.test(part.type) ? "inside" : `again: ${part.outerHTML}`;
    const {outlineStyle, outlineWidth, boxShadow} = getComputedStyle(part);
    const ring = (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none";
    const {top, bottom} = part.getBoundingClientRect();
    if (!ring) return `no ring: ${part.outerHTML}`;
    return bottom > 0 && top < innerHeight ? "" : `out of sight: ${part.outerHTML}`;
}"""
"""Where the focus is after a press of Tab; a field of a date has a stop for each of its parts."""


def walked(page: Page, root: str) -> list[str]:
    """Press Tab from there until the page is through; returns what is wrong on the way or missed."""
    page.evaluate(BEGIN, root)
    wrong: list[str] = []
    for _ in range(400):
        page.keyboard.press("Tab")
        told: str = page.evaluate(STEP)
        if told == "over":
            break
        if told not in ("", "inside"):
            wrong.append(told[:200])
    missed: list[Any] = page.evaluate(
        "[...window.left].map((part) => `missed: ${part.outerHTML.slice(0, 160)}`)"
    )
    return [f"{page.url}: {fault}" for fault in wrong + missed]


def test_everything_is_reached_by_tab_and_a_dialog_gives_the_focus_back(guest_with: Enter) -> None:
    guest = guest_with()
    page = guest.page
    guest.sign_up()
    page.goto("/organizations")
    page.get_by_label("Name", exact=True).fill("Keys")
    page.get_by_role("button", name="Create the organization").click()
    page.wait_for_url("**/dashboard")
    wrong = []
    for number, path in enumerate(PAGES):
        page.goto(path)
        wrong += walked(page, "#content" if number else "body")  # the frame around them is one
    assert wrong == []

    page.goto("/organization/members")
    opener = page.get_by_role("link", name="Invite people")
    opener.press("Enter")
    dialog, addresses = (
        page.get_by_role("dialog", name="Invite people"),
        page.get_by_label("E-mail addresses"),
    )
    expect(addresses).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(opener).to_be_focused()

    page.keyboard.press("i")
    expect(addresses).to_be_focused()
    page.keyboard.type("nobody")
    for _ in range(4):
        page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("This is not an e-mail address.")
    expect(addresses).to_be_focused()
    expect(addresses).to_have_value("nobody")
    addresses.fill("kim@keys.example, lee@keys.example")
    dialog.get_by_role("button", name="Send the invitations").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("2 people are invited.")
    expect(page).to_have_url(re.compile("/organization/members$"))
