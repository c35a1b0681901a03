"""Invitations that ran out."""

from datetime import timedelta

import sqlalchemy as sa

from app.core import clock
from app.core.db import rows_changed
from app.core.jobs import job
from app.domains.members.models import Invitation, InvitationStatus


@job("invitations.expire", every=timedelta(hours=1))
def expire() -> int:
    """Mark invitations expired whose time is over; their seats were free from that moment on."""
    over = sa.update(Invitation).where(
        Invitation.status == InvitationStatus.PENDING, Invitation.expires_at <= clock.now()
    )
    return rows_changed(over.values(status=InvitationStatus.EXPIRED))
