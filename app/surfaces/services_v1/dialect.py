"""How services_v1 speaks: its prefixes, credentials, envelope, error words and paging."""

import functools
import re
from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from flask import Response, jsonify

from app.core.paging import Page
from app.surfaces.shared.actor import Door
from app.surfaces.shared.cookies import require_csrf_token
from app.surfaces.shared.ids import Secret, Word
from app.surfaces.shared.languages import in_their_language, said
from app.surfaces.shared.openapi import Blueprint, Schema
from app.surfaces.shared.problems import STATUS, Dialect, Problem

ALIASES = ("/api",)
_STATUS: Mapping[str, int] = {**STATUS, "refused": 422}

_SLUG = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
_SLUG_LENGTH = 50

door = Door("services_v1", cookie_guard=require_csrf_token)

blp = Blueprint("services_v1", __name__, url_prefix="")
"""All paths of this document begin at the root: /v1/… and /services/platforms/v1/…"""


def done(data: Any, message: str) -> dict[str, Any]:
    """Return the envelope of what a POST did, with a sentence in the caller's language."""
    return {"data": data, "message": said(message)}


def paged(page: Page[Any]) -> dict[str, Any]:
    """Return the envelope of one page of a list."""
    meta = {
        "current_page": page.window.number,
        "per_page": page.window.limit,
        "total": page.total,
        "last_page": page.last_page,
    }
    return {"data": page.items, "meta": meta}


class PageQuery(Schema):
    """Which page is wanted; a larger ``per_page`` is cut to 100."""

    page = ma.fields.Integer(load_default=1, validate=ma.validate.Range(1, 1_000_000))
    per_page = ma.fields.Integer(load_default=20, validate=ma.validate.Range(1))


class Flag(ma.fields.Boolean):
    """True or false as JSON has them, and nothing that only looks like it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Seconds(ma.fields.Integer):
    """A span of time in whole seconds."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> int | None:
        return None if value is None else round(value.total_seconds())


class Line(Word):
    """A word that stays on its line: it is shown in lists and mails."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not text.isprintable():
            raise ma.ValidationError("Use one line.")
        return text


class Slug(Word):
    """A name for programs: small letters and digits, parted by single dashes or underscores."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not _SLUG.fullmatch(text) or len(text) > _SLUG_LENGTH:
            raise ma.ValidationError("Use up to 50 of a-z, 0-9, and - or _ between them.")
        return text


class Confirmed(Schema):
    """A new password that is typed twice."""

    password = Secret(required=True)
    password_confirmation = Secret(required=True)

    @ma.validates_schema
    def _same_twice(self, data: Mapping[str, Any], **_: Any) -> None:
        if data["password"] != data["password_confirmation"]:
            raise ma.ValidationError("The two passwords differ.", "password_confirmation")


class Part(ma.fields.Nested):
    """Some fields of the same object, in an object of their own."""

    def get_value(self, obj: Any, attr: str, *_: Any, **__: Any) -> Any:
        """Return the object itself."""
        return obj


class TenantOut(Schema):
    """An organization in a few words."""

    id = ma.fields.Integer()
    name = ma.fields.String()
    slug = ma.fields.String()


class MetaOut(Schema):
    """Where a page stands."""

    current_page = ma.fields.Integer()
    per_page = ma.fields.Integer()
    total = ma.fields.Integer()
    last_page = ma.fields.Integer()


@functools.cache
def shown(data: type[ma.Schema]) -> type[ma.Schema]:
    """Return the schema of what a GET answers: data in its envelope."""
    return ma.Schema.from_dict({"data": ma.fields.Nested(data)}, name=f"{_noun(data)}Shown")


@functools.cache
def told(data: type[ma.Schema]) -> type[ma.Schema]:
    """Return the schema of what a POST answers: data and a sentence."""
    fields = {"data": ma.fields.Nested(data), "message": ma.fields.String()}
    return ma.Schema.from_dict(fields, name=f"{_noun(data)}Told")


@functools.cache
def listed(row: type[ma.Schema]) -> type[ma.Schema]:
    """Return the schema of one page of a list."""
    fields = {"data": ma.fields.List(ma.fields.Nested(row)), "meta": ma.fields.Nested(MetaOut)}
    return ma.Schema.from_dict(fields, name=f"{_noun(row)}Listed")


def _noun(schema: type[ma.Schema]) -> str:
    return schema.__name__.removesuffix("Out")


class ProblemOut(Schema):
    """Any failure."""

    message = ma.fields.String(required=True)
    code = ma.fields.String(required=True)
    errors = ma.fields.Dict(ma.fields.String(), ma.fields.List(ma.fields.String()))


def render(problem: Problem) -> Response:
    """Word a problem: ``{"message", "code", "errors": {field: [message]}}``."""
    problem = in_their_language(problem)
    body: dict[str, Any] = {"message": problem.message, "code": problem.code}
    if problem.fields:
        body["errors"] = problem.fields
    response = jsonify(body)
    response.status_code = _STATUS[problem.kind]
    return response


DIALECT = Dialect("services_v1", ("/v1", "/services/platforms/v1", "/api/services/platforms/v1"), render)
