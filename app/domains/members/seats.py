"""Seats of an organization's plan: counted once, for invitations, acceptances, returns and billing.

Active members and open invitations take one each. Whoever takes a seat holds the organization's row until the
transaction ends, so that of many at once only as many get one as there are.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.errors import OverPlan
from app.core.links import public_url
from app.domains.billing.capacity import counts
from app.domains.billing.queries import limit_of
from app.domains.email import mails
from app.domains.members.models import Invitation, InvitationStatus
from app.domains.tenants import heads
from app.domains.tenants.models import Membership, MembershipStatus, Tenant

_FEW = 10
"""One in so many left is few, and so is the last one."""
_REMEDY = "Take a larger plan, or free a seat: deactivate someone or take an open invitation back."


class SeatLimitReached(OverPlan):
    code, message = "plan:seat_limit", "Every seat of the plan is taken."


@dataclass(frozen=True)
class Seats:
    """How an organization's seats stand; ``included`` None is no bound."""

    active: int
    pending: int
    included: int | None

    @property
    def taken(self) -> int:
        """Return how many are taken, those that invitations hold too."""
        return self.active + self.pending

    @property
    def available(self) -> int | None:
        """Return how many are free, None for no bound."""
        return None if self.included is None else max(0, self.included - self.taken)


def hold(tenant_id: int) -> Tenant:
    """Hold an organization's row till the transaction ends: whoever changes its seats does so one by one."""
    # Not FOR UPDATE: rows that point at it may still be written meanwhile.
    query = sa.select(Tenant).where(Tenant.id == tenant_id).with_for_update(key_share=True)
    return db.session.scalars(query.execution_options(populate_existing=True)).one()


def counted(tenant_id: int) -> Seats:
    """Return how an organization's seats stand now."""
    active = (
        sa.select(sa.func.count())
        .where(Membership.tenant_id == tenant_id, Membership.status == MembershipStatus.ACTIVE)
        .scalar_subquery()
    )
    pending = (
        sa.select(sa.func.count())
        .where(
            Invitation.tenant_id == tenant_id,
            Invitation.status == InvitationStatus.PENDING,
            Invitation.expires_at > clock.now(),
        )
        .scalar_subquery()
    )
    row = db.session.execute(sa.select(active, pending)).one()
    return Seats(row[0], row[1], limit_of(tenant_id, "seats"))


@counts("seats")
def taken(tenant_id: int) -> int:
    """Return how many seats are taken, those that invitations hold too."""
    return counted(tenant_id).taken


def check_free(tenant_id: int) -> Seats:
    """Hold the organization's row and refuse when no seat is free; call it before the seat is taken.

    :returns: how they stand, the one about to be taken not counted yet
    :raises SeatLimitReached: if every seat of the plan is taken
    """
    hold(tenant_id)
    seats = counted(tenant_id)
    if seats.available == 0:
        raise SeatLimitReached(layer="plan", remedy=_REMEDY)
    return seats


def warn_if_few(tenant: Tenant, before: Seats) -> None:
    """Mail owner and admins when the seat just taken left few, or none.

    :param before: what ``check_free`` returned
    """
    if before.included is None:
        return
    left = before.included - before.taken - 1
    if left not in (0, max(1, before.included // _FEW)):
        return
    for person in heads.to_tell(tenant.id):
        mails.seat_shortage(
            person.email,
            first_name=person.greeting,
            tenant_name=tenant.name,
            tenant_id=tenant.id,
            used=before.taken + 1,
            total=before.included,
            link=public_url("/organization/invitations"),
        )
