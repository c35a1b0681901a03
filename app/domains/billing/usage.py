"""How many calls an organization's machines made in a month, counted as they come.

A call is counted on a connection of its own before its work begins, in one of a few rows drawn by lot: calls
at the same time seldom wait for each other. What is read is their sum, so the bound may be passed by as many
calls as run at the very moment it is reached, and by no more.
"""

import contextlib
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Base, db, rows_changed
from app.core.errors import OverPlan

_SHARDS = 8
_KEPT = timedelta(days=400)
"""How long a month's count stays: a year ago can be looked at."""


class RequestQuotaUsedUp(OverPlan):
    code, message = "plan:request_quota", "The plan's calls of this month are used up."


class CallCount(Base):
    """One shard of an organization's calls in one month, in prod."""

    __tablename__ = "call_counts"

    tenant_id: Mapped[int] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    month: Mapped[str] = mapped_column(sa.String(7), primary_key=True)
    """In UTC, e.g. 2026-11."""
    shard: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, autoincrement=False)
    calls: Mapped[int] = mapped_column(sa.BigInteger)


def month_of(moment: datetime) -> str:
    """Return the calendar month in UTC that a moment is counted in."""
    return f"{moment.astimezone(UTC):%Y-%m}"


def calls_in(tenant_id: sa.SQLColumnExpression[int] | int, month: sa.ColumnElement[str] | str) -> Any:
    """Select how many calls were counted, as a part of a query."""
    total = sa.func.coalesce(sa.func.sum(CallCount.calls), 0)
    return (
        sa.select(sa.cast(total, sa.BigInteger))
        .where(CallCount.tenant_id == tenant_id, CallCount.month == month)
        .scalar_subquery()
    )


def calls_this_month(tenant_id: int) -> int:
    """Return how many calls an organization's machines have made in prod since the month began."""
    return db.session.scalar(sa.select(calls_in(tenant_id, month_of(clock.now())))) or 0


def forget_long_ago() -> int:
    """Delete the counts of months that nobody asks for any more; returns how many rows went."""
    return rows_changed(sa.delete(CallCount).where(CallCount.month < month_of(clock.now() - _KEPT)))


def count_call(tenant_id: int) -> None:
    """Count one call; a database that cannot write now loses the count, not the call."""
    bind: Any = db.engines[None]
    insert: Any = sqlite_insert if bind.dialect.name == "sqlite" else postgresql_insert
    statement = insert(CallCount).values(
        tenant_id=tenant_id, month=month_of(clock.now()), shard=secrets.randbelow(_SHARDS), calls=1
    )
    counted = statement.on_conflict_do_update(
        index_elements=["tenant_id", "month", "shard"], set_={"calls": CallCount.calls + 1}
    )
    if isinstance(bind, sa.Connection):  # a test that rolls everything back gave us its one connection
        bind.execute(counted)
        return
    with contextlib.suppress(SQLAlchemyError), bind.begin() as connection:
        connection.execute(counted)
