"""Takes reports of API tokens found in public; whoever can show one ends it (documented at /developers)."""

from collections.abc import Mapping, Sequence
from typing import Any

import marshmallow as ma
from flask import Flask, Response, jsonify

from app.core.buckets import LEAK_REPORTS
from app.domains.sessions import token_leaks
from app.domains.sessions.token_leaks import MOST_AT_ONCE, Leak
from app.surfaces.shared.actor import Door, current_actor
from app.surfaces.shared.ids import Secret
from app.surfaces.shared.openapi import Blueprint, Schema
from app.surfaces.shared.problems import Dialect, Problem

__all__ = ["DIALECT", "mount"]

_LABELS = {True: "true_positive", False: "false_positive"}
"""The words of the scanners' own protocol (GitHub's secret scanning partner program)."""

door = Door("secret_scanning")
blp = Blueprint("secret_scanning", __name__)


class LeakIn(Schema):
    token = Secret(required=True, most=500)
    type = ma.fields.String(load_default=None, validate=ma.validate.Length(max=100))
    url = ma.fields.String(load_default=None, allow_none=True, validate=ma.validate.Length(max=2000))
    source = ma.fields.String(load_default=None, allow_none=True, validate=ma.validate.Length(max=100))

    @ma.post_load
    def _named(self, data: Mapping[str, Any], **_: Any) -> Leak:
        return Leak(data["token"], data["url"], data["source"])


class LeaksIn(Schema):
    tokens = ma.fields.List(
        ma.fields.Nested(LeakIn), required=True, validate=ma.validate.Length(1, MOST_AT_ONCE)
    )


@blp.post("/api-tokens/leaks")
@door("public", limit=LEAK_REPORTS)
@blp.arguments(LeaksIn)
def report(body: Mapping[str, Sequence[Leak]]) -> Response:
    """End API tokens that were found in public."""
    were_ours = token_leaks.report(current_actor(), leaks=body["tokens"])
    return jsonify({"results": [{"label": _LABELS[ours]} for ours in were_ours]})


def render(problem: Problem) -> Response:
    """Word a problem: ``{"message", "code", "errors": {field: [message]}}``."""
    body: dict[str, Any] = {"message": problem.message, "code": problem.code}
    if problem.fields:
        body["errors"] = problem.fields
    response = jsonify(body)
    response.status_code = problem.status
    return response


DIALECT = Dialect("secret_scanning", ("/api-tokens",), render)


def mount(app: Flask) -> None:
    """Open the way in."""
    app.register_blueprint(blp)
