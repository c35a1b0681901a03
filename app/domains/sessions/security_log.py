"""A person's security log: what happened to their account, from which device and where."""

from dataclasses import dataclass
from datetime import datetime

from app.core.access import Access, Actor, operation
from app.core.paging import CursorPage, CursorWindow
from app.domains.audit.groups import GROUP_OF, Group
from app.domains.audit.models import AuditEvent
from app.domains.audit.queries import security_events
from app.domains.sessions.devices import country_of, describe

MOST = 5_000
"""How many of the newest lines a download holds."""


@dataclass(frozen=True)
class LogLine:
    """One line of the log; where somebody else acted, nothing is said of their device and place."""

    event: AuditEvent
    group: Group
    by_somebody_else: bool
    device: str
    ip: str | None
    country: str | None
    by_support: bool
    """Whether it was support, in the person's name and with their consent."""
    here: bool
    """Whether the session that reads the log did it."""


@operation(Access.INTERACTIVE)
def security_log(
    actor: Actor,
    *,
    window: CursorWindow,
    group: Group | None = None,
    since: datetime | None = None,
    before: datetime | None = None,
) -> CursorPage[LogLine]:
    """Return a part of the actor's log, newest first.

    :raises BadCursor: if the cursor was not given out for this list
    """
    found = security_events(actor, window=window, group=group, since=since, before=before)
    return CursorPage([_line(actor, event) for event in found.items], found.next_cursor)


@operation(Access.INTERACTIVE)
def whole_log(
    actor: Actor, *, group: Group | None = None, since: datetime | None = None, before: datetime | None = None
) -> CursorPage[LogLine]:
    """Return the newest lines of the log that a download holds; the page says whether there were more."""
    return security_log(actor, window=CursorWindow(limit=MOST), group=group, since=since, before=before)


def _line(actor: Actor, event: AuditEvent) -> LogLine:
    by_support = event.impersonator_user_id is not None
    another = by_support or event.actor_user_id not in (None, actor.user_id)
    return LogLine(
        event=event,
        group=GROUP_OF.get(event.kind, Group.SUPPORT),
        by_somebody_else=another,
        device="" if another or not event.user_agent else describe(event.user_agent),
        ip=None if another else event.ip,
        country=None if another else country_of(event.ip),
        by_support=by_support,
        here=event.session_id is not None and event.session_id == actor.session_id,
    )
