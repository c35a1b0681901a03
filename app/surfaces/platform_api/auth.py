"""Signing up, in and out; passwords; from a person's token to an organization's and its environments."""

from typing import Any

import marshmallow as ma

from app.core.environments import Environment
from app.core.permissions import Permission
from app.domains.accounts import queries as accounts
from app.domains.auth import passwords, person_sign_in, registration, selection, sign_in
from app.domains.auth.newcomers import Newcomer
from app.domains.sessions import operations as sessions
from app.surfaces.platform_api.dialect import GLOBAL_ONLY, SCOPED_ONLY, MessageOut, blp, door
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.ids import Moment, PrefixedId, RefField, Secret, Word
from app.surfaces.shared.openapi import Schema
from app.surfaces.shared.problems import fields_called

ADDRESS_LENGTH = 254


NOT_ADMITTED = (
    "auth:permission_denied",
    "auth:method_not_allowed",
    "auth:email_unverified",
    "auth:address_not_allowed",
    "two_factor:setup_required",
    "two_factor:session_too_weak",
    "tenant:suspended",
    "tenant:archived",
)
"""What an organization refuses one of its people with, for now."""


class Seconds(ma.fields.Integer):
    """A length of time in whole seconds."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> int:
        return int(value.total_seconds())


class EmailIn(Schema):
    email = Word(required=True, most=ADDRESS_LENGTH)


class RegisterIn(EmailIn):
    password = Secret(required=True)
    first_name = Word(required=True)
    last_name = Word(required=True)


class LoginIn(EmailIn):
    password = Secret(required=True)
    two_factor_code = Word(most=40)


class CodeIn(EmailIn):
    code = ma.fields.String(required=True, validate=ma.validate.Regexp(r"^[0-9]{6}\Z", error="Six digits."))
    two_factor_code = Word(most=40)


class RefreshIn(Schema):
    refresh_token = Secret(required=True)


class SelectTenantIn(Schema):
    tenant_id = RefField("ten", required=True)
    environment = ma.fields.Enum(Environment, by_value=True, load_default=Environment.PROD)


class ResetPasswordIn(Schema):
    token = Secret(required=True)
    new_password = Secret(required=True)


class ChangePasswordIn(Schema):
    current_password = Secret(required=True)
    new_password = Secret(required=True)


class EnvironmentIn(Schema):
    environment = ma.fields.Enum(Environment, by_value=True, required=True)


class RegisteredOut(Schema):
    id = PrefixedId("usr", attribute="uid")
    email = ma.fields.String()
    first_name = ma.fields.String()
    last_name = ma.fields.String()
    created_at = Moment()


class AccessOut(Schema):
    access_token = ma.fields.String()
    token_type = ma.fields.Constant("bearer", metadata={"type": "string"})


class TokensOut(Schema):
    access_token = ma.fields.String()
    refresh_token = ma.fields.String()
    token_type = ma.fields.Constant("bearer", metadata={"type": "string"})
    expires_in = Seconds()


class ScopedOut(AccessOut):
    tenant_id = PrefixedId("ten", attribute="membership.tenant.uid")
    role = ma.fields.String(attribute="membership.role")
    environment = ma.fields.Enum(Environment, by_value=True)


class SwitchedOut(Schema):
    access_token = ma.fields.String()
    environment = ma.fields.Enum(Environment, by_value=True)


class MeOut(Schema):
    id = PrefixedId("usr", attribute="uid")
    email = ma.fields.String()
    first_name = ma.fields.String()
    last_name = ma.fields.String()
    email_verified = ma.fields.Boolean()
    two_factor_enabled = ma.fields.Boolean()
    is_platform_admin = ma.fields.Boolean()
    created_at = Moment()


@blp.post("/global/auth/register")
@door("public", limit=None)
@blp.refuses({400: "user:email_taken", 403: "auth:registration_closed"})
@blp.arguments(RegisterIn)
@blp.response(201, RegisteredOut)
def register(body: dict[str, Any]):
    """Open an account for a person; sign nobody in."""
    return registration.register(current_actor(), newcomer=Newcomer(**body))


@blp.post("/global/auth/login")
@door("public", limit=None)
@blp.refuses(
    {
        401: ["auth:invalid_credentials", "auth:two_factor_required", "two_factor:code_invalid"],
        403: ["auth:account_disabled", "auth:email_unverified"],
    }
)
@blp.arguments(LoginIn)
@blp.response(200, TokensOut)
def login(body: dict[str, Any]):
    """Check e-mail and password; give a global JWT and a refresh token."""
    return person_sign_in.sign_in_by_password(current_actor(), **body)


@blp.post("/global/auth/otp/request")
@door("public", limit=None)
@blp.refuses({403: "auth:method_not_allowed"})
@blp.arguments(EmailIn)
@blp.response(200, MessageOut)
def otp_request(body: dict[str, Any]):
    """Mail a sign-in code to a known address."""
    sign_in.request_code(current_actor(), email=body["email"])
    return {"message": "OTP sent to your email"}


@blp.post("/global/auth/otp/verify")
@door("public", limit=None)
@blp.refuses(
    {
        401: ["auth:otp_invalid", "auth:two_factor_required", "two_factor:code_invalid"],
        403: ["auth:account_disabled", "auth:method_not_allowed"],
    }
)
@blp.arguments(CodeIn)
@blp.response(200, AccessOut)
def otp_verify(body: dict[str, Any]):
    """Turn a mailed code into a global JWT."""
    return person_sign_in.sign_in_by_code(current_actor(), **body)


@blp.post("/global/auth/refresh")
@door("public", limit=None)
@blp.refuses({401: ["auth:refresh_token_invalid", "auth:refresh_token_reused"]})
@blp.arguments(RefreshIn)
@blp.response(200, TokensOut)
def refresh(body: dict[str, Any]):
    """Give a new global JWT and refresh token for a refresh token, which is used up."""
    return person_sign_in.refresh(current_actor(), refresh_token=body["refresh_token"])


@blp.post("/global/auth/select-tenant")
@door("global")
@blp.refuses(
    {
        401: "auth:session_too_old",
        403: [*GLOBAL_ONLY, *NOT_ADMITTED],
        404: "tenant:not_found",
    }
)
@blp.arguments(SelectTenantIn)
@blp.response(200, ScopedOut)
def select_tenant(body: dict[str, Any]):
    """Exchange the global JWT for one that works inside one of the person's organizations."""
    return selection.select_tenant(current_actor(), tenant=body["tenant_id"], environment=body["environment"])


