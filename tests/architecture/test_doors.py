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

KNOWN_AT_THE_DOOR = {"ip", "caller", "endpoint", "user", "tenant"}
"""What else a bucket may count by (a refresh token's session, a login token) only the operation knows."""


def level_of(endpoint: Endpoint) -> set[str]:
    auth = str(endpoint.entry["auth"])
    return LEVELS[auth if auth in LEVELS else auth.split(" ")[0]]


def ordinary_limits(endpoint: Endpoint) -> list[Bucket | None]:
    """Return what the door may count: the buckets that Redis alone keeps; operations count the others."""
    named = [BUCKETS[name] for name in endpoint.entry.get("limit", ["default"])]
    return [bucket for bucket in named if not bucket.durable and keys_of(bucket) <= KNOWN_AT_THE_DOOR] or [
        None
    ]


def keys_of(bucket: Bucket) -> set[str]:
    return {key for rule in bucket.rules for key in rule.keys}


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


OPEN_VIEWS = {
    # files and figures: nobody is behind the call, or a token of its own is
    "static",
    "portal_assets.file",
    "metrics",
    "api-v1-api-docs.openapi_json",
    "client-v1-api-docs.openapi_json",
    "platform-api-api-docs.openapi_json",
    "services-v1-api-docs.openapi_json",
    "v0-api-docs.openapi_json",
    # pages that look the same to all, and those that lead to a sign-in
    "portal_dashboard.home",
    "portal_pages.developers",
    "portal_pages.reference",
    "portal_policies.policy",
    "portal_privacy.keep_account_form",
    "portal_auth.forgot_password_form",
    "portal_auth.reset_password_form",
    "portal_auth.sign_in_form",
    "portal_auth.sign_in_code_form",
    "portal_auth.sign_up_form",
    "portal_auth.sign_up_code_form",
    "portal_auth.verify_email_form",
    "portal_invited.offer",
    "portal_passkey_undo.offered",
    "portal_recovery.explanation",
    "portal_recovery.confirm_form",
    "portal_recovery.cancel_form",
    "portal_recovery.finish_form",
    "portal_recovery.stop_form",
    "portal_second_factor.code_form",
    "portal_second_factor.recovery_code_form",
    "portal_email_change.confirm_form",
    "portal_email_change.stop_form",
    "portal_email_change.undo_form",
}
"""All that is reached without a door: a new view is not among them by oversight."""


def test_what_has_no_door_is_open_on_purpose(app: Flask) -> None:
    open_ones = {
        rule.endpoint: method
        for (method, _), rule in routes(app).items()
        if not hasattr(app.view_functions[rule.endpoint], "level")
    }
    assert set(open_ones) == OPEN_VIEWS
    assert set(open_ones.values()) == {"GET"}
