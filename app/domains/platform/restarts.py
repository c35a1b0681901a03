"""Telling everything that works in the background to start anew, without ending anything that is under way.

A restart is a number that grows: each process compares it between jobs with the one that it began under,
finishes what it has in hand and starts itself anew. Nothing is sent to a process and nothing is killed.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.db import db
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.platform.models import Generation, LiveProcess
from app.domains.sessions.operations import require_fresh

Kind = Literal["workers", "daemons"]

_KINDS: Mapping[Kind, AuditKind] = {
    "workers": AuditKind.WORKERS_RESTARTED,
    "daemons": AuditKind.DAEMONS_RESTARTED,
}
_ALIVE = timedelta(minutes=4)
"""A process that was not seen for so long is gone: it shows itself between jobs, and a job may take three."""
_FORGOTTEN = timedelta(hours=1)


@dataclass(frozen=True)
class Restart:
    """That processes of a kind were told to start anew, and how many of them there are."""

    kind: Kind
    generation: int
    signalled: int
    requested_at: datetime


@operation(Access.PLATFORM_ADMIN)
def restart_all(actor: Actor, *, kind: Kind) -> Restart:
    """Tell all workers, or all daemons, to finish what they have in hand and start anew.

    :raises StepUpRequired: a sign-in whose last proof of identity is too old
    """
    if actor.kind == "session":
        require_fresh(actor)
    now = clock.now()
    insert = _insert(Generation).values(kind=kind, number=1, requested_at=now)
    number = db.session.scalar(
        insert.on_conflict_do_update(
            index_elements=["kind"], set_={"number": Generation.number + 1, "requested_at": now}
        ).returning(Generation.number)
    )
    told = len([process for process in _living(now) if process.kind == kind])
    record(actor, _KINDS[kind], subject=("platform", None), changes={"generation": number, "signalled": told})
    return Restart(kind, number or 1, told, now)


@operation(Access.PLATFORM_ADMIN)
def living(actor: Actor) -> Sequence[LiveProcess]:
    """Return the processes that were seen a moment ago, by kind and name."""
    return _living(clock.now())


def _living(now: datetime) -> Sequence[LiveProcess]:
    alive = sa.select(LiveProcess).where(LiveProcess.seen_at > now - _ALIVE)
    return db.session.scalars(alive.order_by(LiveProcess.kind, LiveProcess.name)).all()


@operation(Access.SYSTEM)
def show_alive(
    actor: Actor, *, name: str, kinds: Collection[Kind], began_under: Mapping[str, int] | None
) -> Mapping[str, int]:
    """Note that a process is there and return the newest generation of each of its kinds.

    :param began_under: what this returned when the process began; None at the first time
    """
    now = clock.now()
    newest = dict.fromkeys(kinds, 0) | {
        row.kind: row.number
        for row in db.session.scalars(sa.select(Generation).where(Generation.kind.in_(kinds)))
    }
    rows = [
        {
            "name": name[:120],
            "kind": kind,
            "generation": (began_under or newest)[kind],
            "started_at": now,
            "seen_at": now,
        }
        for kind in kinds
    ]
    seen = _insert(LiveProcess).values(rows)
    set_ = {"seen_at": now, "generation": seen.excluded.generation}
    if began_under is None:
        set_["started_at"] = now
    db.session.execute(seen.on_conflict_do_update(index_elements=["name", "kind"], set_=set_))
    return newest


@operation(Access.SYSTEM)
def sign_off(actor: Actor, *, name: str) -> None:
    """Forget a process that ends, and those that never said that they did."""
    gone = sa.or_(LiveProcess.name == name, LiveProcess.seen_at < clock.now() - _FORGOTTEN)
    db.session.execute(sa.delete(LiveProcess).where(gone).execution_options(synchronize_session=False))


def _insert(model: type[Any]) -> Any:
    made: Any = sqlite_insert if db.engines[None].dialect.name == "sqlite" else postgresql_insert
    return made(model)
