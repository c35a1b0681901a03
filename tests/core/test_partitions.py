"""The trail is kept by months on PostgreSQL; on SQLite it is one table."""

from collections.abc import Callable
from datetime import UTC, datetime

import sqlalchemy as sa
from flask import Flask

from app.core import access, clock, partitions
from app.core.db import db, is_sqlite
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record

DAY = 24 * 3600


def partition_of(event_id: int) -> str:
    where = sa.text("SELECT tableoid::regclass::text FROM audit_events WHERE id = :id")
    return str(db.session.execute(where, {"id": event_id}).scalar_one())


def happened() -> int:
    event = record(access.system("a test"), AuditKind.USER_JOINED, subject=("user", 1))
    db.session.flush()
    return event.id


def test_a_row_lies_in_its_month(in_app: Flask) -> None:
    event_id = happened()
    if is_sqlite():
        assert partitions.make_months() == 0
    else:
        assert partition_of(event_id) == partitions.name_of("audit_events", clock.now())


def test_months_are_made_ahead_once(in_app: Flask, move_clock: Callable[[int], None]) -> None:
    assert partitions.make_months() == 0  # the migration made the first ones
    move_clock(62 * DAY)
    assert (partitions.make_months() == 0) is is_sqlite()
    assert partitions.make_months() == 0


def test_what_came_before_its_month_was_made_moves_there(
    in_app: Flask, move_clock: Callable[[int], None]
) -> None:
    move_clock(400 * DAY)
    event_id = happened()
    if is_sqlite():
        return
    assert partition_of(event_id) == "audit_events_rest"
    assert partitions.make_months() == 1 + partitions.MONTHS_AHEAD
    assert partition_of(event_id) == partitions.name_of("audit_events", clock.now())


def test_a_partition_is_named_by_its_month() -> None:
    assert partitions.name_of("audit_events", datetime(2026, 11, 1, tzinfo=UTC)) == "audit_events_y2026m11"
