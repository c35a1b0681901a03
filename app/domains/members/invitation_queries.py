"""Invitations as lists show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.db import is_named
from app.core.ids import Ref
from app.core.paging import Page, Window, paginate
from app.core.permissions import Permission
from app.domains.members import granting
from app.domains.members.models import Invitation, InvitationStatus
from app.domains.members.seats import Seats, counted
from app.domains.permissions.queries import Profile, offers
from app.domains.permissions.roles import Role


class Listed(StrEnum):
    """Which invitations a list has."""

    PENDING = "pending"
    EXPIRED = "expired"
    ALL = "all"


def visible(actor: Actor) -> sa.Select[tuple[Invitation]]:
    """Select the invitations of the organization the actor works in."""
    return sa.select(Invitation).where(Invitation.tenant_id == actor.tenant_id)


@operation(Access.TENANT)
def invitations(actor: Actor, *, window: Window, status: Listed = Listed.PENDING) -> Page[Invitation]:
    """Return invitations of the organization, newest first, each with who sent it; three queries."""
    now, pending = clock.now(), Invitation.status == InvitationStatus.PENDING
    ran_out = sa.and_(pending, Invitation.expires_at <= now)
    wanted = {
        Listed.PENDING: sa.and_(pending, Invitation.expires_at > now),
        Listed.EXPIRED: sa.or_(Invitation.status == InvitationStatus.EXPIRED, ran_out),
        Listed.ALL: sa.true(),
    }[status]
    query = visible(actor).where(wanted).order_by(Invitation.id.desc())
    both = selectinload(Invitation.invited_by), selectinload(Invitation.membership)
    return paginate(query.options(*both), window)


@dataclass(frozen=True)
class Choices:
    """What somebody who invites can choose from, and how the seats stand."""

    roles: Sequence[Role]
    profiles: Sequence[Profile]
    usual_role: Role
    usual_profile_id: int
    seats: Seats


@operation(Permission.MEMBERS_MANAGE)
def choices(actor: Actor) -> Choices:
    """Return the roles and profiles that the actor may give to somebody new."""
    profiles = [one.profile for one in offers(actor) if one.assignable or one.profile.id == granting.STANDARD]
    return Choices(
        [role for role in Role if granting.may_give(actor, role)],
        profiles,
        granting.chosen_role(actor, None),
        granting.chosen_profile(actor, None),
        counted(actor.tenant_id or 0),
    )


def of_tenant(actor: Actor, invitation: Ref) -> sa.Select[tuple[Invitation]]:
    """Select one invitation of the organization the actor works in."""
    return visible(actor).where(is_named(Invitation, invitation))
