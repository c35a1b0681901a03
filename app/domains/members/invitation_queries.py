"""Invitations as lists show them."""

from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.ids import Ref
from app.core.paging import Page, Window, paginate
from app.domains.members.models import Invitation, InvitationStatus


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


def of_tenant(actor: Actor, invitation: Ref) -> sa.Select[tuple[Invitation]]:
    """Select one invitation of the organization the actor works in."""
    named = Invitation.id == invitation.id if invitation.uid is None else Invitation.uid == invitation.uid
    return visible(actor).where(named)
