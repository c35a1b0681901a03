"""Whatever a body holds, an endpoint answers in its dialect's words and never fails itself."""

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.architecture.test_strangers import address
from tests.contract.endpoints import Endpoint, built, routes
from tests.support.service import ServiceUser, service_user
from tests.support.world import PASSWORD, World

pytestmark = pytest.mark.once


NASTY: list[Any] = [
    None,
    True,
    2**63,
    1e308,
    "",
    "\x00",
    "\u202e\ud7ff\u0000",
    "a" * 10_000,
    "../../etc/passwd",
    [],
    ["jane@world.example"],
    {},
    {"$ne": None},
    {"email": "jane@world.example"},
]
RAW: dict[str, bytes] = {
    "nothing": b"",
    "half an object": b'{"email": ',
    "a list": b"[]",
    "a string": b'"x"',
    "null": b"null",
    "a number too large": b'{"email": 1e309}',
    "not a number": b'{"email": NaN}',
    "a key twice": b'{"email": "a@b.example", "email": "c@d.example"}',
    "10,000 brackets": b"[" * 10_000,
    "10,000 objects": b'{"a":' * 10_000,
    "another encoding": '{"email": "jané"}'.encode("latin-1"),
    "half a surrogate": b'{"email": "\\ud800@world.example", "password": "\\udfff"}',
}
KNOWN = "target@world.example"
numbers = count(1)


def taking_bodies(app: Flask) -> list[Endpoint]:
    return [e for e in built(app).values() if e.entry.get("body") and e.calls[0][0] != "GET"]


def plausible(name: str, kind: object) -> Any:
    """Return something that could stand in a field of this type."""
    word = str(kind).rstrip("!?")
    if "|" in word:
        return word.split("|")[0]
    values = {
        "email": KNOWN,
        "integer": 1,
        "boolean": True,
        "slug": "some-slug",
        "timezone": "UTC",
        "locale": "en",
    }
    return PASSWORD if "assword" in name else values.get(word, "x" * 20)


def bodies(endpoint: Endpoint) -> Iterator[dict[str, Any]]:
    fields = endpoint.entry["body"]
    whole = {name: plausible(name, kind) for name, kind in fields.items()}
    for name in fields:
        for nasty in NASTY:
            yield {**whole, name: nasty}


class Sender:
    """Sends from another address each time, so that limits do not hide what is behind them.

    Whoever is signed in is somebody new after each call that was taken: it may have ended the sign-in.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.tokens: dict[str, str] = {}
        self.machine: ServiceUser | None = None
        world.person(KNOWN)

    def send(self, endpoint: Endpoint, data: bytes) -> TestResponse:
        method, _ = endpoint.calls[0]
        path = address(routes(self.world.app)[endpoint.calls[0]])
        number = next(numbers)
        headers = {"Content-Type": "application/json"}
        if endpoint.dialect == "client_v1":
            headers |= self.service()
        elif not endpoint.public:
            headers["Authorization"] = f"Bearer {self.token(endpoint)}"
        origin = {"REMOTE_ADDR": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"}
        client = self.world.app.test_client()
        answer = client.open(path, method=method, data=data, headers=headers, environ_base=origin)
        if answer.status_code < 300:
            self.tokens.clear()
        return answer

    def service(self) -> dict[str, str]:
        """Return what a service user's call shows; nobody's sign-in is ended by what it is taken for."""
        if self.machine is None:
            self.machine = service_user(self.world)
        return {**self.machine.headers, "Authorization": f"Bearer {self.machine.token}"}

    def token(self, endpoint: Endpoint) -> str:
        way = f"{endpoint.dialect} {endpoint.entry['auth'].split(' ')[0]}"
        if way not in self.tokens:
            name = f"person-{next(numbers)}"
            email = f"{name}@world.example"
            admin = endpoint.entry["auth"] == "platform_admin"
            self.world.organization(self.world.person(email, admin=admin), name)
            if endpoint.entry["auth"].startswith("scoped"):
                self.tokens[way] = self.world.scoped_token(email)
            else:
                self.tokens[way] = self.world.token(endpoint.dialect, email, name)
        return self.tokens[way]


@pytest.fixture
def sender(world: World) -> Sender:
    return Sender(world)


@pytest.mark.parametrize("dialect", ["services_v1", "api_v1", "platform_api", "client_v1", "v0"])
def test_a12_no_value_of_a_field_breaks_an_endpoint(sender: Sender, dialect: str) -> None:
    tried = [endpoint for endpoint in taking_bodies(sender.world.app) if endpoint.dialect == dialect]
    assert tried
    for endpoint in tried:
        for body in bodies(endpoint):
            answer = sender.send(endpoint, json.dumps(body).encode())
            assert answer.status_code < 500, (endpoint.id, str(body)[:300], answer.text)


@pytest.mark.parametrize("raw", RAW)
def test_a12_no_raw_body_breaks_an_endpoint_or_is_taken(sender: Sender, raw: str) -> None:
    for endpoint in taking_bodies(sender.world.app):
        if raw == "nothing" and not any(str(kind).endswith("!") for kind in endpoint.entry["body"].values()):
            continue  # a body that may be left out
        answer = sender.send(endpoint, RAW[raw])
        assert 400 <= answer.status_code < 500, (endpoint.id, answer.status_code, answer.text)


NOT_FOR_CALLERS = {
    "role": "owner",
    "is_platform_admin": True,
    "tenant_id": 1,
    "status": "active",
    "email_verified": True,
    "plan": "enterprise",
    "seats": 10_000,
    "balance": 10_000,
    "id": 1,
    "owner_id": 1,
    "permissions": [1, 2, 3],
    "password_hash": "x",
    "created_at": "2020-01-01T00:00:00Z",
    "granted_by_id": 1,
    "two_factor_enabled_at": None,
}
"""What nobody may write; where a document has a field of that name, its own tests say what it takes."""


def smuggled(endpoint: Endpoint) -> dict[str, Any]:
    """Return those fields in both spellings, without what the endpoint's document names."""
    spelt = {
        f"{name.split('_')[0]}{''.join(part.title() for part in name.split('_')[1:])}": value
        for name, value in NOT_FOR_CALLERS.items()
    }
    return {n: v for n, v in {**NOT_FOR_CALLERS, **spelt}.items() if n not in endpoint.entry["body"]}


def test_i01_a_field_that_nobody_may_write_is_refused_by_name(sender: Sender) -> None:
    for endpoint in taking_bodies(sender.world.app):
        fields = {name: plausible(name, kind) for name, kind in endpoint.entry["body"].items()}
        more = smuggled(endpoint)
        answer = sender.send(endpoint, json.dumps({**fields, **more}).encode())
        assert answer.status_code in (400, 422), (endpoint.id, answer.status_code, answer.text)
        told = answer.text.replace("_", "").lower()
        named = [name for name in more if name.replace("_", "").lower() in told]
        assert len(named) == len(more) or (named and endpoint.dialect == "v0"), (endpoint.id, answer.text)


def test_a13_a_body_that_is_too_large_is_refused_before_it_is_read(sender: Sender) -> None:
    for endpoint in taking_bodies(sender.world.app):
        answer = sender.send(endpoint, b'{"email": "' + b"a" * 3 * 1024 * 1024 + b'"}')
        assert answer.status_code == 413, (endpoint.id, answer.status_code)
