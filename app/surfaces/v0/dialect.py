"""How v0 speaks: its prefixes, credentials, bare bodies and error words."""

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from flask import Response, g, jsonify

from app.core.settings import current_settings
from app.surfaces.shared.actor import Door, current_actor
from app.surfaces.shared.cookies import require_same_origin
from app.surfaces.shared.openapi import Blueprint, Schema
from app.surfaces.shared.problems import STATUS, Dialect, Problem

_STATUS: Mapping[str, int] = {**STATUS, "invalid": 400}
_STATUS_OF_CODE: Mapping[str, int] = {"user:not_found": 400}
_CODE_INVALID = "two_factor:code_invalid"

WORDS: Mapping[str, str] = {
    "rate:limited": "rate_limit:exceeded",
    "auth:verification_token_invalid": "token:expired_verification",
    _CODE_INVALID: "totp:invalid_code",
    "two_factor:not_enabled": "totp:not_enabled",
    "two_factor:no_setup_pending": "totp:setup_not_started",
    "two_factor:enforced": "totp:required_by_organization",
}
"""What this document says in place of some shared codes."""

door = Door("v0", cookie_guard=require_same_origin)

blp = Blueprint("v0", __name__, url_prefix="")
"""Paths begin at the root: /v0/… and /health-check."""


class ErrorOut(Schema):
    """What went wrong."""

    status = ma.fields.Integer(required=True, metadata={"description": "The HTTP status once more."})
    code = ma.fields.String(required=True, metadata={"description": "A word of the catalog."})
    details = ma.fields.String(metadata={"description": "For people; only on instances that run in debug."})


class MessageOut(Schema):
    """A sentence for the person."""

    message = ma.fields.String(required=True)


def word_of(problem: Problem) -> str:
    """Return the code as this document says it; a field at fault is named in it."""
    if problem.code == "validation":
        field = next(iter(problem.fields), "_schema").split(".")[0]
        return f"validation:{'body' if field == '_schema' else field}"
    return WORDS.get(problem.code, problem.code)


def _status_of(problem: Problem) -> int:
    if problem.code == _CODE_INVALID and "actor" in g and not current_actor().is_signed_in:
        return 401  # the call opens a session
    return _STATUS_OF_CODE.get(problem.code, _STATUS[problem.kind])


def render(problem: Problem) -> Response:
    """Word a problem: ``{"status", "code", "details"}``; details only when the instance runs in debug."""
    status = _status_of(problem)
    body: dict[str, Any] = {"status": status, "code": word_of(problem)}
    if current_settings().debug:
        texts = [f"{name}: {' '.join(found)}" for name, found in problem.fields.items()]
        body["details"] = "; ".join(texts) or problem.message
    response = jsonify(body)
    response.status_code = status
    return response


DIALECT = Dialect("v0", ("/v0", "/health-check", "/docs", "/swagger.json"), render)
