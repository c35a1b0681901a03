"""Ordinary call limits: counted in Redis, or in this process while Redis is away; forgotten with either.

The window slides: what the window before this one counted weighs less the longer ago it ended. That is two
numbers a caller and never lets more than a tenth beyond the limit through.
"""

import functools
import math
import threading
from dataclasses import dataclass
from typing import cast

from redis.commands.core import Script
from redis.exceptions import RedisError

from app.core import clock, redis
from app.core.errors import RateLimited
from app.core.settings import current_settings

_COUNT = """
local current, before = tonumber(redis.call('GET', KEYS[1]) or 0), tonumber(redis.call('GET', KEYS[2]) or 0)
if before * ARGV[2] + current >= tonumber(ARGV[1]) then return {0, current, before} end
if redis.call('INCR', KEYS[1]) == 1 then redis.call('EXPIRE', KEYS[1], ARGV[3]) end
return {1, current, before}
"""


@dataclass(frozen=True)
class Standing:
    """How one caller stands with one limit after a call that was let through."""

    limit: int
    remaining: int
    reset_after: int
    """Seconds until the window that counts now is over."""


def count(bucket: str, key: str, *, limit: int, seconds: int) -> Standing:
    """Count one call and let it through, or refuse it and count nothing.

    :raises RateLimited: if the limit is used up
    """
    number, passed = divmod(clock.now().timestamp(), seconds)
    weight = 1 - passed / seconds
    place = f"{redis.LIMITS_PREFIX}:{bucket}:{key}:"
    allowed, current, before = _count(place, int(number), limit, weight, seconds)
    left = seconds - passed
    if not allowed:
        wait = _until_room(current, before, limit, seconds, left)
        raise RateLimited(bucket=bucket, limit=limit, period=seconds, retry_after=math.ceil(wait))
    used = math.ceil(before * weight) + current + 1
    return Standing(limit, max(0, limit - used), math.ceil(left))


def _until_room(current: int, before: int, limit: int, seconds: int, left: float) -> float:
    """Return how many seconds from now one more call has room."""
    if current < limit:
        return max(0.0, left - (limit - current) * seconds / before) if before else 0.0
    return left + seconds * (1 - limit / current)


def _count(place: str, number: int, limit: int, weight: float, seconds: int) -> tuple[bool, int, int]:
    keys = (f"{place}{number}", f"{place}{number - 1}")
    if not redis.breaker.is_open:
        try:
            answer = _script(current_settings().redis_url)(keys=keys, args=(limit, weight, 2 * seconds))
            allowed, current, before = cast("list[int]", answer)
            return bool(allowed), current, before
        except (RedisError, OSError) as error:
            redis.breaker.trip(error)
    return _own.count(keys, limit, weight)


@functools.cache
def _script(_url: str) -> Script:
    return redis.client().register_script(_COUNT)


class _OwnCounters:
    """The same numbers in this process; those of windows long over are dropped when there are many."""

    _MANY = 10_000

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted: dict[str, int] = {}

    def count(self, keys: tuple[str, str], limit: int, weight: float) -> tuple[bool, int, int]:
        with self._lock:
            current, before = self._counted.get(keys[0], 0), self._counted.get(keys[1], 0)
            if before * weight + current >= limit:
                return False, current, before
            if len(self._counted) >= self._MANY:
                self._counted.clear()  # rather a few calls too many than memory without end
            self._counted[keys[0]] = current + 1
            return True, current, before

    def forget(self) -> None:
        with self._lock:
            self._counted.clear()


_own = _OwnCounters()


def forget() -> None:
    """Wipe what this process counted itself; ``core.redis`` wipes the rest."""
    _own.forget()
