"""Periodic jobs by their catalog names: each due once a period however many workers look."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock, figures, limits, outbox
from app.core.db import Base, db

log = logging.getLogger(__name__)

Work = Callable[[], int]
"""Does its part in the running transaction; returns how many rows it changed."""

_LEASE = timedelta(minutes=10)
"""How long a job that was begun is left to whoever began it, and how soon one that failed is tried again."""
_OUTBOX_DAYS, _DEAD_DAYS = 7, 30


@dataclass
class Job:
    """A name of the catalog, and what it does; several domains may each have a part in one."""

    name: str
    every: timedelta
    parts: list[Work] = field(default_factory=list)


JOBS: dict[str, Job] = {}


def job(name: str, *, every: timedelta) -> Callable[[Work], Work]:
    """Register a function as (a part of) a periodic job."""

    def register(part: Work) -> Work:
        JOBS.setdefault(name, Job(name, every)).parts.append(part)
        return part

    return register


class JobRun(Base):
    """When a job is due next, and how it ended last."""

    __tablename__ = "job_runs"

    name: Mapped[str] = mapped_column(sa.String(60), primary_key=True)
    due_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    changed: Mapped[int | None]
    last_error: Mapped[str | None] = mapped_column(sa.String(500))


def runs() -> Mapping[str, JobRun]:
    """Return what is known of each job that was ever due."""
    return {row.name: row for row in db.session.scalars(sa.select(JobRun).order_by(JobRun.name))}


def due() -> list[Job]:
    """Return the jobs that may begin now, unknown ones included."""
    known = runs()
    return [found for name, found in JOBS.items() if name not in known or _is_due(known[name], found)]


def claim(wanted: Job) -> bool:
    """Begin a job; False if it is not due or another worker has it. One never seen waits a period first."""
    now = clock.now()
    row = db.session.get(JobRun, wanted.name, with_for_update=True)
    if row is None:
        try:
            with db.session.begin_nested():
                db.session.add(JobRun(name=wanted.name, due_at=now + wanted.every))
        except IntegrityError:
            pass  # another worker saw it first
        return False
    if not _is_due(row, wanted):
        return False
    row.due_at, row.started_at = now + _LEASE, now
    return True


def run(wanted: Job) -> int:
    """Do all parts of a job; returns how many rows they changed."""
    return sum(part() for part in wanted.parts)


def finished(wanted: Job, *, changed: int = 0, error: Exception | None = None) -> None:
    """Write down how a run ended and when the next is due."""
    now = clock.now()
    row = db.session.get(JobRun, wanted.name)
    if row is None:
        row = JobRun(name=wanted.name)
        db.session.add(row)
    row.finished_at = now
    row.changed = None if error else changed
    row.last_error = f"{type(error).__name__}: {error}"[:500] if error else None
    row.due_at = now + (min(_LEASE, wanted.every) if error else wanted.every)


def _is_due(row: JobRun, known: Job) -> bool:
    now = clock.now()
    # Further ahead than a period: the test clock was turned back.
    return row.due_at <= now or row.due_at > now + max(known.every, _LEASE)


@job("retention.prune", every=timedelta(days=1))
def _prune_core() -> int:
    now = clock.now()
    old = {"done_before": now - timedelta(days=_OUTBOX_DAYS), "dead_before": now - timedelta(days=_DEAD_DAYS)}
    return outbox.prune(**old) + limits.prune() + figures.prune()
