"""What the platform's admins see and decide."""

from typing import Any

import marshmallow as ma

from app.domains.auth import people
from app.domains.auth.people import PersonStatus
from app.domains.platform import overview
from app.domains.tenants import administration
from app.domains.tenants.models import TenantStatus
from app.surfaces.platform_api.dialect import ADMIN_ONLY, AdminWindowIn, blp, door, window_of
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.ids import Moment, PrefixedId, Word, ref_of
from app.surfaces.shared.openapi import Schema


class TenantsIn(AdminWindowIn):
    status = ma.fields.Enum(TenantStatus, by_value=True)
    search = Word(load_default="")


class PeopleIn(AdminWindowIn):
    email = Word(load_default="")
    status = ma.fields.Enum(PersonStatus, by_value=True)


class StatusIn(Schema):
    status = ma.fields.Enum(TenantStatus, by_value=True, required=True)
    reason = Word(most=administration.REASON_LENGTH)


class TenantRowOut(Schema):
    id = PrefixedId("ten", attribute="tenant.uid")
    name = ma.fields.String(attribute="tenant.name")
    slug = ma.fields.String(attribute="tenant.slug")
    status = ma.fields.String(attribute="tenant.status")
    subscription_plan = ma.fields.String(attribute="standing.plan.name")
    member_count = ma.fields.Integer()


class TenantStatusOut(TenantRowOut):
    reason = ma.fields.String(attribute="tenant.status_reason", allow_none=True)


class TenantsOut(Schema):
    items = ma.fields.List(ma.fields.Nested(TenantRowOut))
    total = ma.fields.Integer()


class PersonOut(Schema):
    id = PrefixedId("usr", attribute="user.uid")
    email = ma.fields.String(attribute="user.email")
    first_name = ma.fields.String(attribute="user.first_name")
    last_name = ma.fields.String(attribute="user.last_name")
    status = ma.fields.String()
    is_platform_admin = ma.fields.Boolean(attribute="user.is_platform_admin")
    email_verified = ma.fields.Boolean(attribute="user.email_verified")
    two_factor_enabled = ma.fields.Boolean(attribute="user.two_factor_enabled")
    tenant_count = ma.fields.Integer()
    last_login_at = Moment(allow_none=True)
    created_at = Moment(attribute="user.created_at")


class StatsOut(Schema):
    total_tenants = ma.fields.Integer()
    active_tenants = ma.fields.Integer()
    total_users = ma.fields.Integer()
    total_api_requests_24h = ma.fields.Integer()
    total_violations_24h = ma.fields.Integer()


class PeopleOut(Schema):
    items = ma.fields.List(ma.fields.Nested(PersonOut))
    total = ma.fields.Integer()


@blp.get("/admin/tenants")
@door("platform_admin")
@blp.refuses({403: ADMIN_ONLY})
@blp.arguments(TenantsIn, location="query")
@blp.response(200, TenantsOut)
def list_tenants(query: dict[str, Any]):
    """List all organizations of the instance."""
    return administration.all_tenants(
        current_actor(), window=window_of(query), status=query.get("status"), search=query["search"]
    )


@blp.put("/admin/tenants/<string:tenant_id>/status")
@door("platform_admin")
@blp.refuses({403: ADMIN_ONLY, 404: "tenant:not_found"})
@blp.arguments(StatusIn)
@blp.response(200, TenantStatusOut)
def set_tenant_status(body: dict[str, Any], tenant_id: str):
    """Suspend, activate or archive an organization."""
    return administration.set_status(current_actor(), tenant=ref_of(tenant_id, "ten"), **body)


@blp.get("/admin/users")
@door("platform_admin")
@blp.refuses({403: ADMIN_ONLY})
@blp.arguments(PeopleIn, location="query")
@blp.response(200, PeopleOut)
def list_users(query: dict[str, Any]):
    """List all persons of the instance."""
    return people.all_people(
        current_actor(), window=window_of(query), email=query["email"], status=query.get("status")
    )


@blp.get("/admin/stats")
@door("platform_admin")
@blp.refuses({403: ADMIN_ONLY})
@blp.response(200, StatsOut)
def stats():
    """Give the instance's figures."""
    return overview.stats(current_actor())
