"""The contract's endpoints, and which of them the product has."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from tests.contract.documents import document

DIALECTS = ("services_v1", "api_v1", "platform_api", "client_v1", "v0")
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})

Call = tuple[str, str]
"""A method and a path whose parameters are nameless: ``("GET", "/v1/users/{}")``."""


@dataclass(frozen=True)
class Endpoint:
    """One entry of a dialect's file, at all its addresses."""

    id: str
    dialect: str
    path: str
    calls: tuple[Call, ...]
    entry: dict[str, Any]

    @property
    def public(self) -> bool:
        return bool(self.entry["auth"] == "public")

    @property
    def audit_kinds(self) -> frozenset[str]:
        """Return the kinds of rows it may leave in the trail."""
        effects = [effect.partition(":") for effect in self.entry["effects"]]
        return frozenset(kind for word, _, kind in effects if word == "audit")


def nameless(path: str) -> str:
    return re.sub(r"\{[^}]*\}|<[^>]*>", "{}", path).rstrip("/") or "/"


def _read(dialect: str) -> dict[str, Any]:
    found: dict[str, Any] = document(f"{dialect}.yaml")
    return found


def _endpoints() -> Iterator[Endpoint]:
    for dialect in DIALECTS:
        source = _read(dialect)
        entries = [(entry, source["base"] + entry["path"]) for entry in source["endpoints"]]
        entries += [(entry, entry["path"]) for entry in source.get("supporting", [])]
        for entry, path in entries:
            prefixes = ["", *source.get("aliases", [])]
            calls = tuple((entry["method"], nameless(prefix + path)) for prefix in prefixes)
            yield Endpoint(entry["id"], dialect, path, calls, entry)


ENDPOINTS: dict[str, Endpoint] = {endpoint.id: endpoint for endpoint in _endpoints()}
BY_CALL: dict[Call, Endpoint] = {call: endpoint for endpoint in ENDPOINTS.values() for call in endpoint.calls}
ROOTS: tuple[str, ...] = tuple(
    prefix + mount
    for dialect in DIALECTS
    for source in [_read(dialect)]
    for prefix in ["", *source.get("aliases", [])]
    for mount in source["mounts"]
)
"""Where dialects are mounted; everything else belongs to the portal and to those who run the instance."""


def routes(app: Flask) -> dict[Call, Rule]:
    """Return every route of the product."""
    return {
        (method, nameless(rule.rule)): rule
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) & METHODS
    }


def in_a_dialect(path: str) -> bool:
    return any(f"{path}/".startswith(f"{root}/") for root in ROOTS)


def built(app: Flask) -> dict[str, Endpoint]:
    """Return the endpoints that the product has at one of their addresses at least."""
    there = routes(app)
    return {e.id: e for e in ENDPOINTS.values() if any(call in there for call in e.calls)}
