"""Promises that outlive a crash: written with the change itself, leased, kept, tried again, at last given up.

Redis is only the bell (``core.redis.ring``). The rows are the truth, and the worker's sweep finds whatever
the bell lost. Keeping one is claim, act, finish, each a transaction of its own: see ``surfaces.worker``.
"""

import logging
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, scoped_session
from sqlalchemy.orm import Session as OrmSession

from app.core import clock, ids, redis
from app.core.db import Base, Identified, db, rows_changed

log = logging.getLogger(__name__)

Payload = Mapping[str, Any]
Act = Callable[[], Payload]
"""Does what was promised, holding no database connection; returns what is kept of the payload: no secrets."""

LEASE = timedelta(seconds=45)
"""How long a row is one worker's; a killed worker's row is taken again within a minute."""
ACT_SECONDS = 20
"""How long an act may take: well below the lease, so that the first worker has ended when a second begins."""
MAX_TRIES = 5
GIVE_UP_AFTER = timedelta(hours=6)
_WAITS = (15, 2 * 60, 10 * 60, 5 * 3600)
"""Seconds after the first, second, … counted try: with jitter five tries end within ``GIVE_UP_AFTER``."""
_UNREACHABLE_WAITS = (5, 15, 30, 60)
_ERROR_LENGTH, _PROMISED = 500, "outbox_promised"


class Unreachable(Exception):
    """The other side is out of reach: wait and ask again; the try does not count."""


class NotNow(Exception):
    """The other side said no for now, or nobody knows what it did: the try counts, the next one waits."""


class Hopeless(Exception):
    """The other side said no for good: trying again would be of no use."""


_PENDING = sa.text("done_at IS NULL AND dead_at IS NULL")
_DEAD = sa.text("dead_at IS NOT NULL")
_DONE = sa.text("done_at IS NOT NULL")


class OutboxRow(Base, Identified):
    """One promise. Its uid is the effect's name for ever: the Message-ID, the idempotency key."""

    __tablename__ = "outbox"

    kind: Mapped[str] = mapped_column(sa.String(40))
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    give_up_at: Mapped[datetime]
    """A try that fails from then on is the last, whatever the reason."""
    due_at: Mapped[datetime]
    """When it may be taken; a lease moves it ahead, so an expired lease is simply due again."""
    attempts: Mapped[int] = mapped_column(default=0)
    """Tries that count, the running one included."""
    waits: Mapped[int] = mapped_column(default=0)
    """How often the other side was out of reach."""
    lease_token: Mapped[UUID | None]
    """Who holds it; whoever does not know the token can neither finish nor fail it."""
    done_at: Mapped[datetime | None]
    dead_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(sa.String(_ERROR_LENGTH))

    __table_args__ = (
        sa.Index("ix_outbox_due", "due_at", "id", sqlite_where=_PENDING, postgresql_where=_PENDING),
        sa.Index("ix_outbox_dead", "dead_at", sqlite_where=_DEAD, postgresql_where=_DEAD),
        sa.Index("ix_outbox_done", "done_at", sqlite_where=_DONE, postgresql_where=_DONE),
    )


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """A row that this worker holds until its lease ends."""

    id: int
    uid: UUID
    kind: str
    payload: Mapping[str, Any]
    give_up_at: datetime
    attempts: int
    waits: int
    lease_token: UUID


Handler = Callable[[Claimed], Act]
HANDLERS: dict[str, Handler] = {}


def handler(kind: str) -> Callable[[Handler], Handler]:
    """Register what keeps promises of a kind: it reads what it needs and returns the idempotent act."""

    def register(function: Handler) -> Handler:
        HANDLERS[kind] = function
        return function

    return register


Sequel = Callable[[Claimed, Payload], None]
SEQUELS: dict[str, Sequel] = {}


def sequel(kind: str) -> Callable[[Sequel], Sequel]:
    """Register what follows an act, with what it returned, in the transaction that marks the promise kept.

    So the next step is promised exactly once, however often the act was begun.
    """

    def register(function: Sequel) -> Sequel:
        SEQUELS[kind] = function
        return function

    return register


Effect = Callable[[Claimed], None]
EFFECTS: dict[str, Effect] = {}


def effect(kind: str) -> Callable[[Effect], Effect]:
    """Register what touches the database alone: it runs in the transaction that marks the promise kept.

    So its rows, and whatever it promises on its part, are there exactly once.
    """

    def register(function: Effect) -> Effect:
        EFFECTS[kind] = function
        return function

    return register


# ---- promising -----------------------------------------------------------------------------------------


def promise(kind: str, payload: Payload, *, due_at: datetime | None = None) -> OutboxRow:
    """Promise something in the running transaction: it is kept if and only if the transaction is committed.

    :param payload: ids and strings; secrets sealed with the context ``outbox:<kind>``
    """
    now = clock.now()
    start = due_at or now
    row = OutboxRow(
        uid=ids.new_uid(),  # now, not at the flush: a caller may want the name at once
        kind=kind,
        payload=dict(payload),
        created_at=now,
        give_up_at=start + GIVE_UP_AFTER,
        due_at=start,
    )
    db.session.add(row)
    if start <= now:
        db.session.info[_PROMISED] = db.session.info.get(_PROMISED, 0) + 1
    return row


