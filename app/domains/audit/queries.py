"""Reading the trail."""

from datetime import datetime

import sqlalchemy as sa

from app.core.access import Access, Actor, operation
from app.core.paging import CursorPage, CursorWindow, keyset, keyset_of_parts
from app.domains.audit.groups import GROUP_OF, Group
from app.domains.audit.models import AuditEvent

_SESSIONS = sa.table(  # sessions build on the trail, not the other way
    "sessions",
    sa.column("id", sa.BigInteger),
    sa.column("user_id", sa.BigInteger),
    sa.column("kind", sa.String),
)


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


def _tokens_of(actor: Actor) -> sa.Select[tuple[int]]:
    """Select the actor's API tokens: that an admin or a finder ended one is part of their log."""
    mine = (_SESSIONS.c.user_id == actor.user_id, _SESSIONS.c.kind == "api_token")
    return sa.select(_SESSIONS.c.id).where(*mine)


def security_events(
    actor: Actor,
    *,
    window: CursorWindow,
    group: Group | None = None,
    since: datetime | None = None,
    before: datetime | None = None,
) -> CursorPage[AuditEvent]:
    """Return what happened to the actor's account and ways in, newest first; one query."""
    wanted = [kind for kind, its in GROUP_OF.items() if group is None or its is group]
    of_kind: sa.ColumnElement[bool] = AuditEvent.kind.in_(wanted)
    if group in (None, Group.SUPPORT):  # whatever support did in their name, of any kind
        of_kind = sa.or_(of_kind, AuditEvent.impersonator_user_id.is_not(None))
    narrowed: list[sa.ColumnElement[bool]] = [of_kind]
    if since is not None:
        narrowed.append(AuditEvent.at >= since)
    if before is not None:
        narrowed.append(AuditEvent.at < before)
    done = sa.select(AuditEvent).where(AuditEvent.actor_user_id == actor.user_id, *narrowed)
    suffered = sa.select(AuditEvent).where(
        AuditEvent.subject_type == "user",
        AuditEvent.subject_id == actor.user_id,
        AuditEvent.actor_user_id.is_distinct_from(actor.user_id),
        *narrowed,
    )
    of_tokens = sa.select(AuditEvent).where(
        AuditEvent.subject_type == "session",
        AuditEvent.subject_id.in_(_tokens_of(actor)),
        AuditEvent.actor_user_id.is_distinct_from(actor.user_id),
        *narrowed,
    )
    return keyset_of_parts([done, suffered, of_tokens], window, name="audit.security", model=AuditEvent)
