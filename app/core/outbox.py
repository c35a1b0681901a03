"""Promises that outlive a crash: written with the change itself, leased, kept, tried again, at last given up.

Redis is only the bell (``core.redis.ring``). The rows are the truth, and the worker's sweep finds whatever
the bell lost. Keeping one is claim, act, finish, each a transaction of its own: see ``surfaces.worker``.
"""

import logging
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm import scoped_session

from app.core import clock, figures, ids, redis
from app.core.db import db, rows_changed
from app.core.outbox_kinds import (
    BURIALS,
    EFFECTS,
    FAILURES,
    HANDLERS,
    PATIENT,
    SEQUELS,
    Act,
    Effect,
    Handler,
    effect,
    handler,
    on_burial,
    on_failure,
    sequel,
)
from app.core.outbox_rows import (
    ASIDE_LANE,
    ERROR_LENGTH,
    LEASE,
    MAIN_LANE,
    MAX_TRIES,
    Claimed,
    Hopeless,
    NotNow,
    OutboxRow,
    Payload,
    Unreachable,
    WrongLane,
    pending,
    time_has_come,
)

__all__ = [
    "ASIDE_LANE",
    "EFFECTS",
    "HANDLERS",
    "LEASE",
    "MAIN_LANE",
    "MAX_TRIES",
    "PATIENT",
    "Act",
    "Claimed",
    "Effect",
    "Handler",
    "Hopeless",
    "NotNow",
    "OutboxRow",
    "Payload",
    "Unreachable",
    "WrongLane",
    "effect",
    "handler",
    "on_burial",
    "on_failure",
    "sequel",
]

log = logging.getLogger(__name__)

ACT_SECONDS = 20
"""How long an act may take: well below the lease, so that the first worker has ended when a second begins."""
HURRIED_SECONDS = 1
"""How long others may wait for an act that is not patient; one that takes longer is begun again aside."""
GIVE_UP_AFTER = timedelta(hours=6)
_WAITS = (15, 2 * 60, 10 * 60, 5 * 3600)
"""Seconds after the first, second, … counted try: with jitter five tries end within ``GIVE_UP_AFTER``."""
_UNREACHABLE_WAITS = (5, 15, 30, 60)
_PROMISED = "outbox_promised"


# ---- promising -----------------------------------------------------------------------------------------


def promise(
    kind: str, payload: Payload, *, due_at: datetime | None = None, lane: str = MAIN_LANE
) -> OutboxRow:
    """Promise something in the running transaction: it is kept if and only if the transaction is committed.

    :param payload: ids and strings; secrets as ``sealed``, with the context ``outbox:<kind>``
    :param lane: names the server that it depends on, where that is somebody else's (``core.lanes``)
    """
    now = clock.now()
    start = due_at or now
    row = OutboxRow(
        uid=ids.new_uid(),  # now, not at the flush: a caller may want the name at once
        kind=kind,
        lane=lane,
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


def _due() -> sa.ColumnElement[bool]:
    # Whoever held a row till its lease ended is dead: that is written down first (``note_deaths``).
    held_by_nobody = OutboxRow.lease_token.is_(None)
    return sa.and_(pending(), time_has_come(), held_by_nobody, OutboxRow.attempts < MAX_TRIES)


def due(limit: int) -> Sequence[int]:
    """Return ids of rows that may be taken now, the longest waiting first."""
    query = sa.select(OutboxRow.id).where(_due()).order_by(OutboxRow.due_at, OutboxRow.id).limit(limit)
    return db.session.scalars(query).all()


def needs_a_look(lane: str = MAIN_LANE) -> bool:
    """Say whether a row of a lane may be taken or, with all its tries gone, must be given up."""
    query = sa.select(OutboxRow.id).where(pending(), time_has_come(), OutboxRow.lane == lane).limit(1)
    return db.session.scalar(query) is not None


def claim(row_id: int) -> Claimed | None:
    """Take one row for the length of a lease; None if it is done, dead, held by another or not due."""
    return _take(OutboxRow.id == row_id)


def claim_next(*, without: Collection[str] = (), lane: str = MAIN_LANE) -> Claimed | None:
    """Take the row of a lane that has waited longest, of any kind but those named; None if nothing is due."""
    oldest = sa.select(OutboxRow.id).where(OutboxRow.lane == lane, _due(), OutboxRow.kind.not_in(without))
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
            OutboxRow.lane,
            OutboxRow.payload,
            OutboxRow.give_up_at,
            OutboxRow.attempts,
            OutboxRow.waits,
            OutboxRow.lease_token,
        )
        .execution_options(synchronize_session=False)
    )
    row = db.session.execute(taken).mappings().one_or_none()
    if row is None:
        return None
    # Aside or not, it depends on nobody's server: that is all that its lane says to who keeps it.
    return Claimed(**{**row, "lane": MAIN_LANE if row["lane"] == ASIDE_LANE else row["lane"]})


def finish(claimed: Claimed, kept: Payload) -> bool:
    """Mark a row done and reduce its payload to what may be kept; False if the lease was lost meanwhile."""
    held = _settle(claimed, done_at=clock.now(), payload=dict(kept), last_error=None)
    if not held:
        return False
    if claimed.kind == "mail":
        figures.add(figures.MAILS)
    if then := SEQUELS.get(claimed.kind):
        then(claimed, kept)
    return True


