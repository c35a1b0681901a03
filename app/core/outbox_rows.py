"""What the outbox keeps: promises, the lanes that they wait in, and why one was not kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Base, Identified
from app.core.sealing import Place, sealed_inside
from app.core.secrets import Sealed

Payload = Mapping[str, Any]

LEASE = timedelta(seconds=45)
"""How long a row is one worker's; a killed worker's row is taken again within a minute."""
MAX_TRIES = 5
ERROR_LENGTH = 500
MAIN_LANE = ""
"""Where everything waits that does not depend on somebody else's server."""
ASIDE_LANE = "aside"
"""Where what held a worker up or killed it is tried again, by a process of its own: nobody waits for it."""


class Unreachable(Exception):
    """The other side is out of reach: wait and ask again; the try does not count."""


class NotNow(Exception):
    """The other side said no for now, or nobody knows what it did: the try counts, the next one waits."""


class Hopeless(Exception):
    """The other side said no for good: trying again would be of no use."""


class WrongLane(Exception):
    """It is to wait in another lane: its server was changed since, or is failing. No try was made."""

    def __init__(self, lane: str) -> None:
        super().__init__(lane)
        self.lane = lane


def perhaps_the_servers(error: Exception) -> bool:
    """Say whether a failure may have nothing to do with its row; any other must not hold up the others."""
    return isinstance(error, NotNow | SQLAlchemyError | OSError)


_PENDING = sa.text("done_at IS NULL AND dead_at IS NULL")
_DEAD = sa.text("dead_at IS NOT NULL")
_DONE = sa.text("done_at IS NOT NULL")


class OutboxRow(Base, Identified):
    """One promise. Its uid is the effect's name for ever: the Message-ID, the idempotency key."""

    __tablename__ = "outbox"

    kind: Mapped[str] = mapped_column(sa.String(40))
    payload: Mapped[dict[str, Any]]
    lane: Mapped[str] = mapped_column(sa.String(60), default=MAIN_LANE, server_default="")
    """What fails or is slow together; only what waits in the same lane waits for it."""
    created_at: Mapped[datetime]
    give_up_at: Mapped[datetime]
    """A try that fails from then on is the last, whatever the reason."""
    due_at: Mapped[datetime]
    """When it may be taken; a lease moves it ahead, so an expired lease is simply due again."""
    attempts: Mapped[int] = mapped_column(default=0)
    """Tries that count, the running one included."""
    waits: Mapped[int] = mapped_column(default=0)
    """How often the other side was out of reach."""
    lease_token: Mapped[UUID | None]
    """Who holds it; whoever does not know the token can neither finish nor fail it."""
    done_at: Mapped[datetime | None]
    dead_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(sa.String(ERROR_LENGTH))

    __table_args__ = (
        sa.Index("ix_outbox_due", "lane", "due_at", "id", sqlite_where=_PENDING, postgresql_where=_PENDING),
        sa.Index("ix_outbox_dead", "dead_at", sqlite_where=_DEAD, postgresql_where=_DEAD),
        sa.Index("ix_outbox_done", "done_at", sqlite_where=_DONE, postgresql_where=_DONE),
    )


def _secret_in(row: sa.Row[Any], payload: Any) -> tuple[Sealed, str] | None:
    return (Sealed(payload["sealed"]), f"outbox:{row.kind}") if "sealed" in payload else None


sealed_inside(
    Place(
        OutboxRow.__table__.c.payload,
        ("kind",),
        lambda: OutboxRow.done_at.is_(None),
        _secret_in,
        lambda payload, fresh: {**payload, "sealed": fresh.inside()},
    )
)


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """A row that this worker holds until its lease ends."""

    id: int
    uid: UUID
    kind: str
    lane: str
    payload: Payload
    give_up_at: datetime
    attempts: int
    waits: int
    lease_token: UUID


class OutboxLane(Base):
    """How it stands with a lane that depends on one server: who works in it, and how long it rests."""

    __tablename__ = "outbox_lanes"

    lane: Mapped[str] = mapped_column(sa.String(60), primary_key=True)
    held_until: Mapped[datetime | None]
    held_by: Mapped[UUID | None]
    turn_at: Mapped[datetime | None]
    """When it was worked in last; whoever has waited longest is next."""
    failures: Mapped[int] = mapped_column(default=0)
    """How many turns in a row ended with its server failing."""
    rests_until: Mapped[datetime | None]


def pending() -> sa.ColumnElement[bool]:
    """Say in SQL that a promise is neither kept nor given up."""
    return sa.and_(OutboxRow.done_at.is_(None), OutboxRow.dead_at.is_(None))


def time_has_come() -> sa.ColumnElement[bool]:
    """Say in SQL that a promise may be taken by the clock."""
    now = clock.now()
    # Promised in our future: another machine's clock is ahead, or the test clock was turned back.
    from_the_future = sa.and_(OutboxRow.created_at > now, OutboxRow.attempts == 0, OutboxRow.waits == 0)
    return sa.or_(OutboxRow.due_at <= now, from_the_future)