@blp.post("/global/auth/forgot-password")
@door("public", limit=None)
@blp.arguments(EmailIn)
@blp.response(200, MessageOut)
def forgot_password(body: dict[str, Any]):
    """Mail a link for a new password to a known address."""
    passwords.forgot(current_actor(), email=body["email"])
    return {"message": "If that email exists, a reset link has been sent"}


@blp.post("/global/auth/reset-password")
@door("public", limit=None)
@blp.refuses({400: "auth:reset_token_invalid"})
@blp.arguments(ResetPasswordIn)
@blp.response(200, MessageOut)
def reset_password(body: dict[str, Any]):
    """Set a new password with the mailed token and end the person's sign-ins."""
    with fields_called(password="new_password"):
        passwords.reset(current_actor(), token=body["token"], password=body["new_password"])
    return {"message": "Password updated successfully"}


@blp.put("/global/auth/password")
@door("either", limit=None)
@blp.refuses({400: ["auth:current_password_wrong", "auth:password_not_set"]})
@blp.arguments(ChangePasswordIn)
@blp.response(200, MessageOut)
def change_password(body: dict[str, Any]):
    """Change the caller's password and sign out their other devices."""
    passwords.change(current_actor(), demand_set=True, **body)
    return {"message": "Password updated successfully"}


@blp.get("/global/auth/me")
@door("either")
@blp.response(200, MeOut)
def me():
    """Show the person behind the token."""
    return accounts.me(current_actor())


@blp.post("/global/auth/logout")
@door("either", way_out=True)
@blp.response(200, MessageOut)
def logout():
    """End the session that the token belongs to, with all its tokens."""
    sessions.sign_out(current_actor())
    return {"message": "Signed out"}


@blp.post("/service/auth/switch-environment")
@door("scoped", access=Permission.ENVIRONMENTS_SWITCH)
@blp.refuses({403: [*SCOPED_ONLY, "auth:permission_denied"]})
@blp.arguments(EnvironmentIn)
@blp.response(200, SwitchedOut)
def switch_environment(body: dict[str, Any]):
    """Give a scoped JWT for another environment of the same organization."""
    return selection.switch_environment(current_actor(), environment=body["environment"])
