"""The one place where work is committed or rolled back: once a request, once a job, once a command."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy.exc import DBAPIError, IntegrityError

from app.core import outbox
from app.core.db import READ_ONLY, db
from app.core.errors import AppError

R = TypeVar("R")

_TRIES = 3
_COLLISIONS = frozenset({"40001", "40P01"})
"""SQLSTATEs of PostgreSQL: serialization failure, deadlock."""


@contextmanager
def transaction(*, read_only: bool = False) -> Iterator[None]:
    """Do what is inside as one transaction; afterwards ring for what it promised.

    A safe request reads on an autocommit connection and leaves nothing behind. An ``AppError`` that says
    ``commits`` keeps what was written before it was raised (a spent code, an audit row).
    """
    db.session.info[READ_ONLY] = read_only
    try:
        yield
    except AppError as error:
        _end(keep=error.commits and not read_only)
        raise
    except BaseException:
        _end(keep=False)
        raise
    _end(keep=not read_only)


def _end(*, keep: bool) -> None:
    promised = outbox.take_promised(db.session)
    try:
        if keep:
            db.session.commit()
        else:
            db.session.rollback()
    except BaseException:
        db.session.rollback()
        raise
    finally:
        db.session.close()
    if keep:
        outbox.ring(promised)


def writing(work: Callable[[], R]) -> R:
    """Run a piece of work as one transaction, anew where another one came in between.

    Two that ask for the same unique thing at once, deadlocks and serialization failures: the loser was rolled
    back whole, so it begins again and sees what the winner did.
    """
    for _ in range(_TRIES - 1):
        try:
            with transaction():
                return work()
        except DBAPIError as error:
            if not _came_in_between(error):
                raise
    with transaction():
        return work()


def _came_in_between(error: DBAPIError) -> bool:
    return isinstance(error, IntegrityError) or getattr(error.orig, "sqlstate", None) in _COLLISIONS


def reading(work: Callable[[], R]) -> R:
    """Run a read-only piece of work, once more if the connection turned out to be dead (server restarted)."""
    try:
        with transaction(read_only=True):
            return work()
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
    with transaction(read_only=True):
        return work()


def drop_connections() -> None:
    """Close this process's idle database connections: before a fork, for two processes never share one."""
    db.session.remove()
    db.engine.dispose()
