"""Founding an organization, seeing one's own, and what anybody may ask of a slug."""

from typing import Any

import marshmallow as ma

from app.core.buckets import SLUG_CHECKS
from app.domains.auth import founding
from app.domains.auth.founding import Founded
from app.domains.auth.newcomers import Newcomer
from app.domains.billing.models import SubscriptionStatus
from app.domains.tenants import queries
from app.domains.tenants.models import Tenant
from app.domains.tenants.queries import SignInPage, TenantSheet
from app.surfaces.api_v1.dialect import blp, door, envelope, ok
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.ids import Moment, Secret, Word
from app.surfaces.shared.openapi import Schema
from app.surfaces.shared.problems import fields_called

_STATUS_WORDS = {SubscriptionStatus.CANCELLED: "canceled", SubscriptionStatus.EXPIRED: "none"}


class RegisterIn(Schema):
    """The organization and its first admin."""

    company_name = Word(data_key="companyName", required=True)
    slug = Word(required=True)
    admin_email = Word(data_key="adminEmail", most=320, required=True)
    admin_password = Secret(data_key="adminPassword", required=True)
    admin_first_name = Word(data_key="adminFirstName", least=1, most=100, required=True)
    admin_last_name = Word(data_key="adminLastName", least=1, most=100, required=True)


class TenantOut(Schema):
    """A new organization."""

    id = ma.fields.UUID(attribute="uid")
    slug = ma.fields.String()
    name = ma.fields.String()
    status = ma.fields.String()
    created_at = Moment(data_key="createdAt")


class AdminOut(Schema):
    """Its first admin, as named in the call."""

    email = ma.fields.String()
    first_name = ma.fields.String(data_key="firstName")
    last_name = ma.fields.String(data_key="lastName")
    role = ma.fields.String(dump_default="tenant_admin")
    is_owner = ma.fields.Boolean(data_key="isOwner", dump_default=True)


class TrialOut(Schema):
    """The plan it begins with."""

    plan_id = ma.fields.String(data_key="planId")
    ends_at = Moment(data_key="endsAt", allow_none=True)


class FoundedOut(Schema):
    """What was founded; whether the admin's address was known is told to its mailbox alone."""

    tenant = ma.fields.Nested(TenantOut)
    admin = ma.fields.Nested(AdminOut)
    trial = ma.fields.Nested(TrialOut)
    verification_sent = ma.fields.Boolean(data_key="verificationSent")


class OwnerOut(Schema):
    """Who owns it."""

    user_id = ma.fields.Integer(data_key="userId")
    name = ma.fields.String()
    email = ma.fields.String()


class SubscriptionOut(Schema):
    """The plan in force."""

    plan_id = ma.fields.String(data_key="planId")
    plan_name = ma.fields.String(data_key="planName")
    status = ma.fields.String()
    ends_at = Moment(data_key="endsAt", allow_none=True)


class MyTenantOut(Schema):
    """The organization that the token is for."""

    id = ma.fields.UUID()
    slug = ma.fields.String()
    name = ma.fields.String()
    status = ma.fields.String()
    billing_email = ma.fields.String(data_key="billingEmail", allow_none=True)
    logo_url = ma.fields.String(data_key="logoUrl", allow_none=True)
    timezone = ma.fields.String()
    locale = ma.fields.String()
    environment = ma.fields.String()
    owner = ma.fields.Nested(OwnerOut, allow_none=True)
    member_count = ma.fields.Integer(data_key="memberCount")
    subscription = ma.fields.Nested(SubscriptionOut)
    setup_completed = ma.fields.Boolean(data_key="setupCompleted")
    created_at = Moment(data_key="createdAt")


class SignInPageOut(Schema):
    """What a sign-in page needs to look like the organization."""

    slug = ma.fields.String()
    name = ma.fields.String()
    logo_url = ma.fields.String(data_key="logoUrl", allow_none=True)
    favicon_url = ma.fields.String(data_key="faviconUrl", allow_none=True)
    primary_color = ma.fields.String(data_key="primaryColor")
    accent_color = ma.fields.String(data_key="accentColor")
    login_message = ma.fields.String(data_key="loginMessage", allow_none=True)
    support_email = ma.fields.String(data_key="supportEmail", allow_none=True)
    locale = ma.fields.String()
    password_login = ma.fields.Boolean(data_key="passwordLogin")
    social_login = ma.fields.List(ma.fields.String(), data_key="socialLogin")
    login_enabled = ma.fields.Boolean(data_key="loginEnabled")


