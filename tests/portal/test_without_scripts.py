"""Without scripts everything can be done: each form leads somewhere by a button of its own, on every page."""

from collections import deque
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.exceptions import HTTPException

from app.core.access import system
from app.domains.demo import operations
from app.domains.demo.people import ADA, PASSWORD
from app.surfaces.shared.transaction import transaction
from tests.portal.conftest import Visitor

pytestmark = pytest.mark.once

SCRIPTED = ("js-only", "hidden", "data-passkeys")
"""What scripts alone show: passkeys and the palette need them, all else has another way."""
ALONE = {"img", "input", "meta", "link", "br", "hr", "path", "source", "wbr"}
NO_PAGES = ("/sign-out", "/language/", "/openapi/", "/media/", "/brand/", "/assets/")


class Sheet(HTMLParser):
    """What of a page's forms and links works without scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.stack: list[tuple[str, bool]] = []
        self.forms: list[dict[str, Any]] = []
        self.links: list[str] = []
        self.idle: list[str] = []
        self.by_id: dict[str, dict[str, Any]] = {}
        self.open: dict[str, Any] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        away = any(mark in has or mark in has.get("class", "").split() for mark in SCRIPTED)
        away = (
            away or tag == "template" or has.get("id") == "palette" or bool(self.stack and self.stack[-1][1])
        )
        if tag not in ALONE:
            self.stack.append((tag, away))
        if tag == "form":
            self.open = {"action": has.get("action", ""), "method": has.get("method", "get"), "away": away}
            self.open |= {"submits": False, "asks": False, "token": False}
            self.forms.append(self.open)
            self.by_id[has.get("id", "")] = self.open
        elif tag == "a" and not away:
            self.links.append(has.get("href", ""))
        elif tag == "button" and has.get("type") == "button" and not away and "commandfor" not in has:
            self.idle.append(has.get("aria-label", "a button"))
        whose = self.by_id.get(has["form"]) if "form" in has else self.open
        if whose is None or away:
            return
        submits = (
            tag in ("button", "input") and has.get("type", "submit" if tag == "button" else "") == "submit"
        )
        whose["submits"] |= submits and "disabled" not in has
        whose["asks"] |= tag in ("input", "select", "textarea") and has.get("type") != "hidden"
        whose["token"] |= has.get("name") in ("csrf_token", "List-Unsubscribe")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in ALONE:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.stack and self.stack.pop()[0] != tag:
            pass
        if tag == "form":
            self.open = None


def faults(app: Flask, path: str, sheet: Sheet) -> list[str]:
    """Return what is wrong with the forms of a page."""
    routes = app.url_map.bind("localhost")
    found = [f"{path}: {button} does nothing" for button in sheet.idle]
    for form in sheet.forms:
        method = form["method"].lower()
        if form["away"] or method == "dialog":
            continue
        action = urlsplit(form["action"] or path).path
        try:
            routes.match(action, method=method.upper())
        except HTTPException as error:
            found.append(f"{path}: {method} {action} leads nowhere ({error.code})")
        if form["asks"] and not form["submits"]:
            found.append(f"{path}: {action} has no button")
        if method == "post" and not form["token"]:
            found.append(f"{path}: {action} proves no origin")
    return found


def walk(app: Flask, visitor: Visitor, seen: set[str]) -> list[str]:
    """Follow every link to one page of each kind that was not seen; returns what is wrong with them."""
    routes, waiting, wrong = app.url_map.bind("localhost"), deque(["/dashboard"]), []
    while waiting:
        path = waiting.popleft()
        try:
            rule = routes.match(urlsplit(path).path, return_rule=True)[0].rule
        except HTTPException:
            wrong.append(f"{path}: leads nowhere")
            continue
        if rule in seen or path.startswith(NO_PAGES):
            continue
        seen.add(rule)
        answer = visitor.get(path)
        if answer.status_code == 200 and answer.mimetype == "text/html":
            sheet = Sheet(answer.text)
            wrong += faults(app, path, sheet)
            waiting.extend(link for link in sheet.links if link.startswith("/"))
    return wrong


def test_each_form_of_each_page_works_without_scripts(
    app: Flask, database: sa.Connection, visitor: Visitor, other: Visitor
) -> None:
    with app.app_context(), transaction():
        operations.plant(system("test"))
    seen: set[str] = set()
    for somebody, email in ((visitor, "jane@acme.example"), (other, ADA.email)):
        assert somebody.sign_in(email, PASSWORD).status_code == 303
        seen.discard("/dashboard")
        assert walk(app, somebody, seen) == []
    assert len(seen) > 80, sorted(seen)