def take_promised(session: scoped_session[Any] | OrmSession) -> int:
    """Return how many rows the running transaction promised for now, and begin counting anew."""
    return int(session.info.pop(_PROMISED, 0))


def restore_promised(session: scoped_session[Any] | OrmSession, promised: int) -> None:
    """Go back to a count taken before a savepoint that was rolled back since."""
    session.info[_PROMISED] = promised


def ring(promised: int) -> None:
    """Wake a worker for what was just committed, once a transaction however much it promised; never fails."""
    if promised:
        redis.ring()


# ---- keeping -------------------------------------------------------------------------------------------


def _pending() -> sa.ColumnElement[bool]:
    return sa.and_(OutboxRow.done_at.is_(None), OutboxRow.dead_at.is_(None))


def _time_has_come() -> sa.ColumnElement[bool]:
    now = clock.now()
    # Promised in our future: another machine's clock is ahead, or the test clock was turned back.
    from_the_future = sa.and_(OutboxRow.created_at > now, OutboxRow.attempts == 0, OutboxRow.waits == 0)
    return sa.or_(OutboxRow.due_at <= now, from_the_future)


def _due() -> sa.ColumnElement[bool]:
    return sa.and_(_pending(), _time_has_come(), OutboxRow.attempts < MAX_TRIES)


def due(limit: int) -> Sequence[int]:
    """Return ids of rows that may be taken now, the longest waiting first."""
    query = sa.select(OutboxRow.id).where(_due()).order_by(OutboxRow.due_at, OutboxRow.id).limit(limit)
    return db.session.scalars(query).all()


def needs_a_look() -> bool:
    """Say whether a row may be taken or, with all its tries gone, must be given up."""
    query = sa.select(OutboxRow.id).where(_pending(), _time_has_come()).limit(1)
    return db.session.scalar(query) is not None


def claim(row_id: int) -> Claimed | None:
    """Take one row for the length of a lease; None if it is done, dead, held by another or not due."""
    return _take(OutboxRow.id == row_id)


def claim_next(*, without: Collection[str] = ()) -> Claimed | None:
    """Take the row that has waited longest, of any kind but those named; None if nothing is due."""
    oldest = sa.select(OutboxRow.id).where(_due(), OutboxRow.kind.not_in(without))
    # Two workers on PostgreSQL take two rows; SQLite has one writer at a time and ignores the clause.
    oldest = oldest.order_by(OutboxRow.due_at, OutboxRow.id).limit(1).with_for_update(skip_locked=True)
    return _take(OutboxRow.id == oldest.scalar_subquery())


def _take(which: sa.ColumnElement[bool]) -> Claimed | None:
    taken = (
        sa.update(OutboxRow)
        .where(which, _due())
        .values(lease_token=ids.new_uid(), due_at=clock.now() + LEASE, attempts=OutboxRow.attempts + 1)
        .returning(
            OutboxRow.id,
            OutboxRow.uid,
            OutboxRow.kind,
            OutboxRow.payload,
            OutboxRow.give_up_at,
            OutboxRow.attempts,
            OutboxRow.waits,
            OutboxRow.lease_token,
        )
        .execution_options(synchronize_session=False)
    )
    row = db.session.execute(taken).mappings().one_or_none()
    return Claimed(**row) if row else None


def finish(claimed: Claimed, kept: Payload) -> bool:
    """Mark a row done and reduce its payload to what may be kept; False if the lease was lost meanwhile."""
    held = _settle(claimed, done_at=clock.now(), payload=dict(kept), last_error=None)
    if held and (then := SEQUELS.get(claimed.kind)):
        then(claimed, kept)
    return held


def fail(claimed: Claimed, error: Exception) -> bool:
    """Note a failed try: the row waits longer each time or is given up; False if the lease was lost.

    ``Unreachable`` gives the try back, ``Hopeless`` ends it at once, anything else counts.
    """
    now = clock.now()
    reason = f"{type(error).__name__}: {error}"[:_ERROR_LENGTH]
    unreachable = isinstance(error, Unreachable)
    spent = claimed.attempts >= MAX_TRIES and not unreachable
    if isinstance(error, Hopeless) or spent or now >= claimed.give_up_at:
        _log_given_up(claimed.uid, claimed.kind, reason)
        return _settle(claimed, dead_at=now, last_error=reason)
    wait = _wait(_UNREACHABLE_WAITS, claimed.waits) if unreachable else _wait(_WAITS, claimed.attempts - 1)
    return _settle(
        claimed,
        due_at=now + wait,
        attempts=claimed.attempts - unreachable,
        waits=claimed.waits + unreachable,
        last_error=reason,
    )


