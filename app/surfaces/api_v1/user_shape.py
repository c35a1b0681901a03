"""What is shown of a user: a membership as its organization sees it."""

from typing import Any

import marshmallow as ma

from app.domains.members.queries import Member
from app.surfaces.api_v1.dialect import role_word
from app.surfaces.shared.ids import Moment
from app.surfaces.shared.openapi import Schema


class InvitationBriefOut(Schema):
    """An invitation that is not taken up: when it was sent last, and until when it is good."""

    sent_at = Moment(data_key="sentAt")
    expires_at = Moment(data_key="expiresAt")
    times_sent = ma.fields.Integer(data_key="timesSent")


class UserOut(Schema):
    """A person in the organization: ``id`` is the membership's, ``uuid`` the person's."""

    id = ma.fields.Integer()
    uuid = ma.fields.UUID()
    email = ma.fields.String()
    first_name = ma.fields.String(data_key="firstName")
    last_name = ma.fields.String(data_key="lastName")
    display_name = ma.fields.String(data_key="displayName")
    role = ma.fields.String()
    is_owner = ma.fields.Boolean(data_key="isOwner")
    profile_id = ma.fields.Integer(data_key="profileId")
    profile_name = ma.fields.String(data_key="profileName")
    status = ma.fields.String()
    email_verified = ma.fields.Boolean(data_key="emailVerified")
    job_title = ma.fields.String(data_key="jobTitle", allow_none=True)
    avatar = ma.fields.String(allow_none=True)
    invitation = ma.fields.Nested(InvitationBriefOut, allow_none=True)
    last_login_at = Moment(data_key="lastLoginAt", allow_none=True)
    joined_at = Moment(data_key="joinedAt", allow_none=True)
    created_at = Moment(data_key="createdAt")
    updated_at = Moment(data_key="updatedAt")


def shown(member: Member) -> dict[str, Any]:
    """Return what ``UserOut`` shows of a member."""
    membership = member.membership
    return {
        "id": membership.id,
        "uuid": member.user.uid,
        "email": member.email,
        "first_name": member.first_name,
        "last_name": member.last_name,
        "display_name": member.name,
        "role": role_word(membership.role),
        "is_owner": member.is_owner,
        "profile_id": membership.profile_id,
        "profile_name": member.profile_name,
        "status": str(membership.status),
        "email_verified": member.email_verified,
        "job_title": membership.job_title,
        "avatar": member.avatar_url,
        "invitation": member.invitation,
        "last_login_at": None if member.is_invited else membership.last_login_at,
        "joined_at": membership.joined_at,
        "created_at": membership.created_at,
        "updated_at": member.updated_at,
    }
