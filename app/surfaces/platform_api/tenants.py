"""Organizations: opening one, and those of a person."""

from typing import Any

import marshmallow as ma

from app.core.buckets import SLUG_CHECKS
from app.domains.tenants import operations, queries
from app.surfaces.platform_api.dialect import GLOBAL_ONLY, WindowIn, blp, counted, door, window_of
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.ids import Moment, PrefixedId, Word
from app.surfaces.shared.openapi import Schema


class TenantIn(Schema):
    name = Word(required=True)
    slug = Word(required=True)
    billing_email = Word(most=254)


class TenantOut(Schema):
    id = PrefixedId("ten", attribute="uid")
    name = ma.fields.String()
    slug = ma.fields.String()
    status = ma.fields.String()
    billing_email = ma.fields.String()
    created_at = Moment()


class MembershipOut(Schema):
    id = PrefixedId("ten", attribute="tenant.uid")
    name = ma.fields.String(attribute="tenant.name")
    slug = ma.fields.String(attribute="tenant.slug")
    role = ma.fields.String()
    status = ma.fields.String(attribute="tenant.status")


class SlugIn(Schema):
    slug = ma.fields.String(required=True)


class SlugOut(Schema):
    slug = ma.fields.String()
    available = ma.fields.Boolean()


@blp.post("/global/tenants")
@door("global", limit=None)
@blp.refuses(
    {400: "tenant:limit_reached", 403: [*GLOBAL_ONLY, "tenant:self_service_off"], 409: "tenant:slug_taken"}
)
@blp.arguments(TenantIn)
@blp.response(201, TenantOut)
def create(body: dict[str, Any]):
    """Open an organization with the caller as its owner."""
    return operations.create(current_actor(), **body)


@blp.get("/global/tenants")
@door("global")
@blp.refuses({403: GLOBAL_ONLY})
@blp.arguments(WindowIn, location="query")
@blp.response(
    200,
    MembershipOut(many=True),
    headers={"X-Total-Count": {"description": "How many there are", "schema": {"type": "integer"}}},
)
def list(query: dict[str, Any]):  # noqa: A001 - as the contract names it
    """List the organizations the caller belongs to, with the caller's role in each."""
    return counted(queries.mine(current_actor(), window=window_of(query)))


@blp.get("/global/tenants/check-availability")
@door("public", limit=SLUG_CHECKS)
@blp.arguments(SlugIn, location="query")
@blp.response(200, SlugOut)
def check_availability(query: dict[str, Any]):
    """Tell whether a slug can still be had."""
    return queries.slug_availability(current_actor(), slug=query["slug"])
