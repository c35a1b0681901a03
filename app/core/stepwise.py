"""What is made in the background step by step: each step is a promise, and only the newest one counts.

A step that a worker died in is made again by the next; one that comes late, or twice, changes nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Generic, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock, outbox
from app.core.db import Identified, Words, db, one_wins, read, rows_changed
from app.core.errors import Conflict, NotFound
from app.core.outbox import Claimed, OutboxRow

KEPT = timedelta(days=7)
"""How long an export can be fetched once it is finished."""
REMEMBERED = timedelta(days=90)
"""How long it is shown that there was one."""
_SHOWN = 5
_AT_ONCE = 500
"""Let go of in one run of a job; the next takes the others."""


class ExportState(StrEnum):
    QUEUED = "queued"
    MAKING = "making"
    READY = "ready"
    FAILED = "failed"
    EXPIRED = "expired"


UNDER_WAY = (ExportState.QUEUED, ExportState.MAKING)


class ExportNotFound(NotFound):
    code, message = "export:not_found", "There is no such export."


class ExportUnderWay(Conflict):
    code, message = "export:under_way", "An export is being made already."


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


M = TypeVar("M", bound=Stepwise)


@dataclass(frozen=True)
class Sheet(Generic[M]):
    """One as those see it who asked for it."""

    export: M
    given_up: bool
    """Whether nobody goes on with it, though it is not marked so yet."""

    @property
    def state(self) -> ExportState:
        """Return how it is; one that has run out is over before its file is gone."""
        over = self.export.expires_at is not None and self.export.expires_at <= clock.now()
        if self.export.state is ExportState.READY and over:
            return ExportState.EXPIRED
        return ExportState.FAILED if self.given_up else self.export.state

    @property
    def is_under_way(self) -> bool:
        """Say whether it is being made."""
        return self.state in UNDER_WAY


def latest(model: type[M], visible: sa.Select[tuple[M]]) -> Sequence[Sheet[M]]:
    """Return the latest of those that somebody may see, the newest first; five at most."""
    query = visible.add_columns(nobody_goes_on(model)).order_by(model.id.desc()).limit(_SHOWN)
    return [Sheet(export, bool(given_up)) for export, given_up in db.session.execute(query).all()]


def finished(model: type[M], visible: sa.Select[tuple[M]], uid: UUID) -> M:
    """Return one that somebody may see and can fetch.

    :raises ExportNotFound: another's, not finished, or run out
    """
    found = db.session.scalar(
        visible.where(model.uid == uid, model.state == ExportState.READY, model.expires_at > clock.now())
    )
    if found is None:
        raise ExportNotFound
    return found


def require_none_under_way(model: type[Stepwise], *whose: sa.ColumnElement[bool]) -> None:
    """Refuse to make a second one beside the first; asked before anything is counted or written.

    :raises ExportUnderWay: if one is under way and somebody goes on with it
    """
    under_way = (model.state.in_(UNDER_WAY), ~nobody_goes_on(model))
    if read(sa.select(model.id).where(*whose, *under_way)):
        raise ExportUnderWay


def add(kind: str, made: Stepwise) -> None:
    """Write one down and promise its first step.

    :raises ExportUnderWay: if another was a moment earlier
    """
    with one_wins(or_else=ExportUnderWay):
        db.session.add(made)
    begin(kind, made)


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


def give_up_stuck(model: type[M], discard: Callable[[M], None], *whose: sa.ColumnElement[bool]) -> int:
    """Mark failed those whose step was given up, so that another can be asked for; returns how many.

    :param discard: lets go of what was written of one so far
    """
    found = db.session.scalars(sa.select(model).where(nobody_goes_on(model), *whose)).all()
    for made in found:
        give_up(made)
        discard(made)
    db.session.flush()  # before another is added beside them
    return len(found)


def expire(model: type[M], discard: Callable[[M], None]) -> int:
    """Let go of the files of those that have run out, and forget old ones; returns how many ran out."""
    now = clock.now()
    over = sa.select(model).where(model.state == ExportState.READY, model.expires_at <= now)
    found = db.session.scalars(over.order_by(model.id).limit(_AT_ONCE)).all()
    for made in found:
        made.state = ExportState.EXPIRED
        discard(made)
    old = sa.delete(model).where(model.requested_at < now - REMEMBERED)
    rows_changed(old.where(model.state.not_in((*UNDER_WAY, ExportState.READY))))
    return len(found)
