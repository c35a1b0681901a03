"""How a form of the portal is sent once, and what it leaves in the trail; the stories are beside this."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy.exc import NoResultFound
from werkzeug.test import TestResponse

from app.surfaces.shared import throttles
from tests.portal.conftest import Visitor
from tests.support.dns import DnsServer
from tests.support.forms import form_to
from tests.support.world import PASSWORD, World

NOBODY = "nobody"
NOTHING: Mapping[str, Any] = {}


class Desk:
    """The people of one story, each in a browser of their own, and what the story has to remember."""

    def __init__(self, world: World, dns: DnsServer) -> None:
        self.world = world
        self.dns = dns
        self.kept: dict[str, Any] = {}
        self._browsers: dict[str, FlaskClient] = {}

    def browser(self, who: str) -> FlaskClient:
        """Return somebody's browser, signed in when it is opened; "x#2" is another one of x."""
        if who not in self._browsers:
            self._browsers[who] = self.world.app.test_client()
            if not who.startswith(NOBODY):
                visitor = Visitor(self._browsers[who])
                assert visitor.sign_in(who.partition("#")[0], PASSWORD).status_code == 303, who
        return self._browsers[who]

    def close(self, who: str) -> None:
        """Forget a browser: the next time it is a new one."""
        self._browsers.pop(who, None)

    def send(self, rule: str, *, on: str, who: str, typed: Mapping[str, Any], to: str = "") -> TestResponse:
        """Fill in the form to a route that a page offers, and send it there, or elsewhere."""
        browser = self.browser(who)
        page = browser.get(on)
        assert page.status_code in (200, 400), (on, page.status_code, page.headers.get("Location"))
        return self.send_from(page.text, rule, who=who, typed=typed, to=to, at=on)

    def send_from(
        self,
        text: str,
        rule: str,
        *,
        who: str,
        typed: Mapping[str, Any] = NOTHING,
        to: str = "",
        at: str = "",
    ) -> TestResponse:
        """Fill in a form on a page that somebody looks at, and send it."""
        form = form_to(text, rule, at=at)
        return self.browser(who).post(to or form.action, data=form.filled(**typed))

    def post(self, path: str, *, on: str, who: str, **typed: Any) -> TestResponse:
        """Send what a script would send from a page."""
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.browser(who).get(on).text)
        assert token, on
        return self.browser(who).post(path, data={"csrf_token": token[1], **typed})


Act = Callable[[Desk], TestResponse]


@dataclass(frozen=True)
class Step:
    """One form and the kinds of the rows that it leaves, each once."""

    rule: str
    kinds: tuple[str, ...]
    act: Act
    first: Callable[[Desk], object]
    none: str
    """Why it leaves no row."""


@dataclass
class Story:
    """What a group of people does in one world, step after step."""

    set_up: Callable[[World], object]
    steps: list[Step] = field(default_factory=list)

    def step(
        self,
        rule: str,
        *kinds: str,
        on: str | Callable[[Desk], str],
        who: str,
        first: Callable[[Desk], object] = lambda _desk: None,
        none: str = "",
        through: str = "",
        **typed: Any,
    ) -> None:
        """Add a form that somebody fills in on a page; what is typed may be asked of the desk.

        :param through: the route that the page's own form goes to, where it is another
        """

        def act(desk: Desk) -> TestResponse:
            told = {name: value(desk) if callable(value) else value for name, value in typed.items()}
            page = on(desk) if callable(on) else on
            return desk.send(through or rule, on=page, who=who, typed=told, to=page if through else "")

        def ready(desk: Desk) -> None:
            first(desk)
            desk.browser(who)

        self.steps.append(Step(rule, kinds, act, ready, none))

    def script(self, rule: str, *kinds: str, none: str = "") -> Callable[[Act], Act]:
        """Add what a script of a page sends, written out."""

        def register(act: Act) -> Act:
            self.steps.append(Step(rule, kinds, act, lambda _desk: None, none))
            return act

        return register

    def play(self, world: World, dns: DnsServer) -> list[str]:
        """Do all steps in order; returns what was otherwise than it should be."""
        self.set_up(world)
        desk, wrong = Desk(world, dns), []
        for step in self.steps:
            throttles.forget()
            wrong += [f"{step.rule}: {fault}" for fault in _faults(desk, step)]
        return wrong


def _faults(desk: Desk, step: Step) -> list[str]:
    try:
        step.first(desk)
        before = len(desk.world.trail())
        answer = step.act(desk)
    except (AssertionError, LookupError, NoResultFound) as fault:
        return [repr(fault)[:600]]
    rows = desk.world.trail()[before:]
    found = [str(row.kind) for row in rows]
    return [
        *([f"answered {answer.status_code} {_refusals(answer.text)}"] if answer.status_code >= 400 else []),
        *([f"left {found}"] if sorted(found) != sorted(step.kinds) else []),
        *(f"a row lacks what it needs: {row.kind}" for row in rows if not _is_whole(row)),
    ]


def _is_whole(row: Any) -> bool:
    return bool(row.dialect == "portal" and row.ip == "127.0.0.1" and row.request_id)


def _refusals(text: str) -> list[str]:
    return re.findall(r'(?:id="[\w-]+-error"|role="alert")[^>]*>\s*(?:<[^>]*>\s*)*([^<]+)', text)
