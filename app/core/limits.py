"""Counters that protect accounts and mailboxes: in the database, exact in any sliding window.

A counter commits on its own connection before the work it guards begins, so that a hundred parallel tries
are counted as a hundred, and a rolled-back request still counts. Call ``spend`` before the request's session
has written anything: SQLite has one writer.
"""

import functools
import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.buckets import Bucket, Rule
from app.core.db import Base, db, read, rows_changed, serves_call
from app.core.errors import RateLimited, Unavailable
from app.core.secrets import keyed_hash


class RateCounter(Base):
    """The moments one key was counted at in one bucket, as seconds since 1970, oldest first."""

    __tablename__ = "rate_counters"

    bucket: Mapped[str] = mapped_column(sa.String(60), primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    hits: Mapped[list[float]] = mapped_column(sa.JSON())
    expires_at: Mapped[datetime] = mapped_column(index=True)


@dataclass(frozen=True)
class Spent:
    """What one call took from a bucket, so that a success can give it back."""

    bucket: Bucket
    keys: Mapping[str, str]
    at: float


@dataclass(frozen=True)
class _Line:
    """One rule with the key it counts now."""

    rule: Rule
    key: str
    seconds: int


@functools.lru_cache(maxsize=4096)
def network_of(ip: str | None) -> str:
    """Return what an address is counted as: IPv4 itself, IPv6 its /64, anything else one shared name."""
    try:
        address = ipaddress.ip_address((ip or "").strip())
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))
    return str(address)


def spend(bucket: Bucket, rules: Sequence[Rule] | None = None, **keys: str | int | None) -> Spent:
    """Count one call (or one try that may fail) and let it through, or refuse it.

    A rule whose key is not given is left out; ``ip`` counts even when it is unknown.

    :param rules: the bucket's rules as the instance's settings have them; left out: as they are named
    :raises RateLimited: if a rule is used up; nothing is counted then
    """
    lines = _lines(bucket, bucket.rules if rules is None else rules, keys)
    now = clock.now()
    with _connection() as connection:
        _count(connection, bucket, lines, now)
    return Spent(bucket, {line.rule.keys[0]: line.key for line in lines}, now.timestamp())


def spend_in_request(bucket: Bucket, **keys: str | int | None) -> Spent:
    """Count one call in the request's own transaction, where that has begun already.

    Only for what a right password stands in front of: a rolled-back request counts nothing.

    :raises RateLimited: if a rule is used up
    """
    lines = _lines(bucket, bucket.rules, keys)
    now = clock.now()
    _count(db.session.connection(), bucket, lines, now)
    return Spent(bucket, {line.rule.keys[0]: line.key for line in lines}, now.timestamp())


def require_room(bucket: Bucket, rules: Sequence[Rule] | None = None, **keys: str | int | None) -> None:
    """Refuse a call whose bucket is used up, without counting it.

    For what only failures count of and nobody can guess (tokens of 256 bits): ``spend`` when it failed.

    :raises RateLimited: if a rule is used up
    """
    lines = _lines(bucket, bucket.rules if rules is None else rules, keys)
    rows = read(
        sa.select(RateCounter.key, RateCounter.hits).where(
            RateCounter.bucket == bucket.name, RateCounter.key.in_([line.key for line in lines])
        )
    )
    counted = {line.key: [] for line in lines} | {row.key: row.hits for row in rows}
    _refuse_if_full(bucket, lines, counted, clock.now().timestamp())


def give_back(spent: Spent, *, clear: Sequence[str] = ()) -> None:
    """Take a try back that turned out well, in the request's own transaction.

    :param clear: names of keys whose whole count is wiped (a success clears the address's failures)
    """
    _give_back(db.session.connection(), spent, clear)


def give_back_at_once(spent: Spent, *, clear: Sequence[str] = ()) -> None:
    """Take a try back whatever becomes of the request; like ``spend``, before the request has written."""
    with _connection() as connection:
        _give_back(connection, spent, clear)


def is_used_up(spent: Spent) -> bool:
    """Say in the request's own transaction whether a try was the last that its bucket lets through."""
    rules = [rule for rule in spent.bucket.rules if rule.keys[0] in spent.keys]
    lines = [_Line(rule, spent.keys[rule.keys[0]], rule.seconds or 1) for rule in rules]
    now = clock.now().timestamp()
    for line in lines:
        hits = db.session.scalar(_HITS_SEEN, {"in_bucket": spent.bucket.name, "of_key": line.key})
        if len(_live(hits or [], line, now)) >= line.rule.limit:
            return True
    return False


@contextmanager
def only_if_judged(spent: Spent) -> Iterator[None]:
    """Take a try back that nobody had room to look at: an overload must lock nobody out."""
    try:
        yield
    except Unavailable:
        give_back_at_once(spent)
        raise


def _give_back(connection: sa.Connection, spent: Spent, clear: Sequence[str]) -> None:
    for name, key in spent.keys.items():  # in the order of ``_lines``, as they are locked everywhere
        if name in clear:
            connection.execute(
                sa.delete(RateCounter).where(RateCounter.bucket == spent.bucket.name, RateCounter.key == key)
            )
        else:
            _remove_hit(connection, spent.bucket.name, key, spent.at)