class SlugOut(Schema):
    """Whether a slug can be had now, and if not, why and what else could be."""

    slug = ma.fields.String()
    available = ma.fields.Boolean()
    reason = ma.fields.String(allow_none=True)
    suggestions = ma.fields.List(ma.fields.String())


def _founded(founded: Founded) -> dict[str, Any]:
    subscription = founded.subscription
    trial = {
        "plan_id": subscription.plan_code if subscription else "dev",
        "ends_at": subscription.trial_ends_at if subscription else None,
    }
    return {"tenant": founded.tenant, "admin": founded.newcomer, "trial": trial, "verification_sent": True}


def _sheet(sheet: TenantSheet) -> dict[str, Any]:
    tenant, standing, owner = sheet.tenant, sheet.standing, sheet.owner
    return {
        **_brief(tenant),
        "id": tenant.uid,
        "status": tenant.status,
        "billing_email": tenant.billing_email,
        "logo_url": sheet.logo_url,
        "timezone": sheet.timezone,
        "locale": sheet.locale,
        "environment": current_actor().environment,
        "owner": owner and {"user_id": owner.id, "name": owner.user.name, "email": owner.user.email},
        "member_count": sheet.member_count,
        "subscription": {
            "plan_id": standing.plan.code,
            "plan_name": standing.plan.name,
            "status": _STATUS_WORDS.get(standing.status, standing.status),
            "ends_at": standing.ends_at,
        },
        "setup_completed": tenant.setup_completed_at is not None,
        "created_at": tenant.created_at,
    }


def _sign_in_page(page: SignInPage) -> dict[str, Any]:
    look = page.look
    return {
        **_brief(page.tenant),
        "logo_url": look["branding.logo_url"],
        "favicon_url": look["branding.favicon_url"],
        "primary_color": look["branding.primary_color"],
        "accent_color": look["branding.accent_color"],
        "login_message": look["branding.login_message"],
        "support_email": look["general.support_email"],
        "locale": look["localization.locale"],
        "password_login": True,
        "social_login": page.providers,
        "login_enabled": page.tenant.is_active,
    }


def _brief(tenant: Tenant) -> dict[str, Any]:
    return {"slug": tenant.slug, "name": tenant.name}


@blp.post("/tenants/register")
@door("public", limit=None)
@blp.arguments(RegisterIn)
@blp.response(201, envelope(FoundedOut))
@blp.refuses({403: ("auth:registration_closed", "tenant:self_service_off"), 409: ("tenant:slug_taken",)})
def register(body):
    """Found an organization with its first admin, who is its owner."""
    company_name, slug = body.pop("company_name"), body.pop("slug")
    admin = Newcomer(**{name.removeprefix("admin_"): value for name, value in body.items()})
    with fields_called(**{name.removeprefix("admin_"): name for name in body}):
        founded = founding.register_tenant(current_actor(), company_name=company_name, slug=slug, admin=admin)
    return ok(_founded(founded)), 201


@blp.get("/tenants/me")
@door("tenant")
@blp.response(200, envelope(MyTenantOut))
def me():
    """Tell of the organization that the token is for."""
    return ok(_sheet(queries.sheet(current_actor())))


@blp.get("/tenants/by-slug/<string:slug>")
@door("public", limit=SLUG_CHECKS)
@blp.response(200, envelope(SignInPageOut))
@blp.refuses({404: ("tenant:not_found",)})
def by_slug(slug):
    """Give what a sign-in page needs to look like the organization."""
    return ok(_sign_in_page(queries.sign_in_page(current_actor(), slug=slug)))


@blp.get("/tenants/check-slug/<string:slug>")
@door("public", limit=SLUG_CHECKS)
@blp.response(200, envelope(SlugOut))
def check_slug(slug):
    """Say whether a slug can still be had; it is promised to nobody before the registration."""
    return ok(queries.slug_availability(current_actor(), slug=slug))
