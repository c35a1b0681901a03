"""Searching the trail: from the newest row on, along an index, and never further than a bounded walk.

One condition at most decides the index; what else is asked for is looked at row by row, and after so many
rows the page says how far it came: the next one goes on from there.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.core.db import UTCDateTime, db
from app.core.paging import CursorWindow, make_cursor, read_cursor
from app.domains.audit.kinds import AuditKind
from app.domains.audit.models import AuditEvent

WALK = 10_000
"""Rows looked at for one page, at most."""
_TEXT = 200
_TOKEN_KINDS = tuple(kind for kind in AuditKind if kind.startswith("api_token."))

Condition = sa.ColumnElement[bool]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What narrows the trail; nothing does where nothing is said."""

    action: str = ""
    """A whole kind, or the beginning of kinds, up to their dot."""
    actor_id: int | None = None
    service_user: UUID | None = None
    by_support: bool = False
    """Whether only what support did in somebody's name is wanted."""
    subject_type: str = ""
    subject_id: int | None = None
    nothing: bool = False
    """Whether something was named that cannot be, such as an id of letters."""
    ip: str = ""
    request_id: str = ""
    since: datetime | None = None
    before: datetime | None = None
    ok: bool | None = None
    text: str = ""

    def kept(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            name: value.isoformat()
            if isinstance(value, datetime)
            else str(value)
            if isinstance(value, UUID)
            else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> "Wanted":
        """Return it as it was kept."""
        known: dict[str, Any] = dict(kept)
        for name in ("since", "before"):
            known[name] = datetime.fromisoformat(known[name]) if known.get(name) else None
        known["service_user"] = UUID(known["service_user"]) if known.get("service_user") else None
        return cls(**known)


@dataclass(frozen=True)
class Found:
    """A page of the trail."""

    events: Sequence[AuditEvent]
    next_cursor: str | None
    searched_until: datetime | None = None
    """How far it was looked, where the walk ended before the page was full."""

    @property
    def has_more(self) -> bool:
        """Say whether rows follow, or may follow."""
        return self.next_cursor is not None


def kinds_of(action: str) -> Sequence[AuditKind]:
    """Return the kinds that an action means: itself, or all that begin with it and a dot."""
    if action.endswith("."):
        return [kind for kind in AuditKind if kind.startswith(action)]
    return [AuditKind(action)] if action in list(AuditKind) else []


def search(
    scopes: Sequence[Condition],
    wanted: Wanted,
    window: CursorWindow,
    *,
    name: str,
    people: Sequence[int] = (),
) -> Found:
    """Return a page of what lies in the scopes (no row in two of them) and is wanted, newest first.

    :param people: of whom the text may be speaking; they are looked for by who has the names
    :raises BadCursor: if the cursor was not given out for the list of that name
    """
    if wanted.nothing or (wanted.action and not kinds_of(wanted.action)):
        return Found((), None)
    along, rest = _split(wanted, people)
    place = _place(name, window.cursor)
    walks = [_walk(scope, along, place, bounded=bool(rest), limit=window.limit) for scope in scopes]
    row = aliased(AuditEvent, sa.union_all(*(sa.select(walk) for walk in walks)).subquery())
    query = sa.select(row).where(*(condition(row) for condition in rest))
    ordered = query.order_by(row.at.desc(), row.id.desc()).limit(window.limit + 1)
    events = list(db.session.scalars(ordered).all())
    if len(events) > window.limit:
        last = events[window.limit - 1]
        return Found(events[: window.limit], make_cursor(name, [last.at, last.id]))
    return _up_to_the_end_of(walks, events, name) if rest else Found(events, None)


def _up_to_the_end_of(walks: Sequence[sa.Subquery], events: list[AuditEvent], name: str) -> Found:
    """Say how far it was looked; what lies beyond the end of the shortest walk is for the next page."""
    newest_first = [
        sa.select(walk.c.at, walk.c.id).order_by(walk.c.at.desc(), walk.c.id.desc()) for walk in walks
    ]
    ends = [db.session.execute(one.offset(WALK - 1).limit(1)).first() for one in newest_first]
    full = [(end.at, end.id) for end in ends if end is not None]
    if not full:
        return Found(events, None)
    end = max(full)
    return Found([event for event in events if (event.at, event.id) >= end], make_cursor(name, end), end[0])


def _place(name: str, cursor: str | None) -> Condition | None:
    if not cursor:
        return None
    at, row_id = read_cursor(name, cursor, 2)
    here = sa.tuple_(AuditEvent.at, AuditEvent.id)
    return here < sa.tuple_(sa.literal(at, UTCDateTime()), sa.literal(row_id, sa.BigInteger()))


def _walk(
    scope: Condition, along: Sequence[Condition], place: Condition | None, *, bounded: bool, limit: int
) -> sa.Subquery:
    query = sa.select(AuditEvent).where(scope, *along)
    if place is not None:
        query = query.where(place)
    query = query.order_by(AuditEvent.at.desc(), AuditEvent.id.desc())
    return query.limit(WALK if bounded else limit + 1).subquery()


def _split(wanted: Wanted, people: Sequence[int]) -> tuple[list[Condition], list[Any]]:
    """Part what is wanted into what an index answers and what each row is asked."""
    along: list[Condition] = []
    if wanted.since is not None:
        along.append(AuditEvent.at >= wanted.since)
    if wanted.before is not None:
        along.append(AuditEvent.at < wanted.before)
    indexed = _by_index(wanted)
    along.extend(first(AuditEvent) for first in indexed[:1])
    rest = indexed[1:]
    return along, [*rest, *_by_row(wanted, people)]


def _by_index(wanted: Wanted) -> list[Any]:
    """Return what has an index of its own, the rarest first."""
    found: list[Any] = []
    if wanted.request_id:
        found.append(lambda row: row.request_id == wanted.request_id)
    if wanted.subject_type and wanted.subject_id is not None:
        found.append(_of_subject(wanted.subject_type, wanted.subject_id))
    if wanted.ip:
        found.append(lambda row: row.ip == wanted.ip)
    if wanted.actor_id is not None:
        found.append(lambda row: row.actor_user_id == wanted.actor_id)
    kinds = kinds_of(wanted.action)
    if len(kinds) == 1:
        found.append(lambda row: row.kind == kinds[0])
    return found


def _of_subject(subject_type: str, subject_id: int) -> Any:
    kept = "session" if subject_type == "api_token" else subject_type
    return lambda row: sa.and_(row.subject_type == kept, row.subject_id == subject_id)


def _by_row(wanted: Wanted, people: Sequence[int]) -> list[Any]:
    found: list[Any] = []
    kinds = kinds_of(wanted.action)
    if len(kinds) > 1:
        found.append(lambda row: row.kind.in_(kinds))
    if wanted.subject_type:
        found.append(_of_type(wanted.subject_type))
    if wanted.subject_id is not None and not wanted.subject_type:
        found.append(lambda row: row.subject_id == wanted.subject_id)
    if wanted.service_user is not None:
        found.append(lambda row: row.actor_uid == wanted.service_user)
    if wanted.by_support:
        found.append(lambda row: row.impersonator_user_id.is_not(None))
    if wanted.ok is not None:
        found.append(lambda row: row.ok.is_(wanted.ok))
    if wanted.text:
        found.append(_saying(wanted.text[:_TEXT], people))
    return found


def _of_type(subject_type: str) -> Any:
    if subject_type == "api_token":
        return lambda row: sa.and_(row.subject_type == "session", row.kind.in_(_TOKEN_KINDS))
    return lambda row: row.subject_type == subject_type


def _saying(text: str, people: Sequence[int]) -> Any:
    """Return the condition that a row says a text somewhere, or is by somebody of that name."""
    as_json = json.dumps(text)[1:-1]  # changes are kept as JSON, letters beyond ASCII escaped

    def says(row: Any) -> Condition:
        return sa.or_(
            sa.type_coerce(row.kind, sa.String).icontains(text, autoescape=True),
            sa.cast(row.changes, sa.Text).icontains(as_json, autoescape=True),
            row.user_agent.icontains(text, autoescape=True),
            row.dialect == text,
            row.ip == text,
            row.request_id == text,
            row.actor_user_id.in_(people),
            sa.and_(row.subject_type == "user", row.subject_id.in_(people)),
        )

    return says
