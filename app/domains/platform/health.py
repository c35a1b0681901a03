"""Whether the service reaches its database: asked anew each time, answered within a bound."""

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.db import db, reader
from app.core.errors import DatabaseDown

BOUND_SECONDS = 2.0


@dataclass(frozen=True)
class Health:
    """A database that answered, and how long that took."""

    latency_ms: float
    at: datetime


@dataclass
class _Probe:
    """One question on its way; whoever asks meanwhile waits for the same answer."""

    bind: Any
    ended: threading.Event = field(default_factory=threading.Event)
    answered: bool = False

    def ask(self) -> None:
        try:
            if isinstance(self.bind, sa.Connection):  # a test that rolls everything back gave us its one
                self.bind.execute(sa.text("SELECT 1"))
            else:
                with reader(self.bind).connect() as connection:
                    connection.execute(sa.text("SELECT 1"))
            self.answered = True
        except SQLAlchemyError:
            pass  # the caller is told by `answered`
        finally:
            self.ended.set()


_lock = threading.Lock()
_last: _Probe | None = None


@operation(Access.PUBLIC)
def check(actor: Actor) -> Health:
    """Ask the database for a sign of life and wait two seconds at most.

    A server that hangs would hold the asking thread for longer than any timeout of its own, so a thread apart
    asks; there is never more than one of them.

    :raises DatabaseDown: if no answer came
    """
    started = time.monotonic()
    probe = _probe()
    if not probe.ended.wait(BOUND_SECONDS) or not probe.answered:
        raise DatabaseDown
    return Health((time.monotonic() - started) * 1000, clock.now())


def _probe() -> _Probe:
    global _last  # noqa: PLW0603 - one question at a time in this process
    with _lock:
        if _last is None or _last.ended.is_set():
            _last = _Probe(db.engines[None])
            threading.Thread(target=_last.ask, name="health", daemon=True).start()
        return _last
