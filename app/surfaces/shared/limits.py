"""Ordinary call limits: counted in Redis, or in this process while Redis is away."""

import re
from collections.abc import Callable, Mapping

from flask import Flask, g
from flask_limiter import Limiter

from app.core import redis
from app.core.buckets import BUCKETS, DEFAULT, Bucket
from app.core.limits import network_of
from app.core.settings import Settings
from app.domains.settings import budgets
from app.domains.settings import queries as settings

limiter = Limiter(key_func=lambda: str(g.limit_key), key_prefix="portico")


def init_limits(app: Flask, configured: Settings) -> None:
    """Bind the limiter to an application, with waits so short that a hanging Redis is not felt."""
    options = {"socket_timeout": redis.WAIT_SECONDS, "socket_connect_timeout": redis.WAIT_SECONDS}
    app.config.update(
        RATELIMIT_STORAGE_URI=re.sub(
            "^unix:", "redis+unix:", configured.redis_url
        ),  # limits' own word for a socket
        RATELIMIT_STORAGE_OPTIONS=options,
        RATELIMIT_STRATEGY="sliding-window-counter",
        RATELIMIT_IN_MEMORY_FALLBACK_ENABLED=True,
        RATELIMIT_HEADERS_ENABLED=True,
        RATELIMIT_HEADER_LIMIT="RateLimit-Limit",
        RATELIMIT_HEADER_REMAINING="RateLimit-Remaining",
        RATELIMIT_HEADER_RESET="RateLimit-Reset",
        RATELIMIT_HEADER_RETRY_AFTER_VALUE="delta-seconds",
    )
    limiter.init_app(app)


def count_call(bucket: Bucket, *, caller: str, endpoint: str, ip: str | None, per_minute: int | None) -> None:
    """Count one call against an ordinary bucket.

    :param caller: session or token, else the network address
    :param per_minute: ``limits.requests_per_minute`` where the caller's look-up brought it along
    :raises RateLimitExceeded: if the bucket is full
    """
    rule = bucket.rules[0]
    names: Mapping[str, str] = {"caller": caller, "endpoint": endpoint, "ip": network_of(ip)}
    g.limit_key = ":".join(names[key] for key in rule.keys)
    if bucket is DEFAULT:
        g.limit_value = per_minute or settings.integer("limits.requests_per_minute")
    else:
        g.limit_value = budgets.rules_of(bucket)[0].limit
    _COUNTERS[bucket.name]()


def _counter(bucket: Bucket) -> Callable[[], None]:
    def count() -> None:
        """Let the call through; the decorator does the counting."""

    count.__name__ = count.__qualname__ = f"count_{bucket.name}"
    seconds = bucket.rules[0].seconds
    # From an endpoint's second call on the limiter also asks before the request is looked at, and drops the
    # answer: there is no value yet.
    limit: Callable[[], str] = lambda: f"{g.get('limit_value', 1)} per {seconds} second"  # noqa: E731
    counted: Callable[[], None] = limiter.shared_limit(limit, scope=bucket.name)(count)
    return counted


_COUNTERS = {
    bucket.name: _counter(bucket)
    for bucket in BUCKETS.values()
    if not bucket.durable
    and bucket.rules[0].seconds
    and set(bucket.rules[0].keys) <= {"caller", "endpoint", "ip"}
}
