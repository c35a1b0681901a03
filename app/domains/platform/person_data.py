"""What support's access to an account holds of a person."""

from typing import Any

import sqlalchemy as sa

from app.core.personal import exported_rows
from app.domains.platform.models import SupportAccess


@exported_rows(
    "support-access",
    about="When support asked to act in your name, what you answered, and how it ended.",
    by=SupportAccess.id,
)
def support_accesses(user_id: int) -> sa.Select[Any]:
    """Select what was asked of the person; who asked is not theirs to take away."""
    query = sa.select(
        SupportAccess.reason,
        SupportAccess.requested_at,
        SupportAccess.granted_at,
        SupportAccess.expires_at,
        SupportAccess.started_at,
        SupportAccess.ended_at,
        SupportAccess.outcome,
    )
    return query.where(SupportAccess.user_id == user_id)
