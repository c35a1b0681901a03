"""Ordinary call limits: counted in Redis, in this process while Redis is away.

What is counted slides: the window before this one weighs less the longer ago it ended. Counting, and asking
how the caller stands, is one script: one round trip, and no call comes in between.
"""

import hashlib
import math
import threading
from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.exceptions import NoScriptError, RedisError

from app.core import clock, redis
from app.core.errors import RateLimited

_COUNT = """
local period, limit = tonumber(ARGV[1]) * 1000, tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local held = redis.call('HMGET', KEYS[1], 'start', 'count', 'before')
local start, count, before = tonumber(held[1]) or now, tonumber(held[2]) or 0, tonumber(held[3]) or 0
if now - start >= 2 * period then
    start, count, before = now, 0, 0
elseif now - start >= period then
    start, count, before = start + period, 0, count
end
local left = period - math.max(0, now - start)
if math.floor(before * left / period) + count >= limit then
    return {0, count, before, left}
end
redis.call('HSET', KEYS[1], 'start', start, 'count', count + 1, 'before', before)
redis.call('PEXPIRE', KEYS[1], 2 * period)
return {1, count + 1, before, left}
"""
_DIGEST = hashlib.sha1(_COUNT.encode(), usedforsecurity=False).hexdigest()
_LOOK_EVERY = 1_000
"""At how many keys those of windows long over are looked for."""


@dataclass(frozen=True)
class Standing:
    """How one caller stands with one limit after a call that was let through."""

    limit: int
    remaining: int
    reset_after: int
    """Seconds until one more call has room than has now."""


@dataclass(frozen=True)
class _Window:
    """What was counted of one key, this call included if it was let through."""

    allowed: bool
    count: int
    before: int
    """How many the window before this one counted."""
    left: float
    """Seconds until this window ends."""


def count(bucket: str, key: str, *, limit: int, seconds: int) -> Standing:
    """Count one call and let it through, or refuse it and count nothing.

    :raises RateLimited: if the limit is used up
    """
    window = _count(f"{redis.LIMITS_PREFIX}:{bucket}:{limit}:{seconds}:{key}", limit, seconds)
    fades = window.left % (seconds / window.before) if window.before else math.inf
    wait = max(1, math.ceil(min(fades, window.left)))
    if not window.allowed:
        raise RateLimited(bucket=bucket, limit=limit, period=seconds, retry_after=wait)
    used = math.floor(window.before * window.left / seconds) + window.count
    return Standing(limit, max(0, limit - used), wait)


def _count(name: str, limit: int, seconds: int) -> _Window:
    if not redis.breaker.is_open:
        try:
            return _count_there(shared(), name, limit, seconds)
        except (RedisError, OSError) as error:
            redis.breaker.trip(error)
    return _here.count(name, limit, seconds, clock.of_machine())


def shared() -> "Redis":
    """Return the server on which all processes count."""
    return redis.client()


def _count_there(server: "Redis", name: str, limit: int, seconds: int) -> _Window:
    ask: Any = server  # typed as if it might be an asynchronous one
    try:
        found = ask.evalsha(_DIGEST, 1, name, seconds, limit)
    except NoScriptError:  # a server that has just started, or whose scripts were flushed
        found = ask.eval(_COUNT, 1, name, seconds, limit)
    allowed, count, before, left = found
    return _Window(bool(allowed), count, before, left / 1000)


class _Here:
    """The same counting by this process alone."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[float, int, int, int]] = {}
        self._turn = threading.Lock()

    def count(self, name: str, limit: int, seconds: int, now: float) -> _Window:
        with self._turn:
            start, count, before, _ = self._held.get(name, (now, 0, 0, seconds))
            if now - start >= 2 * seconds:
                start, count, before = now, 0, 0
            elif now - start >= seconds:
                start, count, before = start + seconds, 0, count
            left = seconds - max(0.0, now - start)
            if math.floor(before * left / seconds) + count >= limit:
                return _Window(False, count, before, left)
            self._drop_the_old(now)
            self._held[name] = (start, count + 1, before, seconds)
        return _Window(True, count + 1, before, left)

    def _drop_the_old(self, now: float) -> None:
        if len(self._held) % _LOOK_EVERY == _LOOK_EVERY - 1:
            over = [name for name, held in self._held.items() if now - held[0] >= 2 * held[3]]
            for name in over:
                del self._held[name]

    def clear(self) -> None:
        with self._turn:
            self._held.clear()


_here = _Here()


def forget() -> None:
    """Wipe what this process counted itself; ``core.redis`` wipes the rest."""
    _here.clear()
