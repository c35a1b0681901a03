"""What support's access to an account holds of a person."""

from collections.abc import Sequence

import sqlalchemy as sa

from app.core.personal import Row, exported, rows_of
from app.domains.platform.models import SupportAccess


@exported(
    "support-access",
    about="When support asked to act in your name, what you answered, and how it ended.",
    tables=["support_accesses"],
)
def support_accesses(user_id: int, after: int, limit: int) -> Sequence[Row]:
    """Read what was asked of the person; who asked is not theirs to take away."""
    query = sa.select(
        SupportAccess.reason,
        SupportAccess.requested_at,
        SupportAccess.granted_at,
        SupportAccess.expires_at,
        SupportAccess.started_at,
        SupportAccess.ended_at,
        SupportAccess.outcome,
    )
    return rows_of(query.where(SupportAccess.user_id == user_id), SupportAccess.id, after, limit)