def clear(bucket: Bucket, **keys: str | int | None) -> None:
    """Wipe what was counted for these keys, in the request's own transaction."""
    lines = _lines(bucket, bucket.rules, keys, lenient=True)
    db.session.execute(
        sa.delete(RateCounter).where(
            RateCounter.bucket == bucket.name, RateCounter.key.in_([line.key for line in lines])
        )
    )


def forget_all() -> int:
    """Wipe every counter; for testers. Returns how many there were."""
    return rows_changed(sa.delete(RateCounter))


def prune() -> int:
    """Delete counters whose window is over; returns how many."""
    return rows_changed(sa.delete(RateCounter).where(RateCounter.expires_at < clock.now()))


def _lines(
    bucket: Bucket, rules: Sequence[Rule], keys: Mapping[str, str | int | None], *, lenient: bool = False
) -> list[_Line]:
    lines = []
    for rule in rules:
        name = rule.keys[0]
        if name not in keys or (keys[name] is None and name != "ip"):
            continue
        value = keys[name]
        text = network_of(None if value is None else str(value)) if name == "ip" else str(value)
        lines.append(_Line(rule, keyed_hash(f"rate:{bucket.name}:{name}", text), rule.seconds or 1))
    if not lines and not lenient:
        raise ValueError(f"{bucket.name} was given none of its keys")
    # Always locked in the same order, so that two calls never wait for each other.
    return sorted(lines, key=lambda line: line.key)


def _count(connection: sa.Connection, bucket: Bucket, lines: Sequence[_Line], now: datetime) -> None:
    counted = _lock(connection, bucket, lines, now)
    _refuse_if_full(bucket, lines, counted, now.timestamp())
    rows = [
        {
            "in_bucket": bucket.name,
            "of_key": line.key,
            "new_hits": [*_live(counted[line.key], line, now.timestamp()), now.timestamp()],
            "over_at": now + timedelta(seconds=line.seconds),
        }
        for line in lines
    ]
    connection.execute(_KEEP, rows)


def _lock(
    connection: sa.Connection, bucket: Bucket, lines: Sequence[_Line], now: datetime
) -> dict[str, list[float]]:
    rows = [{"bucket": bucket.name, "key": line.key, "hits": [], "expires_at": now} for line in lines]
    return {row.key: list(row.hits) for row in connection.execute(_taking(connection.dialect.name), rows)}


@functools.cache
def _taking(dialect: str) -> Any:
    """Return the statement that makes rows or locks those that are there, and reads them; made once."""
    insert: Any = sqlite_insert if dialect == "sqlite" else postgresql_insert
    statement = insert(RateCounter)
    same = {"bucket": statement.excluded.bucket}
    taken = statement.on_conflict_do_update(index_elements=["bucket", "key"], set_=same)
    return taken.returning(RateCounter.key, RateCounter.hits)


_ONE = (RateCounter.bucket == sa.bindparam("in_bucket"), RateCounter.key == sa.bindparam("of_key"))
_HITS_SEEN = sa.select(RateCounter.hits).where(*_ONE)
_HITS = _HITS_SEEN.with_for_update()
_KEEP_HITS = sa.update(RateCounter).where(*_ONE).values(hits=sa.bindparam("new_hits"))
_KEEP = _KEEP_HITS.values(expires_at=sa.bindparam("over_at"))


def _live(hits: Sequence[float], line: _Line, now: float) -> list[float]:
    return [hit for hit in hits if now - line.seconds < hit <= now + line.seconds]


def _refuse_if_full(
    bucket: Bucket, lines: Sequence[_Line], counted: Mapping[str, Sequence[float]], now: float
) -> None:
    for line in lines:
        live = _live(counted[line.key], line, now)
        if len(live) >= line.rule.limit:
            free_at = live[len(live) - line.rule.limit] + line.seconds
            raise RateLimited(
                bucket=bucket.name,
                limit=line.rule.limit,
                period=line.seconds,
                retry_after=int(free_at - now) + 1,
            )


def _remove_hit(connection: sa.Connection, bucket: str, key: str, at: float) -> None:
    one = {"in_bucket": bucket, "of_key": key}
    hits = connection.scalar(_HITS, one)
    if hits and at in hits:
        kept = list(hits)
        kept.remove(at)
        connection.execute(_KEEP_HITS, {**one, "new_hits": kept})


class CountedTooLate(Exception):
    """A counter was asked for after the session's first statement: SQLite would wait for itself."""


@contextmanager
def _connection() -> Iterator[sa.Connection]:
    if serves_call.get() and db.session().in_transaction():
        raise CountedTooLate
    bind: Any = db.engines[None]
    if isinstance(bind, sa.Connection):  # a test that rolls everything back gave us its one connection
        with bind.begin_nested():
            yield bind
        return
    with bind.begin() as connection:
        yield connection
