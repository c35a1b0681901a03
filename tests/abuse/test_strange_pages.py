"""Whatever stands in an address, a query or a form of the portal, the answer is a page and no failure.

Pages, names of fields and of parameters are read from the product, so that a new one is tried as it comes.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict
from werkzeug.routing import Rule
from wtforms.fields.core import UnboundField

from app.core.db import db
from app.domains.accounts.models import User
from app.surfaces.portal.base import PortalForm
from app.surfaces.shared import throttles
from app.surfaces.shared.transaction import transaction
from tests.contract.endpoints import routes
from tests.support.twins import Twin, browse, twin
from tests.support.world import World

PARAMETER = re.compile(r"<(?:(\w+)(?:\([^)]*\))?:)?(\w+)>")
SURFACES = Path(__file__).parents[2] / "app" / "surfaces"
ASKED = re.compile(r"request\.(?:args|values)\.get(?:list)?\(\s*\"(\w+)\"")
SENT = re.compile(r"request\.(?:form|values)(?:\.get(?:list)?\(\s*|\[)\"(\w+)\"")

STRANGE = {
    "nul": "a\0b",
    "a number": "9" * 30,
    "odd text": "\u202e\u2066<script>%_\\%\ud800\r\nX-Injected: yes٣²" + "é" * 300,
}
ENDS = ("sign-out", "end-all", "end-others", "switch", "leave", "dismiss", "email", "end")
"""Forms that end the sign-in which the next one needs; their values are tried elsewhere."""


@pytest.fixture
def owner(world: World) -> Twin:
    """Give an organization's owner, who runs the platform too: every page opens."""
    made = twin(world, "strange-corp")
    promote(world, made.owner)
    browse(world, made)
    return made


def promote(world: World, email: str) -> None:
    with world.app.app_context(), transaction():
        db.session.get_one(User, world.persons_id(email)).is_platform_admin = True


def pages(app: Flask, *, forms: bool) -> list[Rule]:
    found = [
        rule
        for (method, _), rule in routes(app).items()
        if rule.endpoint.startswith("portal_") and (method == "POST") is forms and method in ("GET", "POST")
    ]
    assert len(found) > 60
    return found


def words(pattern: re.Pattern[str]) -> set[str]:
    """Return the names that the portal's sources look for."""
    return {name for path in SURFACES.rglob("*.py") for name in pattern.findall(path.read_text("utf-8"))}


def fields() -> set[str]:
    """Return the names of all fields of all forms of the portal."""

    def kinds(kind: type) -> Iterator[type]:
        for one in kind.__subclasses__():
            yield one
            yield from kinds(one)

    return {
        name
        for kind in kinds(PortalForm)
        for name in dir(kind)
        if isinstance(getattr(kind, name), UnboundField)
    }


EACH = [pytest.param(name, marks=pytest.mark.once if name == "odd text" else ()) for name in STRANGE]
"""Databases differ in what they make of NUL and of a long number."""


def address(rule: Rule, ids: dict[str, object], strange: str) -> str:
    """Return an address whose text parts are strange, and whose ids are the organization's own."""
    mine = {"uid": "membership_uid", "external_id": "client", "profile_id": "profile", "tenant_uid": "tenant"}
    mine |= {"service_user_uid": "service_user", "change_id": "setting_change"}
    mine |= {"invitation_uid": "invitation"}

    def part(found: re.Match[str]) -> str:
        kind, name = found.groups()
        own = "access_request" if "requests" in rule.rule else mine.get(name, "")
        if kind in ("uuid", "int"):
            return str(ids.get(own, 7 if kind == "int" else "00000000-0000-0000-0000-000000000007"))
        return quote(strange[:2000].replace("/", ""), errors="replace") or "x"

    return PARAMETER.sub(part, rule.rule)


@pytest.mark.parametrize("strange", EACH)
def test_a12_no_query_breaks_a_page(world: World, owner: Twin, strange: str) -> None:
    assert owner.browser
    names = words(ASKED)
    assert {"q", "cursor", "page", "next", "environment"} <= names
    text = STRANGE[strange]
    query = {name: text[:2000].encode("utf-8", "surrogatepass") for name in names}
    wrong = {}
    for rule in pages(world.app, forms=False):
        is_public = getattr(world.app.view_functions[rule.endpoint], "level", "public") == "public"
        for browser in (owner.browser, world.app.test_client())[: 1 + is_public]:
            throttles.forget()
            answer = browser.get(address(rule, owner.ids, text), query_string=query)
            if answer.status_code >= 500:
                wrong[rule.rule] = answer.status_code
            assert "X-Injected" not in answer.headers
    assert wrong == {}


@pytest.mark.parametrize("strange", EACH)
def test_a12_no_field_breaks_a_form(world: World, owner: Twin, strange: str) -> None:
    assert owner.browser
    names = fields() | words(SENT)
    text = STRANGE[strange]
    sent = MultiDict(
        {name: text.encode("utf-8", "surrogatepass").decode("utf-8", "replace") for name in names}
    )
    sent["csrf_token"] = owner.proof
    wrong = {}
    for rule in pages(world.app, forms=True):
        if rule.rule.rsplit("/", 1)[-1] in ENDS:
            continue
        throttles.forget()
        answer = owner.browser.post(address(rule, owner.ids, text), data=sent)
        if answer.status_code >= 500:
            wrong[rule.rule] = answer.status_code
        assert "X-Injected" not in answer.headers
    assert wrong == {}
    assert owner.browser.get("/dashboard").status_code == 200


@pytest.mark.parametrize("number", [2**63, 10**30])
def test_a12_no_number_in_an_address_breaks_a_page(world: World, owner: Twin, number: int) -> None:
    assert owner.browser
    wrong = {}
    for (method, path), rule in routes(world.app).items():
        if "<int:" not in rule.rule:
            continue
        throttles.forget()
        to = PARAMETER.sub(lambda found: str(number) if found[1] == "int" else "x", rule.rule)
        if rule.endpoint.startswith("portal_"):
            sent = {"csrf_token": owner.proof} if method != "GET" else None
            answer = owner.browser.open(to, method=method, data=sent)
        else:
            headers = {"Authorization": f"Bearer {owner.tokens['api_v1']}"}
            answer = world.app.test_client().open(
                to, method=method, headers=headers, json={} if method != "GET" else None
            )
        if answer.status_code >= 500:
            wrong[method, path] = answer.status_code
    assert wrong == {}
