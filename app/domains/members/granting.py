"""What somebody may give to others: roles below their own, profiles within their own permissions.

An owner or admin may give every role but the owner's. An invitation stands on the right of whoever gave its
role: it is judged again when it is taken up, against what they may give by then.
"""

from dataclasses import replace

import sqlalchemy as sa

from app.core.access import Actor
from app.core.db import db
from app.core.errors import Forbidden, ValidationFailed
from app.core.permissions import Permission
from app.domains.accounts.models import User
from app.domains.members.models import Invitation
from app.domains.permissions import queries as permissions
from app.domains.permissions.roles import HEADS, Role
from app.domains.settings import queries as settings
from app.domains.tenants.models import Membership, MembershipStatus

STANDARD = 1
"""The profile that adds nothing to a role: who may give the role may give it."""


class RoleAboveOwn(Forbidden):
    code, message = "member:role_above_own", "You cannot give a role above your own reach."


def may_give(actor: Actor, role: Role) -> bool:
    """Say whether the actor may give somebody this role."""
    if role is Role.OWNER:
        return False
    own = Role(actor.role)
    return own in HEADS or role.rank < own.rank


def chosen_role(actor: Actor, role: Role | None) -> Role:
    """Return the role that a new person gets; where none is named, the organization's, or the highest below.

    :raises ValidationFailed: for the owner's, which is only ever handed over
    :raises RoleAboveOwn: if the actor may not give it
    """
    if role is Role.OWNER:
        raise ValidationFailed({"role": ["An owner cannot be invited. Invite an admin and hand over later."]})
    if role is not None:
        check_role(actor, role)
        return role
    usual = Role(settings.text("members.default_role", tenant_id=actor.tenant_id) or Role.MEMBER)
    for one in sorted(Role, key=lambda found: -found.rank):
        if one.rank <= usual.rank and may_give(actor, one):
            return one
    raise above_own()


def check_role(actor: Actor, role: Role) -> None:
    """Refuse a role that the actor may not give.

    :raises RoleAboveOwn: if so
    """
    if not may_give(actor, role):
        raise above_own()


def above_own() -> RoleAboveOwn:
    """Return the refusal of what only an owner or admin may give."""
    return RoleAboveOwn(layer="role", remedy="An owner or admin of the organization can give it.")


def chosen_profile(actor: Actor, profile_id: int | None) -> int:
    """Return the profile that a new person gets; where none is named, the organization's, or standard.

    :raises ValidationFailed: at profile_id, if there is no such active profile
    :raises ProfileAboveOwn: if it holds what the actor may not give
    """
    if profile_id == STANDARD:
        return STANDARD
    if profile_id is not None:
        return permissions.check_assignable(actor, profile_id).id
    usual = settings.integer("members.default_profile_id", tenant_id=actor.tenant_id)
    return usual if usual != STANDARD and _may_give_profile(actor, usual) else STANDARD


def _may_give_profile(actor: Actor, profile_id: int) -> bool:
    if profile_id == STANDARD:
        return True
    try:
        permissions.check_assignable(actor, profile_id)
    except (ValidationFailed, permissions.ProfileAboveOwn):
        return False
    return True


def still_stands(invitation: Invitation) -> bool:
    """Say whether whoever gave an invitation's role and profile may give them at this moment.

    Not if they left, were disabled, lost the right to invite or stand too low for it by now. A profile that
    was deleted or switched off meanwhile grants nothing and stands in nobody's way.
    """
    grantor = _grantor(invitation)
    if grantor is None or not grantor.may(Permission.MEMBERS_MANAGE):
        return False
    if not may_give(grantor, invitation.role):
        return False
    return stays_within(grantor, invitation.profile_id)


def stays_within(grantor: Actor, profile_id: int) -> bool:
    """Say whether somebody may give a profile; one that is gone or rests gives nothing."""
    if profile_id == STANDARD:
        return True
    try:
        permissions.check_assignable(grantor, profile_id)
    except permissions.ProfileAboveOwn:
        return False
    except ValidationFailed:
        return True
    return True


def _grantor(invitation: Invitation) -> Actor | None:
    row = db.session.execute(
        sa.select(Membership.id, Membership.role, Membership.profile_id)
        .join(User, User.id == Membership.user_id)
        .where(
            Membership.tenant_id == invitation.tenant_id,
            Membership.user_id == invitation.granted_by_id,
            Membership.status == MembershipStatus.ACTIVE,
            User.disabled_at.is_(None),
        )
    ).one_or_none()
    if row is None:
        return None
    return replace(
        Actor(kind="session", user_id=invitation.granted_by_id, tenant_id=invitation.tenant_id),
        membership_id=row.id,
        role=str(row.role),
        profile_id=row.profile_id,
        permissions=permissions.rights_in(invitation.tenant_id, row.role, row.profile_id),
    )
