"""How client_v1 speaks: bodies are JSON whatever they say they are; ``{"error": {"code", "message"}}``."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import Request, Response, jsonify
from webargs import missing
from werkzeug.exceptions import BadRequest

from app.surfaces.shared.openapi import Blueprint, BodyParser, DialectApi, Schema
from app.surfaces.shared.problems import Dialect, Problem

INSTANCE_ERRORS = ("instance:missing", "instance:ambiguous", "instance:unknown_environment")
TENANT_ERRORS = ("tenant:suspended", "tenant:archived")


class AnyTypeParser(BodyParser):
    """Reads every body as JSON: the documented calls are plain ``curl --data``, which names another type.

    No call of this dialect rests on a cookie, so this opens nothing to another site.
    """

    def load_json(self, req: Request, schema: ma.Schema) -> Any:
        """Return the body; a call whose fields may all be left out may leave the body out too.

        :raises BadRequest: for what is no JSON object
        """
        data = req.get_data(cache=True)
        if not data and not any(field.required for field in schema.fields.values()):
            return missing
        found = self.strictly(data)
        if not isinstance(found, dict):
            raise BadRequest
        return found


class ClientBlueprint(Blueprint):
    """The blueprint of this dialect."""

    ARGUMENTS_PARSER = AnyTypeParser()


class ClientApi(DialectApi):
    """Its document: what the naming of an instance, and a service user's token, may be refused with too."""

    def implied(self, *, public: bool, changes: bool, reads: bool) -> Iterator[tuple[int, str]]:
        """Yield status and code of what any call of this kind may be refused with."""
        for code in INSTANCE_ERRORS:
            yield 400, code
        yield 404, "instance:not_found"
        for code in TENANT_ERRORS:
            yield 403, code
        if not public:
            yield 402, "plan:request_quota"
            yield 403, "client:feature_disabled"
            yield 403, "auth:address_not_allowed"
        for status, code in super().implied(public=public, changes=changes, reads=reads):
            if status != 415:  # no type of a body is refused
                yield status, code


blp = ClientBlueprint("client_v1", __name__, url_prefix="")


class FaultOut(Schema):
    """What went wrong."""

    code = ma.fields.String(required=True)
    message = ma.fields.String(required=True)


class ErrorOut(Schema):
    """Any refusal."""

    error = ma.fields.Nested(FaultOut, required=True)


def render(problem: Problem) -> Response:
    """Word a problem; the message begins with each field at fault."""
    said = problem.message
    if problem.code == "validation":
        at_fault = {name: texts for name, texts in problem.fields.items() if name != "_schema"}
        texts = " ".join(dict.fromkeys(text for found in problem.fields.values() for text in found))
        said = f"{', '.join(at_fault)}: {texts}" if at_fault else texts or said
    response = jsonify({"error": {"code": problem.code, "message": said}})
    response.status_code = problem.status
    return response


DIALECT = Dialect("client_v1", ("/v1/login/password", "/v1/login/revoke", "/v1/client"), render)


def nothing() -> Response:
    """Answer that it is done, with no body and so no type of one."""
    response = Response(status=204)
    del response.headers["Content-Type"]
    return response


def id_of(text: str) -> UUID | None:
    """Return a UUID out of an address; what is none names nothing there is."""
    try:
        return UUID(text) if len(text) == 36 else None
    except ValueError:
        return None
