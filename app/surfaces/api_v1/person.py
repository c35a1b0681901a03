"""What the calls about the signed-in person show and take: who they are, where, and how they like things."""

from typing import Any

import marshmallow as ma

from app.core.access import Actor
from app.domains.auth.tenant_sign_in import TenantSignIn
from app.domains.permissions.roles import Role
from app.domains.tenants.models import Membership
from app.surfaces.api_v1.dialect import role_word
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.ids import Moment, Word
from app.surfaces.shared.openapi import Schema

_INLINE_PICTURE = 1_900_000
"""More than a picture of 1 MB takes in base64, so that one a little larger is told what is wrong with it."""


class AuthUserOut(Schema):
    """The person as the token sees them: ``id`` is the person's, ``userId`` the membership's."""

    id = ma.fields.UUID()
    uuid = ma.fields.UUID()
    user_id = ma.fields.Integer(data_key="userId")
    email = ma.fields.String()
    first_name = ma.fields.String(data_key="firstName")
    last_name = ma.fields.String(data_key="lastName")
    role = ma.fields.String()
    is_owner = ma.fields.Boolean(data_key="isOwner")
    email_verified = ma.fields.Boolean(data_key="emailVerified")
    two_factor_enabled = ma.fields.Boolean(data_key="twoFactorEnabled")
    avatar = ma.fields.String(allow_none=True)
    timezone = ma.fields.String()
    locale = ma.fields.String()


class TenantBriefOut(Schema):
    """The organization that the token is for."""

    id = ma.fields.UUID()
    slug = ma.fields.String()
    name = ma.fields.String()


class SessionOut(Schema):
    """The sign-in that the token belongs to."""

    id = ma.fields.UUID()
    device = ma.fields.String()
    created_at = Moment(data_key="createdAt")
    expires_at = Moment(data_key="expiresAt")


class MeOut(Schema):
    """Who the token speaks for, where, and since when."""

    user = ma.fields.Nested(AuthUserOut)
    tenant = ma.fields.Nested(TenantBriefOut)
    permissions = ma.fields.List(ma.fields.String())
    session = ma.fields.Nested(SessionOut)


def signed_in(done: TenantSignIn) -> dict[str, Any]:
    """Return what is shown of a person who has just signed in."""
    user, membership = done.user, done.membership
    return {
        "id": user.uid,
        "uuid": user.uid,
        "user_id": membership.id,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "role": role_word(membership.role),
        "is_owner": membership.role is Role.OWNER,
        "email_verified": user.email_verified,
        "two_factor_enabled": user.two_factor_enabled,
        "avatar": user.avatar_url,
        "timezone": done.timezone,
        "locale": done.locale,
    }


def me(actor: Actor) -> dict[str, Any]:
    """Return what is shown of a caller; it came with the credential."""
    about = actor.particulars
    user = {
        "id": actor.user_uid,
        "uuid": actor.user_uid,
        "user_id": actor.membership_id,
        "email": actor.email,
        "first_name": actor.first_name,
        "last_name": actor.last_name,
        "role": role_word(actor.role),
        "is_owner": actor.role == Role.OWNER,
        "email_verified": actor.email_verified,
        "two_factor_enabled": about.two_factor_enabled,
        "avatar": about.avatar_url,
        "timezone": about.timezone,
        "locale": about.locale,
    }
    return {
        "user": user,
        "tenant": {"id": actor.tenant_uid, "slug": actor.tenant_slug, "name": actor.tenant_name},
        "permissions": sorted(actor.permissions),
        "session": {
            "id": actor.session_uid,
            "device": about.session_name,
            "created_at": actor.signed_in_at,
            "expires_at": about.session_expires_at,
        },
    }


class ProfileOut(Schema):
    """A person with what belongs to their membership: ``id`` is the person's, ``userId`` the membership's."""

    id = ma.fields.UUID()
    user_id = ma.fields.Integer(data_key="userId")
    email = ma.fields.String()
    first_name = ma.fields.String(data_key="firstName")
    last_name = ma.fields.String(data_key="lastName")
    handle = ma.fields.String(allow_none=True)
    job_title = ma.fields.String(data_key="jobTitle", allow_none=True)
    phone = ma.fields.String(allow_none=True)
    avatar = ma.fields.String(allow_none=True)
    timezone = ma.fields.String()
    locale = ma.fields.String()
    updated_at = Moment(data_key="updatedAt")


class ProfileIn(Schema):
    """The fields that change; what is left out stays, null empties."""

    phone = Word(most=20, allow_none=True)
    avatar = Word(most=_INLINE_PICTURE, allow_none=True)
    timezone = Word(least=1, most=64)
    locale = Word(least=1, most=35)
    first_name = Word(data_key="firstName", least=1, most=100)
    last_name = Word(data_key="lastName", least=1, most=100)
    job_title = Word(data_key="jobTitle", most=100, allow_none=True)

    @ma.validates_schema
    def check_something_is_sent(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse a body that changes nothing."""
        if not data:
            raise ma.ValidationError("Name at least one field.")


class ScreenIn(Schema):
    """How the person likes the screen."""

    theme = ma.fields.String(validate=ma.validate.OneOf(["light", "dark", "system"]))
    density = ma.fields.String(validate=ma.validate.OneOf(["comfortable", "compact"]))
    sidebar_layout = ma.fields.String(
        data_key="sidebarLayout", validate=ma.validate.OneOf(["expanded", "collapsed", "hidden"])
    )
    editor_mode = ma.fields.String(data_key="editorMode", validate=ma.validate.OneOf(["simple", "advanced"]))
    start_page = Word(data_key="startPage", least=1)
    dismissed = ma.fields.List(Word(least=1), validate=ma.validate.Length(max=100))


class NoticesIn(Schema):
    """The person's master switches."""

    email_enabled = ma.fields.Boolean(data_key="emailEnabled", truthy={True}, falsy={False})
    in_app_enabled = ma.fields.Boolean(data_key="inAppEnabled", truthy={True}, falsy={False})
    sound = ma.fields.Boolean(truthy={True}, falsy={False})
    email_consent = ma.fields.Boolean(data_key="emailConsent", truthy={True}, falsy={False})


class NoticesOut(NoticesIn):
    """The same, with when consent was last given or taken back."""

    email_consent_at = Moment(data_key="emailConsentAt", allow_none=True)


class PreferencesIn(Schema):
    """The parts that change; what is left out stays."""

    ui = ma.fields.Nested(ScreenIn)
    notifications = ma.fields.Nested(NoticesIn)

    @ma.validates_schema
    def check_something_is_sent(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse a body that changes nothing."""
        if not any(data.values()):
            raise ma.ValidationError("Name at least one field.")


class PreferencesOut(Schema):
    """All preferences, defaults filled in."""

    ui = ma.fields.Nested(ScreenIn)
    notifications = ma.fields.Nested(NoticesOut)
    updated_at = Moment(data_key="updatedAt")


def profile(membership: Membership) -> dict[str, Any]:
    """Return what is shown of a membership with its person."""
    user, about = membership.user, current_actor().particulars
    return {
        "id": user.uid,
        "user_id": membership.id,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "handle": user.handle,
        "job_title": membership.job_title,
        "phone": user.phone,
        "avatar": user.avatar_url,
        "timezone": user.timezone or about.timezone,
        "locale": user.locale or about.locale,
        "updated_at": max(user.updated_at, membership.updated_at),
    }
