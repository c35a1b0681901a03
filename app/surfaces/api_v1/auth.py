"""Signing in to one organization, staying in and getting out; passwords and proof of the address."""

from typing import Any

import marshmallow as ma

from app.domains.accounts import preferences
from app.domains.auth import passwords, sign_out, tenant_sign_in, verification
from app.domains.auth.tenant_sign_in import TenantSignIn, TenantTokens
from app.domains.sessions import operations as sessions
from app.domains.sessions import queries as session_queries
from app.domains.tenants import own_profile
from app.domains.tenants import queries as tenants
from app.surfaces.api_v1 import person
from app.surfaces.api_v1.dialect import blp, envelope, ok, own_door
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.ids import Secret, Word
from app.surfaces.shared.openapi import Schema
from app.surfaces.shared.transaction import writes

FORGOT_SAID = "If this address is known here, a link is on its way."
RESET_SAID = "Your password is changed. Sign in with it."

_PICTURE_REFUSED = {
    400: ["image:undecodable", "image:bad_dimensions"],
    413: "image:too_large",
    415: "image:unsupported_type",
}


class LoginIn(Schema):
    """Who signs in, and to which organization."""

    email = Word(most=320, required=True)
    password = Secret(required=True)
    tenant_slug = Word(data_key="tenantSlug", required=True)
    two_factor_code = Word(data_key="twoFactorCode", most=40, load_default=None)


class TokensOut(Schema):
    """What a client keeps: a short access token, and a refresh token good for one use."""

    access_token = ma.fields.String(data_key="accessToken")
    refresh_token = ma.fields.String(data_key="refreshToken")
    token_type = ma.fields.String(data_key="tokenType")
    expires_in = ma.fields.Integer(data_key="expiresIn")
    refresh_expires_in = ma.fields.Integer(data_key="refreshExpiresIn")


class SignedInOut(TokensOut):
    """Tokens, with who they are for and where."""

    user = ma.fields.Nested(person.AuthUserOut)
    tenant = ma.fields.Nested(person.TenantBriefOut)


class RefreshIn(Schema):
    """A refresh token."""

    refresh_token = Secret(data_key="refreshToken", required=True)


class LogoutIn(Schema):
    """A refresh token of another sign-in that is to end too."""

    refresh_token = Secret(data_key="refreshToken", load_default=None)


class LoggedOutOut(Schema):
    """That the sign-in is over."""

    logged_out = ma.fields.Boolean(data_key="loggedOut")


class SessionsRevokedOut(Schema):
    """How many sign-ins are over."""

    sessions_revoked = ma.fields.Integer(data_key="sessionsRevoked")


class ForgotIn(Schema):
    """Whose password, and from which organization's page."""

    email = Word(most=320, required=True)
    tenant_slug = Word(data_key="tenantSlug", required=True)


class SaidOut(Schema):
    """A sentence for the person."""

    message = ma.fields.String()


class ResetIn(Schema):
    """The token from the mail and the new password."""

    token = Secret(required=True)
    password = Secret(required=True)


class ResetOut(SaidOut):
    """What ended with the old password, and where to sign in."""

    sessions_revoked = ma.fields.Integer(data_key="sessionsRevoked")
    tenant_slug = ma.fields.String(data_key="tenantSlug", allow_none=True)


class ChangeIn(Schema):
    """The password of now and the one to come."""

    current_password = Secret(data_key="currentPassword", required=True)
    new_password = Secret(data_key="newPassword", required=True)


class ChangedOut(Schema):
    """That it is changed, and how many other sign-ins ended."""

    changed = ma.fields.Boolean()
    other_sessions_revoked = ma.fields.Integer(data_key="otherSessionsRevoked")


class VerifiedOut(Schema):
    """An address that its mailbox has confirmed."""

    verified = ma.fields.Boolean()
    already_verified = ma.fields.Boolean(data_key="alreadyVerified")
    email = ma.fields.String()
    tenant_slug = ma.fields.String(data_key="tenantSlug", allow_none=True)


def _tokens(tokens: TenantTokens) -> dict[str, Any]:
    return {
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "token_type": "Bearer",
        "expires_in": tokens.expires_in.total_seconds(),
        "refresh_expires_in": tokens.refresh_expires_in.total_seconds(),
    }


def _signed_in(signed_in: TenantSignIn) -> dict[str, Any]:
    tenant = signed_in.tenant
    brief = {"id": tenant.uid, "slug": tenant.slug, "name": tenant.name}
    return {**_tokens(signed_in.tokens), "user": person.signed_in(signed_in), "tenant": brief}


@blp.post("/auth/login")
@own_door("public", limit=None)
@blp.arguments(LoginIn)
@blp.response(200, envelope(SignedInOut))
@blp.refuses(
    {
        401: ("auth:invalid_credentials", "auth:two_factor_required", "two_factor:code_invalid"),
        403: (
            "auth:account_disabled",
            "auth:membership_inactive",
            "auth:email_unverified",
            "auth:address_not_allowed",
            "two_factor:setup_required",
            "tenant:suspended",
            "tenant:archived",
        ),
    }
)
def login(body):
    """Sign a person in to one organization and open a refresh-token family."""
    return ok(_signed_in(tenant_sign_in.sign_in_to_tenant(current_actor(), **body)))