def fail(claimed: Claimed, error: Exception) -> bool:
    """Note a failed try: the row waits longer each time or is given up; False if the lease was lost.

    ``Unreachable`` gives the try back, ``Hopeless`` ends it at once, anything else counts.
    """
    if isinstance(error, WrongLane):
        return _settle(claimed, lane=error.lane, due_at=clock.now(), attempts=claimed.attempts - 1)
    now = clock.now()
    reason = f"{type(error).__name__}: {error}"[:ERROR_LENGTH]
    unreachable = isinstance(error, Unreachable)
    spent = claimed.attempts >= MAX_TRIES and not unreachable
    given_up = isinstance(error, Hopeless) or spent or now >= claimed.give_up_at
    if given_up:
        held = _settle(claimed, dead_at=now, last_error=reason)
        if held:
            _given_up(claimed.id, claimed.uid, claimed.kind, reason, in_vain=not isinstance(error, Hopeless))
    else:
        steps, step = (_UNREACHABLE_WAITS, claimed.waits) if unreachable else (_WAITS, claimed.attempts - 1)
        held = _settle(
            claimed,
            due_at=now + _wait(steps, step),
            attempts=claimed.attempts - unreachable,
            waits=claimed.waits + unreachable,
            last_error=reason,
        )
    if held and (heard := FAILURES.get(claimed.kind)):
        heard(claimed, error, given_up)
    return held


def set_aside(claimed: Claimed, reason: str) -> None:
    """Let a row that held others up, and those of its kind that wait, be kept by a process of their own."""
    _settle(claimed, lane=ASIDE_LANE, due_at=clock.now(), last_error=reason[:ERROR_LENGTH])
    of_its_kind = (
        sa.update(OutboxRow)
        .where(OutboxRow.lane == MAIN_LANE, OutboxRow.kind == claimed.kind, pending())
        .where(OutboxRow.lease_token.is_(None))
        .values(lane=ASIDE_LANE)
    )
    db.session.execute(of_its_kind.execution_options(synchronize_session=False))


def excuse(failed: Collection[Claimed]) -> None:
    """Give tries back that failed together with all others: the server was at fault, not the row."""
    excused = (
        sa.update(OutboxRow)
        .where(OutboxRow.id.in_([row.id for row in failed]), pending(), OutboxRow.lease_token.is_(None))
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


def note_deaths() -> int:
    """Write down which rows were held by a worker that is dead; returns how many.

    Such a row may be what killed it. So it is tried again aside: the first time at once, then after waits
    that grow as after any failure.
    """
    now = clock.now()
    waits = {tries: now + _wait(_WAITS, tries - 1) for tries in range(2, MAX_TRIES)}
    held_too_long = (
        sa.update(OutboxRow)
        .where(pending(), OutboxRow.due_at <= now, OutboxRow.lease_token.is_not(None))
        .where(OutboxRow.attempts < MAX_TRIES)
        .values(
            lease_token=None,
            lane=sa.case((OutboxRow.lane == MAIN_LANE, ASIDE_LANE), else_=OutboxRow.lane),
            due_at=sa.case(waits, value=OutboxRow.attempts, else_=now),
            last_error="the worker died while it tried",
        )
    )
    return rows_changed(held_too_long.execution_options(synchronize_session=False))


def bury_lost() -> int:
    """Give up on rows whose last try ended with a dead worker; returns how many."""
    reason, now = "the worker died each time it tried", clock.now()
    no_more = sa.or_(
        OutboxRow.attempts >= MAX_TRIES,
        sa.and_(OutboxRow.lease_token.is_not(None), OutboxRow.give_up_at <= now),
    )
    lost = (
        sa.update(OutboxRow)
        .where(pending(), OutboxRow.due_at <= now, no_more)
        .values(dead_at=now, lease_token=None, last_error=reason)
        .returning(OutboxRow.id, OutboxRow.uid, OutboxRow.kind)
        .execution_options(synchronize_session=False)
    )
    buried = db.session.execute(lost).all()
    for row_id, uid, kind in buried:
        _given_up(row_id, uid, kind, reason, in_vain=True)
    return len(buried)


def _given_up(row_id: int, uid: UUID, kind: str, reason: str, *, in_vain: bool) -> None:
    log.error("outbox: gave up", extra={"outbox_uid": str(uid), "kind": kind, "reason": reason})
    if in_vain:
        for heard in BURIALS:
            heard(row_id, uid, kind)


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
        sa.select(sa.func.count(), sa.func.min(OutboxRow.created_at)).where(pending())
    ).one()
    dead_rows = db.session.scalar(sa.select(sa.func.count()).where(OutboxRow.dead_at.is_not(None))) or 0
    age = max(0.0, (clock.now() - oldest).total_seconds()) if oldest else 0.0
    return Backlog(waiting=waiting, dead=dead_rows, oldest_seconds=age)


def waiting(limit: int = 100) -> Sequence[OutboxRow]:
    """Return promises not kept yet, the next due first."""
    query = sa.select(OutboxRow).where(pending()).order_by(OutboxRow.due_at, OutboxRow.id).limit(limit)
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
    late = sa.update(OutboxRow).where(pending(), OutboxRow.due_at > now, held_by_nobody).values(due_at=now)
    db.session.execute(late.execution_options(synchronize_session=False))


def prune(*, done_before: datetime, dead_before: datetime) -> int:
    """Delete rows done or dead before the moments given; returns how many."""
    old = sa.delete(OutboxRow).where(sa.or_(OutboxRow.done_at < done_before, OutboxRow.dead_at < dead_before))
    return rows_changed(old)
