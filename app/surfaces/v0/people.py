"""How v0 shows a person: to everybody, to themselves, and with a new session."""

from typing import Any

import marshmallow as ma
from flask import Response, jsonify

from app.domains.auth.login_tokens import IssuedLoginToken
from app.domains.sessions.operations import Opened, Plan
from app.surfaces.shared.cookies import set_session_cookie
from app.surfaces.shared.ids import Moment
from app.surfaces.shared.openapi import Schema


class PersonOut(Schema):
    """A person as they are told who signed in."""

    id = ma.fields.UUID(attribute="uid", required=True)
    handle = ma.fields.String(required=True, allow_none=True)
    display_name = ma.fields.String(required=True, allow_none=True)
    email = ma.fields.Email(required=True)
    email_verified = ma.fields.Boolean(required=True)


class PageOut(Schema):
    """A person's public page."""

    id = ma.fields.UUID(attribute="uid", required=True)
    handle = ma.fields.String(required=True, allow_none=True)
    display_name = ma.fields.String(attribute="public_name", required=True, allow_none=True)
    bio = ma.fields.String(required=True, allow_none=True)
    profile_image = ma.fields.Url(attribute="avatar_url", required=True, allow_none=True)
    banner_image = ma.fields.Constant(None, metadata={"type": "string", "format": "url"})


class MeOut(PageOut):
    """A person as they see themselves."""

    display_name = ma.fields.String(required=True, allow_none=True)
    is_public = ma.fields.Boolean(required=True)
    email = ma.fields.Email(required=True)
    email_verified = ma.fields.Boolean(required=True)
    pending_email = ma.fields.Email(attribute="awaited_email", required=True, allow_none=True)
    locale = ma.fields.String(required=True, allow_none=True)
    timezone = ma.fields.String(required=True, allow_none=True)
    has_password = ma.fields.Boolean(required=True)
    totp_enabled = ma.fields.Boolean(attribute="two_factor_enabled", required=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)


class SessionOut(Schema):
    """A session whose token is shown this once."""

    id = ma.fields.UUID(required=True)
    token = ma.fields.String(required=True)
    expires_at = Moment(required=True)


class SignedInOut(Schema):
    """The answer to who asked for the token in the body."""

    user = ma.fields.Nested(PersonOut, required=True)
    session = ma.fields.Nested(SessionOut, required=True)


class TempTokenOut(Schema):
    """What the second factor's step takes."""

    temp_token = ma.fields.String(required=True)


class CarrierIn(Schema):
    """How long a session lasts, and what carries it."""

    remember_me = ma.fields.Boolean(load_default=False, truthy={True}, falsy={False})
    session_mode = ma.fields.String(load_default="cookie", validate=ma.validate.OneOf(["cookie", "token"]))


def plan_of(body: dict[str, Any]) -> Plan:
    """Return how the session is to be carried."""
    kind = "browser" if body["session_mode"] == "cookie" else "app"
    return Plan(kind=kind, opaque=True, remember=body["remember_me"])


def signed_in(found: Opened | IssuedLoginToken) -> Response:
    """Answer a sign-in: 204 with the cookie, 200 with the token, 202 where the second factor is asked for."""
    if isinstance(found, IssuedLoginToken):
        return _answer({"temp_token": found.token}, 202)
    if found.session.kind == "browser":
        return set_session_cookie(Response(status=204), found)
    session = {"id": found.session.uid, "token": found.token, "expires_at": found.session.expires_at}
    return _answer(SignedInOut().dump({"user": found.user, "session": session}), 200)


def _answer(body: Any, status: int) -> Response:
    response = jsonify(body)
    response.status_code = status
    return response
