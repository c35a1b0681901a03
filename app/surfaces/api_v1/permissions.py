"""What the caller may do."""

from typing import Any

import marshmallow as ma

from app.domains.permissions import queries
from app.domains.permissions.queries import Grant
from app.domains.permissions.roles import Role
from app.surfaces.api_v1.dialect import blp, door, envelope, ok, role_word
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.openapi import Schema


class ProfileBriefOut(Schema):
    """A permission profile."""

    id = ma.fields.Integer()
    name = ma.fields.String()
    is_active = ma.fields.Boolean(data_key="isActive")


class GrantOut(Schema):
    """Role and profile with what they allow together."""

    role = ma.fields.String()
    is_owner = ma.fields.Boolean(data_key="isOwner")
    all = ma.fields.Boolean()
    profile = ma.fields.Nested(ProfileBriefOut, allow_none=True)
    permissions = ma.fields.List(ma.fields.String())
    permission_ids = ma.fields.List(ma.fields.Integer(), data_key="permissionIds")


def _grant(grant: Grant) -> dict[str, Any]:
    return {
        "role": role_word(grant.role),
        "is_owner": grant.role is Role.OWNER,
        "all": grant.is_everything,
        "profile": grant.profile,
        "permissions": grant.permissions,
        "permission_ids": grant.numbers,
    }


@blp.get("/permissions/me")
@door("tenant")
@blp.response(200, envelope(GrantOut))
def me():
    """Give the caller's role and what they may do now."""
    return ok(_grant(queries.my_grant(current_actor())))