@blp.post("/auth/refresh")
@own_door("public", limit=None)
@blp.arguments(RefreshIn)
@blp.response(200, envelope(TokensOut))
@blp.refuses(
    {
        401: ("auth:refresh_token_invalid", "auth:refresh_token_reused"),
        403: (
            "auth:address_not_allowed",
            "two_factor:setup_required",
            "two_factor:session_too_weak",
            "tenant:suspended",
            "tenant:archived",
        ),
    }
)
def refresh(body):
    """Swap a refresh token for a new pair; the old one is spent."""
    return ok(_tokens(tenant_sign_in.refresh_in_tenant(current_actor(), **body)))


@blp.post("/auth/logout")
@own_door("tenant", way_out=True)
@blp.arguments(LogoutIn, required=False)
@blp.response(200, envelope(LoggedOutOut))
def logout(body):
    """End the sign-in that the access token belongs to."""
    sessions.sign_out(current_actor(), also=body["refresh_token"])
    return ok({"logged_out": True})


@blp.post("/auth/logout-all")
@own_door("tenant", way_out=True)
@blp.response(200, envelope(SessionsRevokedOut))
def logout_all():
    """End every sign-in of the person, this one included; API tokens stay."""
    return ok({"sessions_revoked": sign_out.everywhere(current_actor()).sign_ins})


@blp.post("/auth/password/forgot")
@own_door("public", limit=None)
@blp.arguments(ForgotIn)
@blp.response(200, envelope(SaidOut))
def password_forgot(body):
    """Mail a link for choosing a new password, if there is someone to send it to."""
    passwords.forgot(current_actor(), **body)
    return ok({"message": FORGOT_SAID})


@blp.post("/auth/password/reset")
@own_door("public", limit=None)
@blp.arguments(ResetIn)
@blp.response(200, envelope(ResetOut))
@blp.refuses({400: ("auth:reset_token_invalid",)})
def password_reset(body):
    """Set a new password with the token from the mail and end every sign-in."""
    done = passwords.reset(current_actor(), **body)
    said = {"message": RESET_SAID, "sessions_revoked": done.ended.sign_ins, "tenant_slug": done.tenant_slug}
    return ok(said)


@blp.post("/auth/password/change")
@own_door("tenant", limit=None)
@blp.arguments(ChangeIn)
@blp.response(200, envelope(ChangedOut))
@blp.refuses({400: ("auth:current_password_wrong",)})
def password_change(body):
    """Change the password of the signed-in person and end the other sign-ins."""
    done = passwords.change(current_actor(), **body)
    return ok({"changed": True, "other_sessions_revoked": done.ended.sign_ins})


@blp.get("/auth/verify-email/<string:token>")
@own_door("public", limit=None)
@writes
@blp.response(200, envelope(VerifiedOut))
@blp.refuses({400: ("auth:verification_token_invalid",)})
def verify_email(token):
    """Confirm an e-mail address with the token from the mail; a second opening says that it was."""
    done = verification.confirm(current_actor(), token=token, repeatable=True)
    said = {"email": done.email, "tenant_slug": done.tenant_slug}
    return ok({"verified": True, "already_verified": done.already, **said})


@blp.get("/auth/me")
@own_door("tenant")
@blp.response(200, envelope(person.MeOut))
def me():
    """Tell who the token speaks for, where, and since when."""
    return ok(person.me(session_queries.whoami(current_actor())))


@blp.get("/auth/me/profile")
@own_door("tenant")
@blp.response(200, envelope(person.ProfileOut))
def me_profile():
    """Give the person's longer profile."""
    return ok(person.profile(tenants.my_membership(current_actor())))


@blp.put("/auth/me/profile")
@own_door("tenant")
@blp.refuses(_PICTURE_REFUSED)
@blp.arguments(person.ProfileIn)
@blp.response(200, envelope(person.ProfileOut))
def me_profile_update(body):
    """Change the fields that are sent: the job title of this membership, the others of the person."""
    return ok(person.profile(own_profile.update_own_profile(current_actor(), changes=body)))


@blp.get("/auth/me/preferences")
@own_door("tenant")
@blp.response(200, envelope(person.PreferencesOut))
def me_preferences():
    """Give the person's own settings of screen and notices, defaults filled in."""
    return ok(preferences.my_preferences(current_actor()))


@blp.put("/auth/me/preferences")
@own_door("tenant")
@blp.arguments(person.PreferencesIn)
@blp.response(200, envelope(person.PreferencesOut))
def me_preferences_update(body):
    """Change the fields that are sent; lists are replaced, the rest stays."""
    return ok(preferences.change_preferences(current_actor(), **body))
