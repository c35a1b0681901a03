"""Tokens with which a person's programs call."""

import marshmallow as ma

from app.core.buckets import API_TOKEN_CREATIONS
from app.core.environments import Environment
from app.core.paging import Window
from app.domains.sessions import api_token_queries, api_tokens
from app.surfaces.services_v1.dialect import Line, PageQuery, TenantOut, blp, done, door, listed, paged, told
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.ids import Moment, RefField
from app.surfaces.shared.openapi import Schema

_INTERACTIVE = "auth:interactive_session_required"


def _environment(**options):
    return ma.fields.Enum(Environment, by_value=True, **options)


class ApiTokenIn(Schema):
    name = Line(required=True, least=1, most=api_tokens.NAME_LENGTH)
    scopes = ma.fields.List(
        ma.fields.String(validate=ma.validate.OneOf(api_tokens.SCOPES)),
        required=True,
        validate=ma.validate.Length(1, len(api_tokens.SCOPES)),
    )
    tenant_id = RefField("ten", data_key="tenant_id", attribute="tenant", load_default=None)
    environment = _environment(load_default=Environment.PROD)
    expires_in_days = ma.fields.Integer(
        strict=True, load_default=api_tokens.DAYS, validate=ma.validate.Range(1, api_tokens.LONGEST_DAYS)
    )


class ApiTokensQuery(PageQuery):
    tenant_id = RefField("ten", data_key="tenant_id", attribute="tenant", load_default=None)
    environment = _environment(load_default=None)
    include_expired = ma.fields.Boolean(attribute="with_expired", load_default=False)


class ApiTokenRefIn(Schema):
    token_id = RefField("ses", required=True)


class ApiTokenOut(Schema):
    id = ma.fields.Integer(attribute="session.id")
    uid = ma.fields.UUID(attribute="session.uid")
    name = ma.fields.String(attribute="session.name")
    prefix = ma.fields.String(attribute="session.prefix")
    scopes = ma.fields.List(ma.fields.String(), attribute="session.scopes")
    tenant = ma.fields.Nested(TenantOut)
    environment = ma.fields.String(attribute="session.environment")
    created_at = Moment(attribute="session.created_at")
    last_used_at = Moment(attribute="session.used_at", allow_none=True)
    expires_at = Moment(attribute="session.expires_at")


class MadeApiTokenOut(ApiTokenOut):
    token = ma.fields.String(attribute="value")


class OwnApiTokenOut(ApiTokenOut):
    last_used_ip = ma.fields.String(attribute="session.ip", allow_none=True)
    expired = ma.fields.Boolean()


class RevokedApiTokenOut(Schema):
    id = ma.fields.Integer()
    revoked_at = Moment()


@blp.post("/services/platforms/v1/api-tokens/create")
@door("user", limit=API_TOKEN_CREATIONS, interactive=True)
@blp.refuses(
    {
        402: "plan:api_token_limit",
        403: [
            "auth:step_up_required",
            _INTERACTIVE,
            "auth:email_unverified",
            "auth:scope_not_allowed",
            "auth:permission_denied",
        ],
        404: "tenant:not_found",
        409: "api_token:name_taken",
    }
)
@blp.arguments(ApiTokenIn)
@blp.response(201, told(MadeApiTokenOut))
def create(body):
    """Make an API token and show its value this once."""
    made = api_tokens.create(current_actor(), **body)
    return done(made, "API token created. Copy it now, it is not shown again.")


@blp.get("/services/platforms/v1/api-tokens/list")
@door("user")
@blp.arguments(ApiTokensQuery, location="query")
@blp.response(200, listed(OwnApiTokenOut))
def list_(query):
    """List the caller's own live API tokens, never their values."""
    window = Window.page(query.pop("page"), query.pop("per_page"))
    return paged(api_token_queries.mine(current_actor(), window=window, **query))


@blp.post("/services/platforms/v1/api-tokens/revoke")
@door("user", interactive=True)
@blp.refuses({403: _INTERACTIVE, 404: "api_token:not_found"})
@blp.arguments(ApiTokenRefIn)
@blp.response(200, told(RevokedApiTokenOut))
def revoke(body):
    """End one of the caller's API tokens at once."""
    ended = api_tokens.revoke(current_actor(), token=body["token_id"])
    return done(ended, "API token revoked.")
