"""Ordinary call limits: counted by Flask-Limiter's strategy in Redis, in this process while Redis is away.

The extension's decorators ask for a limit before anyone knows who calls; so each call is counted by hand,
once the door knows, with the extension's storage and strategy. What it counts slides: the window before this
one weighs less the longer ago it ended.
"""

import math
import re
from dataclasses import dataclass

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from limits import RateLimitItem, RateLimitItemPerSecond, WindowStats
from limits.storage import MemoryStorage
from limits.strategies import RateLimiter, SlidingWindowCounterRateLimiter
from redis.exceptions import RedisError

from app.core import clock, redis
from app.core.errors import RateLimited
from app.core.settings import Settings

limiter = Limiter(get_remote_address)
_own = SlidingWindowCounterRateLimiter(MemoryStorage())


@dataclass(frozen=True)
class Standing:
    """How one caller stands with one limit after a call that was let through."""

    limit: int
    remaining: int
    reset_after: int
    """Seconds until one more call has room than has now."""


def init_throttles(app: Flask, settings: Settings) -> None:
    """Bind the limiter to an application, with waits so short that a hanging Redis is not felt."""
    app.config.update(
        RATELIMIT_STORAGE_URI=re.sub("^unix:", "redis+unix:", settings.redis_url),
        RATELIMIT_STORAGE_OPTIONS={
            "socket_timeout": redis.WAIT_SECONDS,
            "socket_connect_timeout": redis.WAIT_SECONDS,
        },
        RATELIMIT_STRATEGY="sliding-window-counter",
        RATELIMIT_HEADERS_ENABLED=False,
    )
    limiter.init_app(app)


def count(bucket: str, key: str, *, limit: int, seconds: int) -> Standing:
    """Count one call and let it through, or refuse it and count nothing.

    :raises RateLimited: if the limit is used up
    """
    item = RateLimitItemPerSecond(limit, seconds)
    allowed, stats = _hit(item, bucket, key)
    wait = max(1, math.ceil(stats.reset_time - clock.of_machine()))
    if not allowed:
        raise RateLimited(bucket=bucket, limit=limit, period=seconds, retry_after=wait)
    return Standing(limit, max(0, stats.remaining), wait)


def _hit(item: RateLimitItem, *names: str) -> tuple[bool, WindowStats]:
    if not redis.breaker.is_open:
        try:
            shared = shared_strategy()
            return shared.hit(item, *names), shared.get_window_stats(item, *names)
        except (RedisError, OSError) as error:
            redis.breaker.trip(error)
    return _own.hit(item, *names), _own.get_window_stats(item, *names)


def shared_strategy() -> RateLimiter:
    """Return the strategy on the storage that all processes share."""
    return limiter.limiter


def forget() -> None:
    """Wipe what this process counted itself; ``core.redis`` wipes the rest."""
    _own.storage.reset()
