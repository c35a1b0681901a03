"""Append-only tables on PostgreSQL: a partition for each month, made ahead of its time. SQLite has one table.

What comes where no month was made (the job rested for long, a clock ran ahead) waits in the table's ``_rest``
and moves when its month is made.
"""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from app.core import clock
from app.core.db import db, is_sqlite
from app.core.jobs import job

PARTITIONED = ("audit_events",)
"""Tables with a column ``at`` that are only ever added to; their migrations make the first months."""

MONTHS_AHEAD = 3


@job("retention.prune", every=timedelta(days=1))
def make_months() -> int:
    """Make this month's partitions and those of the next three; returns how many were not there yet."""
    if is_sqlite():
        return 0
    there = set(sa.inspect(db.session.connection()).get_table_names())
    wanted = [(table, month) for table in PARTITIONED for month in _months(clock.now())]
    missing = [(table, month) for table, month in wanted if name_of(table, month) not in there]
    for table, month in missing:
        _make(table, month)
    return len(missing)


def name_of(table: str, month: datetime) -> str:
    """Return what a month's partition is called, e.g. ``audit_events_y2026m11``."""
    return f"{table}_y{month:%Y}m{month:%m}"


def _months(now: datetime) -> list[datetime]:
    months = [datetime(now.year, now.month, 1, tzinfo=UTC)]
    while len(months) <= MONTHS_AHEAD:
        months.append(_next(months[-1]))
    return months


def _next(month: datetime) -> datetime:
    return (month + timedelta(days=32)).replace(day=1)


def _make(table: str, month: datetime) -> None:
    name, start, end = name_of(table, month), month.isoformat(), _next(month).isoformat()
    early = f"DELETE FROM {table}_rest WHERE at >= '{start}' AND at < '{end}' RETURNING *"  # noqa: S608 - our own words
    for statement in (
        f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS)",
        f"WITH early AS ({early}) INSERT INTO {name} SELECT * FROM early",  # noqa: S608
        f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{start}') TO ('{end}')",
    ):
        db.session.execute(sa.text(statement))
