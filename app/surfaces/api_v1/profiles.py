"""Permission profiles: those every organization has, and its own."""

from typing import Any

import marshmallow as ma

from app.core.access import Access
from app.core.links import absolute
from app.core.permissions import PERMISSIONS
from app.domains.permissions import operations, queries
from app.domains.permissions.operations import DESCRIPTION_LENGTH, NAME_LENGTH, Switched
from app.domains.permissions.queries import Maker, Offer, Profile
from app.surfaces.api_v1.dialect import blp, door, envelope, envelope_of_list, ok
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.ids import Moment, Word
from app.surfaces.shared.openapi import Schema


class PermissionProfileOut(Schema):
    """A permission profile."""

    id = ma.fields.Integer()
    name = ma.fields.String()
    description = ma.fields.String(allow_none=True)
    is_system = ma.fields.Boolean(data_key="isSystem")
    is_active = ma.fields.Boolean(data_key="isActive")
    user_count = ma.fields.Integer(data_key="userCount")
    permission_count = ma.fields.Integer(data_key="permissionCount")
    created_at = Moment(data_key="createdAt")
    updated_at = Moment(data_key="updatedAt")


class MakerOut(Schema):
    """Somebody who did something here; whoever has left keeps their name."""

    user_id = ma.fields.Integer(data_key="userId", allow_none=True)
    name = ma.fields.String()
    avatar = ma.fields.String(allow_none=True)
    deleted = ma.fields.Boolean()


class PermissionProfileDetailOut(PermissionProfileOut):
    """A permission profile with what it holds."""

    permissions = ma.fields.List(ma.fields.Integer())
    permission_codes = ma.fields.List(ma.fields.String(), data_key="permissionCodes")
    created_by = ma.fields.Nested(MakerOut, data_key="createdBy", allow_none=True)


class PermissionProfileStateOut(Schema):
    """A profile that was put in or out of use."""

    id = ma.fields.Integer()
    name = ma.fields.String()
    is_active = ma.fields.Boolean(data_key="isActive")
    affected_users = ma.fields.Integer(data_key="affectedUsers")


class OfferedProfileOut(Schema):
    """A profile that can be given to a person."""

    id = ma.fields.Integer()
    name = ma.fields.String()
    description = ma.fields.String(allow_none=True)
    is_system = ma.fields.Boolean(data_key="isSystem")
    permission_count = ma.fields.Integer(data_key="permissionCount")
    assignable = ma.fields.Boolean()


class PermissionOut(Schema):
    """A permission."""

    id = ma.fields.Integer()
    code = ma.fields.String()
    module = ma.fields.String()
    label = ma.fields.String()


class ProfilesQuery(Schema):
    """Which profiles."""

    status = ma.fields.String(validate=ma.validate.OneOf(["active", "inactive"]))


class PermissionProfileIn(Schema):
    """A new profile."""

    name = Word(least=1, most=NAME_LENGTH, required=True)
    description = Word(most=DESCRIPTION_LENGTH, allow_none=True)
    permissions = ma.fields.List(ma.fields.Integer(strict=True), required=True)


class PermissionProfileChangesIn(Schema):
    """What to change."""

    name = Word(least=1, most=NAME_LENGTH)
    description = Word(most=DESCRIPTION_LENGTH, allow_none=True)
    permissions = ma.fields.List(ma.fields.Integer(strict=True))

    @ma.validates_schema
    def _something(self, data: dict[str, Any], **_others: Any) -> None:
        if not data:
            raise ma.ValidationError("Send at least one field to change.")


def _brief(profile: Profile) -> dict[str, Any]:
    return {
        "id": profile.id,
        "name": profile.name,
        "description": profile.description,
        "is_system": profile.is_system,
        "is_active": profile.is_active,
        "user_count": profile.user_count,
        "permission_count": len(profile.permissions),
        "created_at": profile.created_at,
        "updated_at": profile.updated_at,
    }


