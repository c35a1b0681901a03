"""What is asked for and done after a waiting period: reminded of once, promised to a worker when it is due.

A row stands for the wish for as long as it can be taken back: whoever takes the row away decides.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

from app.core import clock, outbox
from app.core.db import Numbered, db, one_wins
from app.core.errors import AppError

_REMIND_AHEAD = timedelta(days=1)
_PROMISE_AGAIN = timedelta(hours=7)
"""Longer than a promise lives: one that was given up is made anew."""


class Waiting(Numbered):
    """The columns of a wish that waits."""

    requested_at: Mapped[datetime]
    due_at: Mapped[datetime] = mapped_column(index=True)
    reminded_at: Mapped[datetime | None]
    promised_at: Mapped[datetime | None]
    """When it was last handed to a worker."""


W = TypeVar("W", bound=Waiting)


def begin(wish: Waiting, *, days: int, or_else: type[AppError]) -> datetime:
    """Write a wish down; returns when it is due.

    :param days: how long it can be taken back
    :param or_else: what is raised if its unique key says that there is one already
    """
    wish.requested_at = clock.now()
    wish.due_at = wish.requested_at + timedelta(days=days)
    with one_wins(or_else=or_else):
        db.session.add(wish)
    return wish.due_at


def to_remind(model: type[W]) -> Sequence[W]:
    """Return the wishes that are due within a day, each one time only."""
    now = clock.now()
    near = sa.select(model).where(
        model.due_at <= now + _REMIND_AHEAD,
        model.due_at > now,
        model.reminded_at.is_(None),
        # A waiting period of a day is its own reminder.
        model.requested_at < now - _REMIND_AHEAD / 2,
    )
    found = db.session.scalars(near.order_by(model.id).with_for_update(skip_locked=True)).all()
    for wish in found:
        wish.reminded_at = now
    return found


def promise_due(whose: InstrumentedAttribute[int], kind: str) -> int:
    """Hand what is due to the workers, one promise each; returns how many.

    :param whose: the column that says whose wish it is; it stands in the promise under its own name
    :param kind: of the promise
    """
    model: Any = whose.class_
    now = clock.now()
    due = sa.update(model).where(
        model.due_at <= now,
        sa.or_(model.promised_at.is_(None), model.promised_at < now - _PROMISE_AGAIN),
    )
    found = db.session.scalars(
        due.values(promised_at=now).returning(whose).execution_options(synchronize_session=False)
    ).all()
    for key in found:
        outbox.promise(kind, {whose.key: key})
    return len(found)
