"""Lanes of the outbox: what depends on somebody else's server waits apart, and slows nobody else.

A lane is worked in by one worker at a time, and in turns: whoever has waited longest is next. When its server
fails the lane rests, longer each time; what waits in it waits, without being tried one by one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import aliased

from app.core import clock, ids
from app.core.db import db, is_sqlite
from app.core.outbox_rows import (
    ASIDE_LANE,
    LEASE,
    MAIN_LANE,
    MAX_TRIES,
    OutboxLane,
    OutboxRow,
    pending,
    time_has_come,
)

_RESTS = (5, 10, 15, 30, 60, 60, 60, 120, 120, 300)
"""Seconds after the first, second, … turn in a row that failed; ten in a row take a quarter of an hour."""
_LONGEST = timedelta(seconds=_RESTS[-1])
_FAILING_AT_ONCE = 2
"""How many lanes whose server failed last may be worked in at a time: each may hold a hand for long."""


@dataclass(frozen=True)
class Held:
    """A lane that this worker works in until its lease ends or it is given back."""

    lane: str
    token: UUID


Rest = Callable[[str], None]
_on_rest: list[Rest] = []


def on_rest(function: Rest) -> Rest:
    """Register what hears, in the same transaction, that a lane rests because its server fails."""
    _on_rest.append(function)
    return function


def ready(limit: int = 1) -> int:
    """Return how many lanes somebody could work in now, counted up to a limit."""
    return len(db.session.scalars(_ready().limit(limit)).all())


def take() -> Held | None:
    """Take the lane that has waited longest for its turn; None if there is none."""
    for lane in db.session.scalars(_ready().limit(4)).all():
        held = Held(lane, ids.new_uid())
        if _hold(held):
            return held
    return None


def prolong(held: Held) -> bool:
    """Hold a lane for another lease; False if it was lost meanwhile."""
    return _change(held, held_until=clock.now() + LEASE)


def give_back(held: Held, *, failed: bool, works: bool = False) -> None:
    """Let others work in a lane, at once or, when its server fails, after a rest.

    :param works: whether its server took something, so that earlier failures are forgotten
    """
    if not failed:
        forgotten = {"failures": 0, "rests_until": None} if works else {}
        _change(held, held_until=None, held_by=None, turn_at=clock.now(), **forgotten)
        return
    before = db.session.scalar(sa.select(OutboxLane.failures).where(OutboxLane.lane == held.lane)) or 0
    rest = timedelta(seconds=_RESTS[min(before, len(_RESTS) - 1)])
    now = clock.now()
    if _change(held, held_until=None, held_by=None, turn_at=now, failures=before + 1, rests_until=now + rest):
        for function in _on_rest:
            function(held.lane)


def rests(lane: str) -> sa.ColumnElement[bool]:
    """Say in SQL that a lane rests now."""
    return sa.exists().where(OutboxLane.lane == lane, _resting())


def is_resting(lane: str) -> bool:
    """Say whether a lane rests now."""
    return bool(db.session.scalar(sa.select(rests(lane))))


def wake(lane: str) -> None:
    """End a lane's rest: its server was changed."""
    db.session.execute(
        sa.update(OutboxLane)
        .where(OutboxLane.lane == lane)
        .values(failures=0, rests_until=None)
        .execution_options(synchronize_session=False)
    )


def move(lane: str, to: str, *which: sa.ColumnElement[bool]) -> None:
    """Let what waits in a lane, and nobody holds, wait in another."""
    db.session.execute(
        sa.update(OutboxRow)
        .where(OutboxRow.lane == lane, pending(), OutboxRow.lease_token.is_(None), *which)
        .values(lane=to)
        .execution_options(synchronize_session=False)
    )


def bury_late() -> list[UUID]:
    """Give up what waited too long in lanes that never worked; returns the promises' names."""
    now = clock.now()
    late = (
        sa.update(OutboxRow)
        .where(
            OutboxRow.lane.not_in((MAIN_LANE, ASIDE_LANE)),
            pending(),
            OutboxRow.lease_token.is_(None),
            OutboxRow.give_up_at < now,
            OutboxRow.lane.in_(sa.select(OutboxLane.lane).where(OutboxLane.failures > 0)),
        )
        .values(dead_at=now, last_error="its server did not answer for too long")
        .returning(OutboxRow.uid)
        .execution_options(synchronize_session=False)
    )
    return list(db.session.scalars(late))


def _resting() -> sa.ColumnElement[bool]:
    now = clock.now()
    # Further ahead than any rest: the test clock was turned back.
    return sa.and_(OutboxLane.rests_until > now, OutboxLane.rests_until <= now + _LONGEST)


def _held(lane: type[OutboxLane] = OutboxLane) -> sa.ColumnElement[bool]:
    now = clock.now()
    return sa.and_(lane.held_until > now, lane.held_until <= now + LEASE)


def _works_or_has_room() -> sa.ColumnElement[bool]:
    """Say in SQL that a lane's server worked last, or that few of those that did not are worked in now."""
    failing = aliased(OutboxLane)
    held = sa.select(sa.func.count()).select_from(failing).where(failing.failures > 0, _held(failing))
    works = sa.func.coalesce(OutboxLane.failures, 0) == 0
    return sa.or_(works, held.scalar_subquery() < _FAILING_AT_ONCE)


def _ready() -> sa.Select[tuple[str]]:
    waiting = (
        sa.select(OutboxRow.lane.label("lane"), sa.func.min(OutboxRow.due_at).label("due_at"))
        .where(OutboxRow.lane.not_in((MAIN_LANE, ASIDE_LANE)), pending(), time_has_come())
        .where(OutboxRow.attempts < MAX_TRIES)
        .group_by(OutboxRow.lane)
        .subquery()
    )
    free = sa.or_(OutboxLane.lane.is_(None), sa.not_(sa.or_(_is(_held()), _is(_resting()))))
    return (
        sa.select(waiting.c.lane)
        .outerjoin(OutboxLane, OutboxLane.lane == waiting.c.lane)
        .where(free, _works_or_has_room())
        .order_by(sa.func.coalesce(OutboxLane.turn_at, waiting.c.due_at), waiting.c.lane)
    )


def _is(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Take what is unknown (no such moment) for false."""
    return sa.func.coalesce(condition, sa.false())


def _hold(held: Held) -> bool:
    make = sqlite_insert if is_sqlite() else postgresql_insert
    values = {"held_until": clock.now() + LEASE, "held_by": held.token}
    statement = (
        make(OutboxLane)
        .values(lane=held.lane, failures=0, **values)
        .on_conflict_do_update(
            index_elements=["lane"], set_=values, where=sa.not_(sa.or_(_is(_held()), _is(_resting())))
        )
        .returning(OutboxLane.lane)
    )
    return db.session.execute(statement).one_or_none() is not None


def _change(held: Held, **values: object) -> bool:
    changed = (
        sa.update(OutboxLane)
        .where(OutboxLane.lane == held.lane, OutboxLane.held_by == held.token)
        .values(**values)
        .returning(OutboxLane.lane)
        .execution_options(synchronize_session=False)
    )
    return db.session.execute(changed).one_or_none() is not None
