"""How platform_api speaks: its prefixes, credentials, bare bodies, error words, lists and document."""

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from flask import Response, jsonify

from app.core.paging import MAX_LIMIT, WHOLE, Page, Window
from app.surfaces.shared.actor import Door
from app.surfaces.shared.openapi import Blueprint, Schema
from app.surfaces.shared.problems import Dialect, Problem

_STATUS_OF_CODE: Mapping[str, int] = {
    "auth:otp_invalid": 401,
    "two_factor:code_invalid": 401,
    "user:email_taken": 400,
}
GLOBAL_ONLY = ("auth:global_token_required",)
SCOPED_ONLY = (
    "auth:tenant_token_required",
    "tenant:suspended",
    "tenant:archived",
    "auth:address_not_allowed",
)
ADMIN_ONLY = ("auth:platform_admin_required",)
"""What the doors of /global, /service and /admin refuse with 403 besides a call's own errors."""

door = Door("platform_api")

blp = Blueprint("platform_api", __name__, url_prefix="/platform/api")


def render(problem: Problem) -> Response:
    """Word a problem: ``{"detail", "code"}``; fields at fault as a list with ``loc``."""
    detail: Any = problem.message
    if problem.code == "validation":
        detail = [
            {"loc": [problem.location, *name.split(".")], "msg": text, "type": "value_error"}
            for name, texts in (problem.fields or {"_schema": [problem.message]}).items()
            for text in texts
        ]
    response = jsonify({"detail": detail, "code": problem.code})
    response.status_code = _STATUS_OF_CODE.get(problem.code, problem.status)
    return response


DIALECT = Dialect("platform_api", ("/platform/api",), render)


class ProblemOut(Schema):
    """Any refusal."""

    detail = ma.fields.Raw(
        required=True, metadata={"description": "A sentence; for fields at fault a list of {loc, msg, type}."}
    )
    code = ma.fields.String(required=True)


class MessageOut(Schema):
    """That it was done."""

    message = ma.fields.String(required=True)


class WindowIn(Schema):
    """A list under /global and /service: complete unless a part is asked for."""

    limit = ma.fields.Integer(validate=ma.validate.Range(1, MAX_LIMIT))
    offset = ma.fields.Integer(validate=ma.validate.Range(0, 2**31))


class AdminWindowIn(WindowIn):
    """A list under /admin."""

    limit = ma.fields.Integer(validate=ma.validate.Range(1, MAX_LIMIT), load_default=50)
    offset = ma.fields.Integer(validate=ma.validate.Range(0, 2**31), load_default=0)


def window_of(query: Mapping[str, Any]) -> Window:
    """Return the part of a list that a query asks for, all of it where it names none."""
    return Window(query.get("limit", WHOLE.limit), query.get("offset", 0))


def counted(page: Page[Any]) -> tuple[Any, dict[str, str]]:
    """Answer with the bare rows; the whole count stands in a header."""
    return page.items, {"X-Total-Count": str(page.total)}