def excuse(failed: Collection[Claimed]) -> None:
    """Give tries back that failed together with all others: the server was at fault, not the row."""
    excused = (
        sa.update(OutboxRow)
        .where(OutboxRow.id.in_([row.id for row in failed]), _pending(), OutboxRow.lease_token.is_(None))
        .values(
            attempts=OutboxRow.attempts - 1,
            waits=OutboxRow.waits + 1,
            due_at=clock.now() + _wait(_UNREACHABLE_WAITS, max((row.waits for row in failed), default=0)),
        )
        .execution_options(synchronize_session=False)
    )
    db.session.execute(excused)


def _settle(claimed: Claimed, **values: Any) -> bool:
    settled = (
        sa.update(OutboxRow)
        .where(OutboxRow.id == claimed.id, OutboxRow.lease_token == claimed.lease_token)
        .values(lease_token=None, **values)
        .returning(OutboxRow.id)
        .execution_options(synchronize_session=False)
    )
    return db.session.execute(settled).one_or_none() is not None


def _wait(steps: Sequence[int], failures: int) -> timedelta:
    base = steps[min(failures, len(steps) - 1)]
    # 10 % either way, so that a herd spreads.
    return timedelta(milliseconds=base * (900 + secrets.randbelow(201)))


def bury_lost() -> int:
    """Give up on rows whose every try ended with a dead worker; returns how many."""
    reason = "the worker died each time it tried"
    lost = (
        sa.update(OutboxRow)
        .where(_pending(), OutboxRow.due_at <= clock.now(), OutboxRow.attempts >= MAX_TRIES)
        .values(dead_at=clock.now(), lease_token=None, last_error=reason)
        .returning(OutboxRow.uid, OutboxRow.kind)
        .execution_options(synchronize_session=False)
    )
    buried = db.session.execute(lost).all()
    for uid, kind in buried:
        _log_given_up(uid, kind, reason)
    return len(buried)


def _log_given_up(uid: UUID, kind: str, reason: str) -> None:
    log.error("outbox: gave up", extra={"outbox_uid": str(uid), "kind": kind, "reason": reason})


# ---- looking after -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """How the outbox stands."""

    waiting: int
    dead: int
    oldest_seconds: float
    """How long ago the oldest that waits was promised; 0 when none does."""


def backlog() -> Backlog:
    """Return the figures that operators watch."""
    waiting, oldest = db.session.execute(
        sa.select(sa.func.count(), sa.func.min(OutboxRow.created_at)).where(_pending())
    ).one()
    dead_rows = db.session.scalar(sa.select(sa.func.count()).where(OutboxRow.dead_at.is_not(None))) or 0
    age = max(0.0, (clock.now() - oldest).total_seconds()) if oldest else 0.0
    return Backlog(waiting=waiting, dead=dead_rows, oldest_seconds=age)


def waiting(limit: int = 100) -> Sequence[OutboxRow]:
    """Return promises not kept yet, the next due first."""
    query = sa.select(OutboxRow).where(_pending()).order_by(OutboxRow.due_at, OutboxRow.id).limit(limit)
    return db.session.scalars(query).all()


def dead(limit: int = 100) -> Sequence[OutboxRow]:
    """Return promises that were given up, the latest first."""
    given_up = sa.select(OutboxRow).where(OutboxRow.dead_at.is_not(None))
    query = given_up.order_by(OutboxRow.dead_at.desc(), OutboxRow.id.desc()).limit(limit)
    return db.session.scalars(query).all()


def revive(row_ids: Collection[int]) -> int:
    """Try dead rows again from the first try on; returns how many there were."""
    now = clock.now()
    revived = (
        sa.update(OutboxRow)
        .where(OutboxRow.id.in_(row_ids), OutboxRow.dead_at.is_not(None))
        .values(dead_at=None, attempts=0, waits=0, due_at=now, give_up_at=now + GIVE_UP_AFTER)
        .returning(OutboxRow.id)
        .execution_options(synchronize_session=False)
    )
    count = len(db.session.scalars(revived).all())
    db.session.info[_PROMISED] = db.session.info.get(_PROMISED, 0) + count
    return count


def hurry() -> None:
    """Make everything due that waits; for testers who turned the clock back."""
    now = clock.now()
    held_by_nobody = sa.or_(OutboxRow.lease_token.is_(None), OutboxRow.due_at > now + LEASE)
    late = sa.update(OutboxRow).where(_pending(), OutboxRow.due_at > now, held_by_nobody).values(due_at=now)
    db.session.execute(late.execution_options(synchronize_session=False))


def prune(*, done_before: datetime, dead_before: datetime) -> int:
    """Delete rows done or dead before the moments given; returns how many."""
    old = sa.delete(OutboxRow).where(sa.or_(OutboxRow.done_at < done_before, OutboxRow.dead_at < dead_before))
    return rows_changed(old)
