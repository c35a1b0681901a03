"""Where a person is signed in, and ending it."""

import marshmallow as ma

from app.core import clock
from app.core.paging import Window
from app.domains.auth import sign_out
from app.domains.sessions import operations, queries
from app.surfaces.services_v1.dialect import (
    PageQuery,
    TenantOut,
    blp,
    done,
    door,
    listed,
    paged,
    told,
)
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.cookies import forgotten_cookie
from app.surfaces.shared.ids import Moment, RefField
from app.surfaces.shared.openapi import Schema

_INTERACTIVE = "auth:interactive_session_required"


class SessionsQuery(PageQuery):
    kind = ma.fields.String(load_default=None, validate=ma.validate.OneOf(("browser", "app", "api_token")))


class SessionIn(Schema):
    session_id = RefField("ses", required=True)


class SessionOut(Schema):
    id = ma.fields.Integer(attribute="session.id")
    kind = ma.fields.String(attribute="session.kind")
    name = ma.fields.String(attribute="session.name")
    current = ma.fields.Boolean()
    dialect = ma.fields.String(attribute="session.dialect")
    factors = ma.fields.Function(
        lambda row: None if row.session.kind == "api_token" else row.session.factors,
        metadata={"type": ["integer", "null"]},
    )
    ip = ma.fields.String(attribute="session.ip", allow_none=True)
    country = ma.fields.String(attribute="session.country", allow_none=True)
    user_agent = ma.fields.String(attribute="session.user_agent")
    tenant = ma.fields.Nested(TenantOut, allow_none=True)
    environment = ma.fields.String(attribute="session.environment", allow_none=True)
    created_at = Moment(attribute="session.created_at")
    last_used_at = Moment(attribute="session.last_used_at")
    expires_at = Moment(attribute="session.expires_at")


class EndedOut(Schema):
    id = ma.fields.Integer()
    kind = ma.fields.String()
    current = ma.fields.Boolean()
    revoked_at = Moment()


class KindsOut(Schema):
    browser = ma.fields.Integer()
    app = ma.fields.Integer()
    api_token = ma.fields.Integer()


class AllEndedOut(Schema):
    revoked = ma.fields.Integer()
    by_kind = ma.fields.Nested(KindsOut)
    revoked_at = Moment()


@blp.get("/services/platforms/v1/active-sessions/list")
@door("user")
@blp.arguments(SessionsQuery, location="query")
@blp.response(200, listed(SessionOut))
def list_(query):
    """Show everything by which the caller is signed in now."""
    window = Window.page(query["page"], query["per_page"])
    return paged(queries.active(current_actor(), window=window, kind=query["kind"]))


@blp.post("/services/platforms/v1/active-sessions/revoke")
@door("user", interactive=True, way_out=True)
@blp.refuses({403: _INTERACTIVE, 404: "session:not_found"})
@blp.arguments(SessionIn)
@blp.response(200, told(EndedOut))
def revoke(body):
    """End one of the caller's sessions, of any kind."""
    actor = current_actor()
    ended = operations.revoke(actor, session=body["session_id"])
    current = ended.id == actor.session_id
    told_of = {"id": ended.id, "kind": ended.kind, "current": current, "revoked_at": ended.revoked_at}
    return done(told_of, "Session ended."), 200, forgotten_cookie() if current else {}


@blp.post("/services/platforms/v1/active-sessions/revoke-all")
@door("user", interactive=True, way_out=True)
@blp.refuses({403: _INTERACTIVE})
@blp.response(200, told(AllEndedOut))
def revoke_all():
    """Sign the caller out everywhere and end all their API tokens."""
    ended = sign_out.everywhere(current_actor(), tokens_too=True)
    told_of = {"revoked": ended.total, "by_kind": ended, "revoked_at": clock.now()}
    message = "You are signed out on all devices and your API tokens are revoked."
    return done(told_of, message), 200, forgotten_cookie()
