"""Reading the trail."""

import sqlalchemy as sa

from app.core.access import Access, Actor, operation
from app.core.paging import CursorPage, CursorWindow, keyset
from app.domains.audit.models import AuditEvent


def visible(actor: Actor) -> sa.Select[tuple[AuditEvent]]:
    """Select what the actor did or what was done to them."""
    return sa.select(AuditEvent).where(
        sa.or_(
            AuditEvent.actor_user_id == actor.user_id,
            sa.and_(AuditEvent.subject_type == "user", AuditEvent.subject_id == actor.user_id),
        )
    )


@operation(Access.SIGNED_IN)
def mine(actor: Actor, *, window: CursorWindow) -> CursorPage[AuditEvent]:
    """Return the actor's own part of the trail, newest first."""
    return keyset(visible(actor), window, name="audit.mine", newest_first=[AuditEvent.id])
