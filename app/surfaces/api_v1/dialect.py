"""How api_v1 speaks: its prefix, credentials, envelope, error words and paging."""

from collections.abc import Mapping
from typing import Any

from flask import Response, jsonify

from app.core.paging import Page
from app.surfaces.shared.actor import Door
from app.surfaces.shared.openapi import Blueprint
from app.surfaces.shared.problems import STATUS, Dialect, Problem

_STATUS: Mapping[str, int] = {**STATUS, "invalid": 400}
_STATUS_OF_CODE: Mapping[str, int] = {"two_factor:code_invalid": 401}

door = Door("api_v1")

blp = Blueprint("api_v1", __name__, url_prefix="/api/v1")


def camel(name: str) -> str:
    """Return ``tenant_slug`` as ``tenantSlug``, part by part of a dotted name."""
    return ".".join(_camel(part) for part in name.split("."))


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest) if head else name


def ok(data: Any) -> dict[str, Any]:
    """Return the envelope of a good answer."""
    return {"success": True, "data": data}


def paged(page: Page[Any]) -> dict[str, Any]:
    """Return the envelope of one page of a list."""
    meta = {
        "page": page.window.number,
        "limit": page.window.limit,
        "total": page.total,
        "totalPages": page.last_page if page.total else 0,
    }
    return {"success": True, "data": page.items, "meta": meta}


def render(problem: Problem) -> Response:
    """Word a problem: ``{"success": false, "error": {code, message, details}}``."""
    details: dict[str, Any] = {camel(name): list(texts) for name, texts in problem.fields.items()}
    if problem.layer and not problem.fields:
        details = {"refusedBy": problem.layer} | ({"remedy": problem.remedy} if problem.remedy else {})
    error = {"code": problem.code, "message": problem.message, "details": details}
    response = jsonify({"success": False, "error": error})
    response.status_code = _STATUS_OF_CODE.get(problem.code, _STATUS[problem.kind])
    return response


DIALECT = Dialect("api_v1", ("/api/v1",), render)
