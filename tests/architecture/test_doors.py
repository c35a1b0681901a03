"""Each view has the door that the contract names: who may pass, and which ordinary limit counts."""

from flask import Flask

from app.core.buckets import BUCKETS, DEFAULT, Bucket
from tests.contract.endpoints import BY_CALL, Endpoint, routes

LEVELS = {
    "public": {"public"},
    "user": {"user"},
    "tenant": {"tenant"},
    "role:tenant_admin": {"tenant"},
    "role:tenant_admin,manager": {"tenant"},
    "platform_admin": {"platform_admin"},
    "global": {"global"},
    "scoped": {"scoped"},
    "global|scoped": {"either"},
    "service": {"service"},
}


def level_of(endpoint: Endpoint) -> set[str]:
    auth = str(endpoint.entry["auth"])
    return LEVELS[auth if auth in LEVELS else auth.split(" ")[0]]


def ordinary_limits(endpoint: Endpoint) -> list[Bucket | None]:
    """Return what the door may count: the buckets that Redis alone keeps; operations count the others."""
    named = [BUCKETS[name] for name in endpoint.entry.get("limit", ["default"])]
    return [bucket for bucket in named if not bucket.durable] or [None]


def views(app: Flask) -> list[tuple[Endpoint, object]]:
    return [
        (BY_CALL[call], app.view_functions[rule.endpoint])
        for call, rule in routes(app).items()
        if call in BY_CALL
    ]


def test_every_view_of_a_dialect_is_reached_through_a_door(app: Flask) -> None:
    assert [endpoint.id for endpoint, view in views(app) if not hasattr(view, "level")] == []


def test_a_door_asks_for_what_the_contract_says(app: Flask) -> None:
    wrong = {
        endpoint.id: getattr(view, "level", None)
        for endpoint, view in views(app)
        if getattr(view, "level", None) not in level_of(endpoint)
    }
    assert wrong == {}


def test_a_door_counts_what_the_contract_says(app: Flask) -> None:
    wrong = {
        endpoint.id: getattr(view, "limit", DEFAULT)
        for endpoint, view in views(app)
        if getattr(view, "limit", DEFAULT) not in ordinary_limits(endpoint)
    }
    assert wrong == {}
