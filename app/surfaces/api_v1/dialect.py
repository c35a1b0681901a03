"""How api_v1 speaks: its prefix, credentials, envelope, error words and paging."""

import functools
from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from flask import Response, jsonify

from app.core.paging import Page
from app.domains.permissions.roles import Role
from app.surfaces.shared.actor import Door
from app.surfaces.shared.openapi import Blueprint, Schema
from app.surfaces.shared.problems import STATUS, Dialect, Problem

_STATUS: Mapping[str, int] = {**STATUS, "invalid": 400}
_STATUS_OF_CODE: Mapping[str, int] = {"two_factor:code_invalid": 401}

_ROLE_WORDS: Mapping[str, str] = {
    Role.OWNER: "tenant_admin",
    Role.ADMIN: "tenant_admin",
    Role.MANAGER: "manager",
    Role.MEMBER: "user",
    Role.VIEWER: "viewer",
}

door = Door("api_v1")
own_door = Door("api_v1", api_tokens=False)
"""The door of ``/auth``, where an API token opens nothing."""

blp = Blueprint("api_v1", __name__, url_prefix="/api/v1")


def camel(name: str) -> str:
    """Return ``tenant_slug`` as ``tenantSlug``, part by part of a dotted name."""
    return ".".join(_camel(part) for part in name.split("."))


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest) if head else name


def role_word(role: str) -> str:
    """Return what this document calls a role."""
    return _ROLE_WORDS[role]


class ErrorDetailOut(Schema):
    """What went wrong."""

    code = ma.fields.String(required=True)
    message = ma.fields.String(required=True)
    details = ma.fields.Dict(metadata={"description": "Messages by field, or which layer refused."})


class ErrorOut(Schema):
    """The envelope of every error."""

    success = ma.fields.Boolean(required=True, metadata={"example": False})
    error = ma.fields.Nested(ErrorDetailOut, required=True)


@functools.cache
def envelope(data: type[Schema]) -> type[ma.Schema]:
    """Return the schema of a good answer around the schema of its data."""
    name = f"{data.__name__.removesuffix('Out')}EnvelopeOut"
    fields = {"success": ma.fields.Boolean(required=True), "data": ma.fields.Nested(data, required=True)}
    return Schema.from_dict(fields, name=name)


@functools.cache
def envelope_of_list(data: type[Schema]) -> type[ma.Schema]:
    """Return the schema of a good answer around a whole list."""
    name = f"{data.__name__.removesuffix('Out')}ListEnvelopeOut"
    listed = ma.fields.List(ma.fields.Nested(data), required=True)
    return Schema.from_dict({"success": ma.fields.Boolean(required=True), "data": listed}, name=name)


class PageMetaOut(Schema):
    """Which page of a list it is, and how long the list."""

    page = ma.fields.Integer(required=True)
    limit = ma.fields.Integer(required=True)
    total = ma.fields.Integer(required=True)
    total_pages = ma.fields.Integer(required=True, data_key="totalPages")


@functools.cache
def paged_envelope(row: type[Schema]) -> type[ma.Schema]:
    """Return the schema of one page of a list around the schema of a row."""
    name = f"{row.__name__.removesuffix('Out')}PageOut"
    fields: dict[str, Any] = {
        "success": ma.fields.Boolean(required=True),
        "data": ma.fields.List(ma.fields.Nested(row), required=True),
        "meta": ma.fields.Nested(PageMetaOut, required=True),
    }
    return Schema.from_dict(fields, name=name)


def ok(data: Any) -> dict[str, Any]:
    """Return the envelope of a good answer."""
    return {"success": True, "data": data}


def paged(page: Page[Any]) -> dict[str, Any]:
    """Return the envelope of one page of a list."""
    meta = {
        "page": page.window.number,
        "limit": page.window.limit,
        "total": page.total,
        "total_pages": page.last_page if page.total else 0,
    }
    return {"success": True, "data": page.items, "meta": meta}


def render(problem: Problem) -> Response:
    """Word a problem: ``{"success": false, "error": {code, message, details}}``."""
    details = {camel(name): list(texts) for name, texts in problem.fields.items()}
    error = {"code": problem.code, "message": problem.message, "details": details}
    response = jsonify({"success": False, "error": error})
    response.status_code = _STATUS_OF_CODE.get(problem.code, _STATUS[problem.kind])
    return response


DIALECT = Dialect("api_v1", ("/api/v1",), render)
