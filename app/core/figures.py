"""Counting what goes on, by the hour: kept in the process for a few seconds, then written down at once.

What is counted here decides nothing; it is for charts and totals. A process that is killed loses what it
counted in the last seconds, and no call waits for another because of it.
"""

import logging
import os
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Base, db, rows_changed

log = logging.getLogger(__name__)

FLUSH_SECONDS = 3.0
KEPT = timedelta(days=400)
"""How long an hour's figures stay: a year can be looked back on."""
CALLS, REFUSED = "calls.", "refused."
"""How the names of answered calls (then the dialect) and of violations (then the code) begin."""
MAILS, SIGN_UPS = "mails", "sign_ups"

Key = tuple[datetime, str]


class Figure(Base):
    """How often something of one name happened in one hour."""

    __tablename__ = "figures"

    hour: Mapped[datetime] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    times: Mapped[int] = mapped_column(sa.BigInteger)


@dataclass
class _Tally:
    """What this process has counted since it last wrote it down."""

    counts: Counter[Key]
    lock: threading.Lock
    timer: threading.Timer | None = None


_tally = _Tally(Counter(), threading.Lock())


def _after_fork() -> None:
    """Begin anew in a child: what the parent counted is the parent's to write, and its timer stayed there."""
    _tally.counts, _tally.lock, _tally.timer = Counter(), threading.Lock(), None


os.register_at_fork(after_in_child=_after_fork)


def this_hour() -> datetime:
    """Return when the hour began in which things are counted now."""
    return clock.now().replace(minute=0, second=0, microsecond=0)


def note(*names: str) -> None:
    """Count one of each name, apart from any transaction; it costs no query."""
    hour = this_hour()
    with _tally.lock:
        for name in names:
            _tally.counts[hour, name] += 1
        if _tally.timer is not None:
            return
        bind = db.engines[None]
        if isinstance(bind, sa.Engine):  # a test's one connection is not for threads
            _tally.timer = threading.Timer(FLUSH_SECONDS, _flush_to, [bind])
            _tally.timer.daemon = True
            _tally.timer.start()


def flush() -> None:
    """Write down at once what this process has counted."""
    _flush_to(db.engines[None])


def forget() -> None:
    """Drop what this process has counted and not written down; for tests."""
    with _tally.lock:
        _tally.counts.clear()


def _flush_to(bind: Any) -> None:
    with _tally.lock:
        taken, _tally.counts, _tally.timer = _tally.counts, Counter(), None
    if not taken:
        return
    try:
        if isinstance(bind, sa.Connection):  # a test that rolls everything back gave us its one connection
            bind.execute(_adding(bind.dialect.name, taken))
        else:
            with bind.begin() as connection:
                connection.execute(_adding(bind.dialect.name, taken))
    except SQLAlchemyError as error:
        log.warning("figures: not written: %s", type(error).__name__)


def add(name: str, count: int = 1) -> None:
    """Count something in the running transaction: it stays if and only if the transaction is committed."""
    add_all({(this_hour(), name): count})


def add_all(counts: Mapping[Key, int]) -> None:
    """Count many things, each in its hour, in the running transaction and with one statement."""
    db.session.execute(_adding(db.engines[None].dialect.name, counts))


def _adding(dialect: str, counts: Mapping[Key, int]) -> Any:
    insert: Any = sqlite_insert if dialect == "sqlite" else postgresql_insert
    # In a fixed order, so that two processes that write the same rows never wait for each other in a circle.
    rows = [{"hour": hour, "name": name[:80], "times": n} for (hour, name), n in sorted(counts.items())]
    statement = insert(Figure).values(rows)
    return statement.on_conflict_do_update(
        index_elements=["hour", "name"], set_={"times": Figure.times + statement.excluded.times}
    )


def total(*, since: datetime, beginning: str) -> int:
    """Return how often anything whose name begins so happened since an hour."""
    query = sa.select(sa.func.coalesce(sa.func.sum(Figure.times), 0)).where(
        Figure.hour >= since, Figure.name.startswith(beginning, autoescape=True)
    )
    return int(db.session.scalar(query) or 0)


def by_hour(*, since: datetime, series: Mapping[str, str]) -> Sequence[tuple[datetime, str, int]]:
    """Return hour by hour how often what belongs to a series happened: one row an hour and series.

    :param series: what the series of names with such a beginning is called
    """
    begins = [(Figure.name.startswith(start, autoescape=True), called) for start, called in series.items()]
    name: sa.ColumnElement[str] = sa.case(*begins, else_="")
    query = sa.select(Figure.hour, name.label("series"), sa.cast(sa.func.sum(Figure.times), sa.BigInteger))
    found = query.where(Figure.hour >= since).group_by(Figure.hour, "series").order_by(Figure.hour)
    return [(hour, series, times) for hour, series, times in db.session.execute(found)]


def prune() -> int:
    """Delete the figures of hours that nobody looks back on any more; returns how many rows went."""
    return rows_changed(sa.delete(Figure).where(Figure.hour < clock.now() - KEPT))
