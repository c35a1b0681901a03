"""Inviting people into the organization that the token works in, and taking an invitation."""

from typing import Any

import marshmallow as ma

from app.core.permissions import Permission
from app.domains.members import accepting, invitation_queries, invitations, open_invitations
from app.domains.members.invitation_queries import Listed
from app.domains.members.invitations import Wanted
from app.domains.members.models import Invitation
from app.domains.permissions.roles import Role
from app.surfaces.platform_api.dialect import (
    GLOBAL_ONLY,
    SCOPED_ONLY,
    WindowIn,
    blp,
    counted,
    door,
    window_of,
)
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.ids import Moment, PrefixedId, Secret, Word, ref_of
from app.surfaces.shared.openapi import Schema

_MAY_NOT = (*SCOPED_ONLY, "auth:permission_denied")


class InviteIn(Schema):
    email = Word(required=True, most=320)
    role = ma.fields.String(
        required=True, validate=ma.validate.OneOf([str(role) for role in Role if role is not Role.OWNER])
    )


class InviteTokenIn(Schema):
    token = Secret(required=True, most=400)


class InviteOut(Schema):
    id = PrefixedId("inv", attribute="uid")
    email = ma.fields.String()
    role = ma.fields.String()
    expires_at = Moment()


class InvitesQuery(WindowIn):
    status = ma.fields.String(
        load_default=Listed.PENDING.value, validate=ma.validate.OneOf([str(one) for one in Listed])
    )


class InvitesOut(InviteOut):
    status = ma.fields.String(attribute="state")
    invited_by = PrefixedId("usr", attribute="invited_by.uid")
    created_at = Moment()


class JoinedOut(Schema):
    id = PrefixedId("ten", attribute="tenant.uid")
    name = ma.fields.String(attribute="tenant.name")
    slug = ma.fields.String(attribute="tenant.slug")
    role = ma.fields.String(attribute="membership.role")
    status = ma.fields.String(attribute="tenant.status")


@blp.post("/service/invites")
@door("scoped", limit=None, access=Permission.MEMBERS_MANAGE)
@blp.refuses(
    {
        400: "invitation:domain_not_allowed",
        402: "plan:seat_limit",
        403: (*_MAY_NOT, "member:role_above_own"),
        409: ("invitation:already_pending", "member:already_member", "member:inactive_exists"),
    }
)
@blp.arguments(InviteIn)
@blp.response(201, InviteOut)
def create(body: dict[str, Any]) -> Invitation:
    """Invite someone by e-mail into the organization."""
    wanted = Wanted(email=body["email"], role=Role(body["role"]))
    return invitations.invite(current_actor(), wanted=wanted).invitation


@blp.get("/service/invites")
@door("scoped")
@blp.refuses({403: SCOPED_ONLY})
@blp.arguments(InvitesQuery, location="query")
@blp.response(
    200,
    InvitesOut(many=True),
    headers={"X-Total-Count": {"description": "How many there are", "schema": {"type": "integer"}}},
)
def list(query: dict[str, Any]):  # noqa: A001 - as the contract names it
    """List the organization's open invitations."""
    found = invitation_queries.invitations(
        current_actor(), window=window_of(query), status=Listed(query["status"])
    )
    return counted(found)


@blp.post("/service/invites/<string:invite_id>/resend")
@door("scoped", limit=None, access=Permission.MEMBERS_MANAGE)
@blp.refuses({402: "plan:seat_limit", 403: _MAY_NOT, 404: "invitation:not_found", 409: "invitation:used"})
@blp.response(200, InviteOut)
def resend(invite_id: str) -> Invitation:
    """Mail an open or expired invitation again, with a new token and a new expiry."""
    return open_invitations.resend(current_actor(), invitation=ref_of(invite_id, "inv")).invitation


@blp.delete("/service/invites/<string:invite_id>")
@door("scoped", access=Permission.MEMBERS_MANAGE)
@blp.refuses({403: _MAY_NOT, 404: "invitation:not_found", 409: "invitation:used"})
@blp.response(204)
def revoke(invite_id: str) -> None:
    """Take an open invitation back."""
    open_invitations.revoke(current_actor(), invitation=ref_of(invite_id, "inv"))


@blp.post("/global/invites/accept")
@door("global", limit=None)
@blp.refuses(
    {
        402: "plan:seat_limit",
        403: (*GLOBAL_ONLY, "invitation:wrong_account", "tenant:suspended", "tenant:archived"),
        404: "invitation:not_found",
        409: ("invitation:used", "invitation:expired"),
    }
)
@blp.arguments(InviteTokenIn)
@blp.response(200, JoinedOut)
def accept(body: dict[str, Any]):
    """Take an invitation as the signed-in person, who becomes a member."""
    return accepting.accept(current_actor(), token=body["token"])
