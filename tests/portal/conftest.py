"""Visitors of the portal: one within the process who reads HTML, one in a real browser."""

import itertools
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from werkzeug.test import TestResponse

from app.core import clock
from app.core.db import db
from app.domains.accounts.emails import key_of
from app.domains.accounts.models import User
from app.domains.accounts.passwords import hash_password
from app.domains.accounts.policies import accept_all
from app.surfaces.shared.transaction import transaction
from tests.support.authenticator import Phone
from tests.support.live import LiveInstance

PASSWORD = "violet harbour 29"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
_numbers = itertools.count(1)


@dataclass
class Visitor:
    """Somebody who opens pages and sends the forms on them."""

    client: FlaskClient

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(path, **more)

    def send(self, path: str, fields: dict[str, str] | None = None, *, on: str = "/sign-in") -> TestResponse:
        """Send a form to a path, with the proof of origin that the page ``on`` carries."""
        found = _TOKEN.search(self.get(on).text)
        assert found, f"no form on {on}"
        return self.client.post(path, data={"csrf_token": found[1], **(fields or {})})

    def sign_in(self, email: str, password: str = PASSWORD) -> TestResponse:
        return self.send("/sign-in", {"email": email, "password": password})


@pytest.fixture
def visitor(client: FlaskClient) -> Visitor:
    return Visitor(client)


@pytest.fixture
def jane(app: Flask, database: sa.Connection) -> str:
    """Make Jane, who has proven her address; returns it."""
    email = "jane@portal.example"
    with app.app_context(), transaction():
        user = User(
            email=email,
            email_key=key_of(email),
            email_verified_at=clock.now(),
            first_name="Jane",
            last_name="Doe",
        )
        user.password_hash, user.password_changed_at = hash_password(PASSWORD), clock.now()
        db.session.add(user)
        db.session.flush()  # generate user.id
        accept_all(user, ip=None)
    return email


@pytest.fixture
def signed_in(visitor: Visitor, jane: str) -> Visitor:
    """Return Jane's visit after she has signed in."""
    assert visitor.sign_in(jane).status_code == 303
    return visitor


def set_up(visitor: Visitor) -> Phone:
    """Let somebody who is signed in set an authenticator up; returns their phone."""
    path = "/account/security/authenticator"
    assert visitor.send(path, on="/account/security").status_code == 303
    found = re.search(r'data-secret="(\w+)"', visitor.get(path).text)
    assert found
    phone = Phone(found[1])
    assert visitor.send(f"{path}/confirm", {"code": phone.code()}, on=path).status_code == 307
    return phone


@pytest.fixture
def protected(signed_in: Visitor) -> tuple[Visitor, Phone]:
    """Return Jane's visit after she has set her authenticator up, and her phone."""
    return signed_in, set_up(signed_in)


def _founded(visitor: Visitor, name: str, slug: str) -> Visitor:
    sent = visitor.send("/organizations", {"name": name, "slug": slug}, on="/organizations")
    assert sent.status_code == 303
    return visitor


@pytest.fixture
def corp(signed_in: Visitor) -> Visitor:
    """Return Jane's visit with Portal Corp, which is hers, selected."""
    return _founded(signed_in, "Portal Corp", "portal-corp")


@pytest.fixture
def owner(signed_in: Visitor) -> Visitor:
    """Return Jane's visit with Acme Corp, which is hers, selected."""
    return _founded(signed_in, "Acme Corp", "acme-corp")


@pytest.fixture
def other(app: Flask) -> Visitor:
    """Return somebody in another browser."""
    return Visitor(app.test_client())


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start the system's Chromium once for all tests of this process."""
    path = next(filter(None, map(shutil.which, CHROMIUM)))
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@dataclass
class Guest:
    """Somebody new, with a mailbox of their own and a browser to open pages in."""

    live: LiveInstance
    page: Page
    email: str
    scripts: bool

    def sign_up(self, look: Callable[[], None] = lambda: None) -> None:
        """Create the account and confirm it with the mailed code; ends on the dashboard.

        :param look: called while the code is asked for
        """
        page = self.page
        page.goto("/sign-up")
        page.get_by_label("First name").fill("Kim")
        page.get_by_label("Last name").fill("Lee")
        page.get_by_label("E-mail").fill(self.email)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("checkbox").check()
        page.get_by_role("button", name="Create account").click()
        page.wait_for_url("**/sign-up/code")
        look()
        page.get_by_label("Code").fill(self.live.mail.code_for(self.email))
        if not self.scripts:
            page.get_by_role("button", name="Confirm and go on").click()
        page.wait_for_url("**/dashboard")

    def sign_in(self, password: str = PASSWORD) -> None:
        page = self.page
        page.goto("/sign-in")
        page.get_by_label("E-mail").fill(self.email)
        page.get_by_label("Password", exact=True).fill(password)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url("**/dashboard")


@pytest.fixture
def guest_with(browser: Browser, live: LiveInstance) -> Iterator[Any]:
    """Return a function that lets a guest in; a fault on any of their pages' consoles fails the test."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def enter(**options: Any) -> Guest:
        context = browser.new_context(
            base_url=live.url, **{"viewport": {"width": 1280, "height": 860}, **options}
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if is_fault(said.text, said.type) else None)
        scripts = options.get("java_script_enabled", True)
        return Guest(live, page, f"guest{next(_numbers)}@browser.example", scripts)

    yield enter
    for context in contexts:
        context.close()
    assert faults == []


def is_fault(text: str, kind: str) -> bool:
    """Say whether a console message is ours to mend: an answer of 4xx is what the test asked for."""
    return kind in {"error", "warning"} and "the server responded with a status of 4" not in text
