"""The one place where work is committed or rolled back: once a request, once a job, once a command."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.core import following, outbox
from app.core.db import close_connections, db, only_reads, serves_call
from app.core.errors import AppError, Unavailable

log = logging.getLogger(__name__)

R = TypeVar("R")
V = TypeVar("V", bound=Callable[..., Any])

_TRIES = 3
_AWAY = (OperationalError, InterfaceError, InternalError)
"""What a database says that cannot serve now: the last one of a server that takes no writes, too."""
_COLLISIONS = frozenset({"40001", "40P01"})
"""SQLSTATEs of PostgreSQL: serialization failure, deadlock."""


@contextmanager
def transaction(*, read_only: bool = False) -> Iterator[None]:
    """Do what is inside as one transaction; afterwards ring for what it promised.

    A safe request reads on an autocommit connection and leaves nothing behind. An ``AppError`` that says
    ``commits`` keeps what was written before it was raised (a spent code, an audit row).
    """
    before = only_reads.set(read_only)
    try:
        yield
    except AppError as error:
        _end(keep=error.commits and not read_only)
        raise
    except BaseException:
        _end(keep=False)
        raise
    else:
        _end(keep=not read_only)
    finally:
        only_reads.reset(before)


def _end(*, keep: bool) -> None:
    if not db.session.registry.has():
        return  # nothing was asked of it: opening one just to close it would cost more than many a read
    promised = 0
    try:
        if keep:
            following.run()
            promised = outbox.take_promised(db.session)
            db.session.commit()
        else:
            outbox.take_promised(db.session)
            following.forget()
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

    :raises Unavailable: if the database does not answer
    """
    return _run(work, read_only=False, again=_came_in_between)


def reading(work: Callable[[], R]) -> R:
    """Run a read-only piece of work, anew if the connection turned out to be dead (the server was restarted).

    :raises Unavailable: if the database does not answer
    """
    return _run(work, read_only=True, again=lambda error: error.connection_invalidated)


def _run(work: Callable[[], R], *, read_only: bool, again: Callable[[DBAPIError], bool]) -> R:
    tries = _TRIES
    while True:
        tries -= 1
        try:
            with transaction(read_only=read_only), _serving():
                return work()
        except PoolTimeout as error:
            raise _unavailable(error) from error
        except DBAPIError as error:
            if tries and again(error):
                continue
            if isinstance(error, _AWAY) or error.connection_invalidated:
                raise _unavailable(error) from error
            raise


@contextmanager
def _serving() -> Iterator[None]:
    before = serves_call.set(True)
    try:
        yield
    finally:
        serves_call.reset(before)


def _came_in_between(error: DBAPIError) -> bool:
    return isinstance(error, IntegrityError) or getattr(error.orig, "sqlstate", None) in _COLLISIONS


def _unavailable(error: Exception) -> Unavailable:
    log.warning("database unavailable: %s", type(error).__name__, exc_info=error)
    return Unavailable()


def writes(view: V) -> V:
    """Mark a view that changes something though its method is a safe one (a documented GET)."""
    marked: Any = view
    marked.writes = True
    return view


def has_no_transaction(view: V) -> V:
    """Mark a view that asks the database for nothing, or asks in a way of its own."""
    marked: Any = view
    marked.has_no_transaction = True
    return view


def drop_connections() -> None:
    """Close this process's idle database connections: before a fork, for two processes never share one."""
    db.session.remove()
    close_connections()
