"""What stays in the trail of a member who was erased: rows with numbers in them."""

import sqlalchemy as sa

from app.core.db import db
from app.core.touches import Departure, kept
from app.domains.audit.models import AuditEvent


@kept("audit_events")
def rows_that_stay(departure: Departure) -> int:
    """Count what the member did in the organization and what was done to the membership there."""
    done = sa.select(AuditEvent.id).where(
        AuditEvent.actor_user_id == departure.user_id, AuditEvent.tenant_id == departure.tenant_id
    )
    suffered = sa.select(AuditEvent.id).where(
        AuditEvent.subject_type == "member",
        AuditEvent.subject_id == departure.membership_id,
        AuditEvent.tenant_id == departure.tenant_id,
    )
    both = sa.union(done, suffered).subquery()
    return db.session.scalar(sa.select(sa.func.count()).select_from(both)) or 0
