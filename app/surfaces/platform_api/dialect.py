"""How platform_api speaks: its prefixes, credentials, bare bodies, error words and paging."""

from collections.abc import Mapping
from typing import Any

from flask import Response, jsonify

from app.surfaces.shared.actor import Door
from app.surfaces.shared.openapi import Blueprint
from app.surfaces.shared.problems import Dialect, Problem

_STATUS_OF_CODE: Mapping[str, int] = {
    "auth:otp_invalid": 401,
    "two_factor:code_invalid": 401,
    "user:email_taken": 400,
}

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
    body: dict[str, Any] = {"detail": detail, "code": problem.code}
    if problem.layer:
        body["refused_by"] = problem.layer
    if problem.remedy:
        body["remedy"] = problem.remedy
    response = jsonify(body)
    response.status_code = _STATUS_OF_CODE.get(problem.code, problem.status)
    return response


DIALECT = Dialect("platform_api", ("/platform/api",), render)
