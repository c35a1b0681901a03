"""Who answers for an organization: its owner and admins, whom mails about it are sent to."""

from collections.abc import Sequence

import sqlalchemy as sa

from app.core.db import db
from app.domains.accounts.models import User
from app.domains.permissions.roles import HEADS
from app.domains.tenants.models import Membership, MembershipStatus

_TOLD_AT_MOST = 20
"""However many admins there are: one event is not worth more mails."""


def heads(tenant_id: int | None) -> sa.Select[tuple[User]]:
    """Select an organization's owner and admins who can act; their memberships are joined."""
    return (
        sa.select(User)
        .join(Membership, Membership.user_id == User.id)
        .where(
            Membership.tenant_id == tenant_id,
            Membership.role.in_(HEADS),
            Membership.status == MembershipStatus.ACTIVE,
            User.disabled_at.is_(None),
        )
    )


def to_tell(tenant_id: int | None) -> Sequence[User]:
    """Return owner and admins as they are mailed, who joined first before others; twenty at most."""
    return db.session.scalars(heads(tenant_id).order_by(Membership.id).limit(_TOLD_AT_MOST)).all()
