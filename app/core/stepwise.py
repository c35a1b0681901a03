"""What is made in the background step by step: each step is a promise, and only the newest one counts.

A step that a worker died in is made again by the next; one that comes late, or twice, changes nothing.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock, outbox
from app.core.db import Identified, Words, db
from app.core.outbox import Claimed, OutboxRow

KEPT = timedelta(days=7)
"""How long an export can be fetched once it is finished."""
REMEMBERED = timedelta(days=90)
"""How long it is shown that there was one."""


class ExportState(StrEnum):
    QUEUED = "queued"
    MAKING = "making"
    READY = "ready"
    FAILED = "failed"
    EXPIRED = "expired"


UNDER_WAY = (ExportState.QUEUED, ExportState.MAKING)


class Stepwise(Identified):
    """The columns of something that is made in steps."""

    state: Mapped[ExportState] = mapped_column(Words(ExportState), default=ExportState.QUEUED)
    progress: Mapped[int] = mapped_column(default=0)
    """Of 100."""
    position: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """How far it is: what the next step begins with."""
    step_uid: Mapped[UUID | None]
    """The promise that makes the next step; any other one is late."""
    size: Mapped[int | None] = mapped_column(sa.BigInteger)
    requested_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]

    @property
    def is_under_way(self) -> bool:
        """Say whether it is still being made."""
        return self.state in UNDER_WAY


M = TypeVar("M", bound=Stepwise)


def begin(kind: str, made: Stepwise) -> None:
    """Promise the next step; an older promise is void from now on."""
    made.step_uid = outbox.promise(kind, {"export_id": made.id}).uid


def current(model: type[M], claimed: Claimed) -> M | None:
    """Return what a step is of; None if it is gone, given up, or another promise's by now."""
    made = db.session.get(model, claimed.payload["export_id"])
    if made is None or made.step_uid != claimed.uid or made.state not in UNDER_WAY:
        return None
    return made


def finish(made: Stepwise, *, size: int) -> datetime:
    """Mark it ready; returns until when it can be fetched."""
    now = clock.now()
    made.state, made.progress, made.size, made.step_uid = ExportState.READY, 100, size, None
    made.finished_at, made.expires_at = now, now + KEPT
    return made.expires_at


def give_up(made: Stepwise) -> None:
    """Mark it failed."""
    made.state, made.finished_at, made.step_uid = ExportState.FAILED, clock.now(), None


def nobody_goes_on(model: type[Stepwise]) -> sa.ColumnElement[bool]:
    """Say of one under way that its step was given up."""
    step = sa.select(OutboxRow.id).where(OutboxRow.uid == model.step_uid, OutboxRow.dead_at.is_(None))
    return sa.and_(model.state.in_(UNDER_WAY), ~sa.exists(step))


def is_being_made(model: type[Stepwise]) -> sa.ColumnElement[bool]:
    """Say that one is under way and somebody goes on with it."""
    return sa.and_(model.state.in_(UNDER_WAY), ~nobody_goes_on(model))
