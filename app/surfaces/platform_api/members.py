"""The people of the organization that the token works in."""

from typing import Any

import marshmallow as ma

from app.core.paging import Page
from app.core.permissions import Permission
from app.domains.members import changing, offboarding, queries
from app.domains.members.counting import Filter
from app.domains.members.queries import Member, Order
from app.domains.permissions.roles import Role
from app.domains.tenants.models import MembershipStatus
from app.surfaces.platform_api.dialect import (
    SCOPED_ONLY,
    MessageOut,
    WindowIn,
    blp,
    counted,
    door,
    window_of,
)
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.ids import Moment, PrefixedId, ref_of
from app.surfaces.shared.openapi import Schema

_LISTED = {status.value: (status,) for status in MembershipStatus} | {"all": ()}
_JOINED = (MembershipStatus.ACTIVE, MembershipStatus.INACTIVE)
GIVEN = [str(role) for role in Role if role is not Role.OWNER]


class MembersIn(WindowIn):
    status = ma.fields.String(validate=ma.validate.OneOf(list(_LISTED)))
    role = ma.fields.Enum(Role, by_value=True)


class RoleIn(Schema):
    role = ma.fields.String(required=True, validate=ma.validate.OneOf(GIVEN))


class MemberOut(Schema):
    id = PrefixedId("mem")
    user_id = PrefixedId("usr")
    email = ma.fields.String()
    first_name = ma.fields.String(allow_none=True)
    last_name = ma.fields.String(allow_none=True)
    role = ma.fields.String()
    status = ma.fields.String()
    joined_at = Moment(allow_none=True)


def shown(member: Member) -> dict[str, Any]:
    """Return what is shown of a member; of who was merely invited the names that the inviter gave, if any."""
    membership = member.membership
    return {
        "id": membership.uid,
        "user_id": member.user.uid,
        "email": member.email,
        "first_name": (member.first_name or None) if member.is_invited else member.first_name,
        "last_name": (member.last_name or None) if member.is_invited else member.last_name,
        "role": str(membership.role),
        "status": str(membership.status),
        "joined_at": membership.joined_at,
    }


@blp.get("/service/members")
@door("scoped")
@blp.refuses({403: SCOPED_ONLY})
@blp.arguments(MembersIn, location="query")
@blp.response(200, MemberOut(many=True))
def list_(query: dict[str, Any]):
    """List the people of the organization."""
    wanted = Filter(
        statuses=_LISTED.get(query.get("status", ""), _JOINED),
        roles=(query["role"],) if "role" in query else (),
    )
    window = window_of(query)
    found = queries.list_members(current_actor(), window=window, wanted=wanted, order=Order.OWNER_FIRST)
    return counted(Page([shown(member) for member in found.items], found.total, window))


@blp.patch("/service/members/<string:user_id>")
@door("scoped", access=Permission.MEMBERS_MANAGE)
@blp.refuses(
    {
        403: [
            *SCOPED_ONLY,
            "auth:permission_denied",
            "member:owner_fixed",
            "member:outranks_you",
            "member:role_above_own",
        ],
        404: "member:not_found",
        409: "member:self_forbidden",
    }
)
@blp.arguments(RoleIn)
@blp.response(200, MemberOut)
def update_role(body: dict[str, Any], user_id: str):
    """Give a member another role."""
    role, user = Role(body["role"]), ref_of(user_id, "usr")
    return shown(changing.change_role(current_actor(), user=user, role=role))


@blp.delete("/service/members/<string:user_id>")
@door("scoped")
@blp.refuses(
    {
        403: [*SCOPED_ONLY, "auth:permission_denied", "member:owner_fixed", "member:outranks_you"],
        404: "member:not_found",
    }
)
@blp.response(200, MessageOut)
def remove(user_id: str):
    """Take a person out of the organization, or leave it."""
    offboarding.remove(current_actor(), user=ref_of(user_id, "usr"))
    return {"message": "Member removed"}
