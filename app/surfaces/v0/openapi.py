"""The document of this dialect and the page that draws it, on instances that run in debug."""

import marshmallow as ma
from flask import abort, jsonify, make_response, render_template

from app.core.settings import current_settings
from app.surfaces.shared.openapi import Schema, document_of
from app.surfaces.v0.dialect import blp, door

_REFERENCE = {"title": "Portico v0", "document": "/swagger.json"}


class DocumentOut(Schema):
    openapi = ma.fields.String(required=True)
    info = ma.fields.Dict(required=True)
    paths = ma.fields.Dict(required=True)


@blp.get("/docs")
@door("public")
@blp.refuses({404: "route:not_found"})
@blp.response(200, {"type": "string"}, content_type="text/html")
def ui():
    """Show the API in Swagger UI, on instances that run in debug."""
    _require_debug()
    return make_response(render_template("portal/pages/reference.html", reference=_REFERENCE))


@blp.get("/swagger.json")
@door("public")
@blp.refuses({404: "route:not_found"})
@blp.response(200, DocumentOut)
def json():
    """Give the OpenAPI document, on instances that run in debug."""
    _require_debug()
    return jsonify(document_of("v0"))


def _require_debug() -> None:
    if not current_settings().debug:
        abort(404)