def _detail(profile: Profile) -> dict[str, Any]:
    return {
        **_brief(profile),
        "permissions": profile.numbers,
        "permission_codes": profile.codes,
        "created_by": profile.maker and _maker(profile.maker),
    }


def _maker(maker: Maker) -> dict[str, Any]:
    return {
        "user_id": maker.membership_id,
        "name": maker.name,
        "avatar": absolute(maker.avatar),
        "deleted": maker.membership_id is None,
    }


def _offer(offer: Offer) -> dict[str, Any]:
    return {**_brief(offer.profile), "assignable": offer.assignable}


def _state(switched: Switched) -> dict[str, Any]:
    return {**_brief(switched.profile), "affected_users": switched.affected_users}


@blp.get("/profiles")
@door("tenant")
@blp.arguments(ProfilesQuery, location="query")
@blp.response(200, envelope_of_list(PermissionProfileOut))
def list_(query):
    """List the permission profiles, each with how many people have it."""
    wanted = query.get("status")
    found = queries.profiles(current_actor(), active=None if wanted is None else wanted == "active")
    return ok([_brief(profile) for profile in found])


@blp.get("/profiles/permissions")
@door("tenant")
@blp.response(200, envelope_of_list(PermissionOut))
def permissions():
    """List every permission there is."""
    found = [
        {"id": about.id, "code": code, "module": about.module, "label": about.label}
        for code, about in PERMISSIONS.items()
    ]
    return ok(sorted(found, key=lambda permission: permission["id"]))


@blp.get("/profiles/<int:profile_id>")
@door("tenant")
@blp.response(200, envelope(PermissionProfileDetailOut))
@blp.refuses({404: "profile:not_found"})
def get(profile_id):
    """Give one profile with the numbers of its permissions."""
    return ok(_detail(queries.profile(current_actor(), profile_id=profile_id)))


@blp.post("/profiles")
@door("tenant", access=Access.TENANT_ADMIN)
@blp.arguments(PermissionProfileIn)
@blp.response(201, envelope(PermissionProfileDetailOut))
@blp.refuses({403: "auth:role_required", 409: ("profile:name_taken", "profile:limit")})
def create(body):
    """Make a profile of the organization's own."""
    return ok(_detail(operations.create(current_actor(), **body))), 201


@blp.put("/profiles/<int:profile_id>")
@door("tenant", access=Access.TENANT_ADMIN)
@blp.arguments(PermissionProfileChangesIn)
@blp.response(200, envelope(PermissionProfileDetailOut))
@blp.refuses(
    {
        403: ("auth:role_required", "profile:system_readonly"),
        404: "profile:not_found",
        409: "profile:name_taken",
    }
)
def update(body, profile_id):
    """Change an own profile's name, description or permissions."""
    return ok(_detail(operations.update(current_actor(), profile_id=profile_id, changes=body)))


@blp.delete("/profiles/<int:profile_id>")
@door("tenant", access=Access.TENANT_ADMIN)
@blp.response(200, envelope(PermissionProfileStateOut))
@blp.refuses({403: ("auth:role_required", "profile:system_readonly"), 404: "profile:not_found"})
def deactivate(profile_id):
    """Take a profile out of use without forgetting it."""
    return ok(_state(operations.deactivate(current_actor(), profile_id=profile_id)))


@blp.post("/profiles/<int:profile_id>/activate")
@door("tenant", access=Access.TENANT_ADMIN)
@blp.response(200, envelope(PermissionProfileStateOut))
@blp.refuses({403: "auth:role_required", 404: "profile:not_found"})
def activate(profile_id):
    """Put a profile back in use."""
    return ok(_state(operations.activate(current_actor(), profile_id=profile_id)))


@blp.get("/users/profiles")
@blp.called("users.profiles")
@door("tenant")
@blp.response(200, envelope_of_list(OfferedProfileOut))
def profiles():
    """List the active permission profiles that can be given to a person."""
    return ok([_offer(offer) for offer in queries.offers(current_actor())])
