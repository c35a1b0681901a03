"""The person who is signed in."""

import marshmallow as ma

from app.domains.accounts import policies
from app.domains.auth import passwords, person
from app.surfaces.services_v1.dialect import (
    Confirmed,
    Part,
    TenantOut,
    blp,
    done,
    door,
    shown,
    told,
)
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.ids import Moment, Secret, Word
from app.surfaces.shared.openapi import Schema
from app.surfaces.shared.problems import fields_called

_INTERACTIVE = "auth:interactive_session_required"


class PasswordIn(Confirmed):
    current_password = Secret(load_default=None)


class AcceptanceIn(Schema):
    type = Word(required=True, most=20, metadata={"enum": ["terms", "privacy", "cookies"]})
    version = Word(required=True, most=20)


class TwoFactorOut(Schema):
    enabled = ma.fields.Boolean(attribute="user.two_factor_enabled")
    enabled_at = Moment(attribute="user.two_factor_enabled_at", allow_none=True)
    pending = ma.fields.Constant(False)  # nobody can begin to set one up yet, nor have its recovery codes
    enforced = ma.fields.Boolean(attribute="two_factor_enforced")
    recovery_codes_remaining = ma.fields.Constant(0)


class OwnSessionOut(Schema):
    id = ma.fields.Integer(attribute="session.id")
    kind = ma.fields.String(attribute="session.kind")
    factors = ma.fields.Function(
        lambda who: None if who.session.kind == "api_token" else who.session.factors,
        metadata={"type": ["integer", "null"]},
    )
    verified_until = Moment(allow_none=True)


class AgreementOut(Schema):
    type = ma.fields.String(attribute="policy.type")
    current_version = ma.fields.String(attribute="policy.version")
    accepted_version = ma.fields.String(allow_none=True)
    accepted_at = Moment(allow_none=True)
    must_accept = ma.fields.Boolean()


class OwnTenantOut(TenantOut):
    id = ma.fields.Integer(attribute="tenant.id")
    name = ma.fields.String(attribute="tenant.name")
    slug = ma.fields.String(attribute="tenant.slug")
    role = ma.fields.String()


class PreferencesOut(Schema):
    editor_mode = ma.fields.String(attribute="screen.editor_mode")
    editor_settings = ma.fields.Dict()
    sidebar_layout_mode = ma.fields.String(attribute="screen.sidebar_layout")
    dismissed_teasers = ma.fields.List(ma.fields.String(), attribute="screen.dismissed")


class PersonOut(Schema):
    id = ma.fields.Integer(attribute="user.id")
    uid = ma.fields.UUID(attribute="user.uid")
    email = ma.fields.String(attribute="user.email")
    email_verified_at = Moment(attribute="user.email_verified_at", allow_none=True)
    pending_email = ma.fields.Constant(None)  # an address cannot be changed yet
    handle = ma.fields.String(attribute="user.handle", allow_none=True)
    first_name = ma.fields.String(attribute="user.first_name")
    last_name = ma.fields.String(attribute="user.last_name")
    phone = ma.fields.String(attribute="user.phone", allow_none=True)
    avatar_url = ma.fields.String(attribute="user.avatar_url", allow_none=True)
    language = ma.fields.String()
    timezone = ma.fields.String()
    has_password = ma.fields.Boolean(attribute="user.has_password")
    is_platform_admin = ma.fields.Boolean(attribute="user.is_platform_admin")
    is_support_staff = ma.fields.Boolean()
    two_factor = Part(TwoFactorOut)
    session = Part(OwnSessionOut)
    policies = ma.fields.List(ma.fields.Nested(AgreementOut), attribute="agreements")
    selected_project_id = ma.fields.Constant(None)  # nobody can have a project yet
    tenants = ma.fields.List(ma.fields.Nested(OwnTenantOut), attribute="memberships")
    preferences = Part(PreferencesOut)
    unread_notifications = ma.fields.Constant(0)  # no notice is kept yet
    created_at = Moment(attribute="user.created_at")
    updated_at = Moment(attribute="user.updated_at")


class PasswordSetOut(Schema):
    password_changed_at = Moment(attribute="changed_at")
    sessions_revoked = ma.fields.Integer(attribute="ended.sign_ins")


class AcceptedOut(Schema):
    type = ma.fields.String(attribute="policy.type")
    version = ma.fields.String(attribute="accepted_version")
    accepted_at = Moment()
    must_accept = ma.fields.Boolean()


@blp.get("/services/platforms/v1/user/get")
@door("user")
@blp.response(200, shown(PersonOut))
def get():
    """Give the signed-in person with all that the front end needs at its start."""
    return {"data": person.myself(current_actor())}


@blp.post("/services/platforms/v1/user/update-password")
@door("user", limit=None)
@blp.refuses({403: ["auth:step_up_required", _INTERACTIVE], 422: "auth:current_password_wrong"})
@blp.arguments(PasswordIn)
@blp.response(200, told(PasswordSetOut))
def update_password(body):
    """Change the caller's password and sign out their other devices."""
    with fields_called(new_password="password"):
        changed = passwords.change(
            current_actor(), current_password=body["current_password"], new_password=body["password"]
        )
    return done(changed, "Your password is changed.")


@blp.post("/services/platforms/v1/user/policy-acceptance")
@door("user")
@blp.refuses({403: _INTERACTIVE, 404: "policy:not_found", 409: "policy:version_outdated"})
@blp.arguments(AcceptanceIn)
@blp.response(200, told(AcceptedOut))
def policy_acceptance(body):
    """Record that the caller accepts the version of a policy now in force."""
    return done(policies.accept(current_actor(), **body), "Thank you, your acceptance is recorded.")
