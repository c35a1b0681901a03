"""Users who are invited: adding one, sending the invitation again, taking it up."""

import marshmallow as ma

from app.core.access import Access
from app.domains.members import accepting, invitations, open_invitations
from app.domains.members.invitations import Wanted
from app.domains.permissions.roles import Role
from app.surfaces.api_v1.dialect import blp, door, envelope, ok
from app.surfaces.api_v1.person import TenantBriefOut
from app.surfaces.api_v1.user_shape import UserOut, shown
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.ids import Secret, Word
from app.surfaces.shared.openapi import Schema

_ROLES = {"tenant_admin": Role.ADMIN, "manager": Role.MANAGER, "user": Role.MEMBER, "viewer": Role.VIEWER}


class UserIn(Schema):
    """Whom to add."""

    email = Word(most=320, required=True)
    first_name = Word(data_key="firstName", least=1, most=100, required=True)
    last_name = Word(data_key="lastName", least=1, most=100, required=True)
    role = ma.fields.String(validate=ma.validate.OneOf(list(_ROLES)))
    profile_id = ma.fields.Integer(data_key="profileId", strict=True, validate=ma.validate.Range(1, 2**53))
    job_title = Word(data_key="jobTitle", most=100)


class InvitationTokenIn(Schema):
    """What the mail brought, and the password: one's own, or a new one's."""

    token = Secret(required=True, most=400)
    password = Secret(required=True)
    first_name = Word(data_key="firstName", most=100, load_default="")
    last_name = Word(data_key="lastName", most=100, load_default="")


class InvitationTakenOut(Schema):
    """Who joined, and what."""

    user = ma.fields.Nested(UserOut)
    tenant = ma.fields.Nested(TenantBriefOut)


@blp.post("/users")
@door("tenant", limit=None, access=Access.TENANT_MANAGER)
@blp.in_area("users")
@blp.arguments(UserIn)
@blp.response(201, envelope(UserOut))
@blp.refuses(
    {
        400: "invitation:domain_not_allowed",
        402: "plan:seat_limit",
        403: ("auth:role_required", "member:role_above_own", "profile:above_own"),
        409: ("member:already_member", "member:inactive_exists"),
    }
)
def create(body):
    """Add a person to the organization as invited and mail the invitation."""
    role = body.pop("role", None)
    wanted = Wanted(**body, role=None if role is None else _ROLES[role])
    return ok(shown(invitations.add_person(current_actor(), wanted=wanted))), 201


@blp.post("/users/<int:membership_id>/resend-invitation")
@door("tenant", limit=None, access=Access.TENANT_ADMIN)
@blp.in_area("users")
@blp.response(200, envelope(UserOut))
@blp.refuses({403: "auth:role_required", 404: "member:not_found", 409: "invitation:not_pending"})
def resend_invitation(membership_id):
    """Send the invitation again with a new token."""
    return ok(shown(open_invitations.resend_to(current_actor(), membership_id=membership_id)))


@blp.post("/users/accept-invitation")
@door("public", limit=None)
@blp.in_area("users")
@blp.arguments(InvitationTokenIn)
@blp.response(200, envelope(InvitationTakenOut))
@blp.refuses(
    {
        401: ("auth:invalid_credentials", "invitation:login_required"),
        402: "plan:seat_limit",
        403: ("auth:account_disabled", "tenant:suspended"),
        404: "invitation:not_found",
        409: ("invitation:used", "invitation:expired"),
    }
)
def accept_invitation(body):
    """Take up an invitation: with the account's password, or with a new one's; signs nobody in."""
    joined = accepting.accept_with_password(current_actor(), **body)
    tenant = joined.tenant
    brief = {"id": tenant.uid, "slug": tenant.slug, "name": tenant.name}
    return ok({"user": shown(joined.member), "tenant": brief})
