"""Client sessions: opening, telling, listing and ending them."""

from collections.abc import Mapping
from typing import Any

import marshmallow as ma

from app.domains.clients import client_sessions
from app.domains.clients.client_sessions import Device, Opened, Verified
from app.surfaces.client_v1.dialect import blp, id_of, nothing
from app.surfaces.client_v1.door import door
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.ids import Moment, Secret, Word
from app.surfaces.shared.openapi import Schema
from app.surfaces.shared.problems import fields_called


class DeviceIn(Schema):
    """The end client's own device, as the integrator saw it; it decides nothing."""

    ip_address = Word(most=45)
    user_agent = Word(most=400)


class SignInIn(DeviceIn):
    """Exactly one of email and user_id names the account."""

    email = Word(most=320, metadata={"format": "email"})
    user_id = ma.fields.UUID()
    password = Secret(required=True)


class ClientTokenIn(Schema):
    client_token = Secret(required=True)


class OpenedOut(Schema):
    """A new session; its token is shown here and never again."""

    client_token = ma.fields.String()
    session_id = ma.fields.UUID()
    user_id = ma.fields.UUID()
    expires_at = Moment()


class VerifiedOut(Schema):
    """Whether the token is live; of one that is not, nothing else is said."""

    active = ma.fields.Boolean(required=True)
    user_id = ma.fields.UUID()
    session_id = ma.fields.UUID()
    expires_at = Moment()


class SessionOut(Schema):
    """A live session; never its token."""

    session_id = ma.fields.UUID(attribute="uid")
    created_by = ma.fields.String(attribute="method")
    ip_address = ma.fields.String(attribute="ip", allow_none=True)
    user_agent = ma.fields.String(allow_none=True)
    created_at = Moment()
    last_seen_at = Moment(attribute="last_used_at")
    expires_at = Moment()


class SessionsOut(Schema):
    items = ma.fields.List(ma.fields.Nested(SessionOut))


class RevokedOut(Schema):
    revoked = ma.fields.Integer(required=True)


def _device(body: dict[str, Any]) -> Device:
    return Device(body.pop("ip_address", None) or None, body.pop("user_agent", ""))


def _facts(found: Verified | Opened) -> Mapping[str, Any]:
    session = found.session
    return {
        "session_id": session.uid,
        "user_id": found.account.external_id,
        "expires_at": session.expires_at,
    }


@blp.post("/v1/client/login")
@door("service", limit=None)
@blp.arguments(SignInIn)
@blp.response(200, OpenedOut)
@blp.refuses({401: "client:invalid_credentials", 403: "client:disabled"})
def login(body):
    """Check a client's password and open a session for the client."""
    device = _device(body)
    with fields_called(external_id="user_id"):
        opened = client_sessions.sign_in(
            current_actor(), external_id=body.pop("user_id", None), device=device, **body
        )
    return {"client_token": opened.token, **_facts(opened)}


@blp.post("/v1/client/<string:user_id>/sessions")
@door("service")
@blp.arguments(DeviceIn)
@blp.response(201, OpenedOut)
@blp.refuses({403: ["client:vouched_sessions_disabled", "client:disabled"], 404: "client:not_found"})
def create(body, user_id: str):
    """Open a session for a client whom the integrator's application has signed in by its own means."""
    opened = client_sessions.vouch(current_actor(), external_id=id_of(user_id), device=_device(body))
    return {"client_token": opened.token, **_facts(opened)}


@blp.get("/v1/client/<string:user_id>/sessions")
@door("service")
@blp.response(200, SessionsOut)
@blp.refuses({404: "client:not_found"})
def list_(user_id: str):
    """List a client's live sessions, newest first."""
    return {"items": client_sessions.list_(current_actor(), external_id=id_of(user_id))}


@blp.post("/v1/client/session/verify")
@door("service")
@blp.arguments(ClientTokenIn)
@blp.response(200, VerifiedOut)
def verify(body):
    """Tell whether a client token is live and whose it is."""
    found = client_sessions.verify(current_actor(), token=body["client_token"])
    return {"active": False} if found is None else {"active": True, **_facts(found)}


@blp.post("/v1/client/logout")
@door("service")
@blp.arguments(ClientTokenIn)
@blp.response(204)
def logout(body):
    """End the session of a client token."""
    client_sessions.sign_out(current_actor(), token=body["client_token"])
    return nothing()


@blp.delete("/v1/client/<string:user_id>/sessions/<string:session_id>")
@door("service")
@blp.response(204)
@blp.refuses({404: ["client:not_found", "session:not_found"]})
def revoke(user_id: str, session_id: str):
    """End one session of a client by its id."""
    client_sessions.revoke(current_actor(), external_id=id_of(user_id), session_uid=id_of(session_id))
    return nothing()


@blp.delete("/v1/client/<string:user_id>/sessions")
@door("service")
@blp.response(200, RevokedOut)
@blp.refuses({404: "client:not_found"})
def revoke_all(user_id: str):
    """End every session of a client."""
    return {"revoked": client_sessions.revoke_all(current_actor(), external_id=id_of(user_id))}
