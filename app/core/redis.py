"""Redis as a bell and as the counter of ordinary limits: short waits, a breaker, no failure a caller sees.

What must not be lost is in the database. While Redis is away, the worker's sweep finds what nobody rang for.
"""

import logging
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any

from prometheus_client import Counter
from redis import ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from app.core.late import Late
from app.core.settings import current_settings

if TYPE_CHECKING:
    import rq
    from rq import serializers
else:
    rq, serializers = Late("rq"), Late("rq.serializers")

log = logging.getLogger(__name__)

WAIT_SECONDS = 0.2
"""The longest a web request waits for one answer of Redis."""
BREAK_SECONDS = 5.0
"""How long Redis is left alone after it failed."""
QUEUE = "outbox"
DELIVER = "app.surfaces.worker.deliver"
"""The job, by name: what is inside knows no surface."""
LIMITS_PREFIX = "LIMITS"
"""The beginning of every key that counts an ordinary limit."""

_BELL = "portico:bell"
_BELL_SECONDS = 5
_JOB_SECONDS = 120

failures = Counter("portico_redis_failures", "Calls of Redis that failed or took too long")


class Breaker:
    """Remembers that Redis failed, so that the next callers do not wait for it too."""

    def __init__(self) -> None:
        self._open_until = 0.0

    @property
    def is_open(self) -> bool:
        """Say whether Redis is being left alone."""
        return time.monotonic() < self._open_until

    def trip(self, error: Exception) -> None:
        """Leave Redis alone for a while."""
        failures.inc()
        self._open_until = time.monotonic() + BREAK_SECONDS
        log.warning("redis: left alone for %.0f s: %s: %s", BREAK_SECONDS, type(error).__name__, error)

    def reset(self) -> None:
        """Ask Redis again at the next occasion."""
        self._open_until = 0.0


breaker = Breaker()


@cache
def pool(url: str, wait: float) -> ConnectionPool:
    """Return the process's connections to a server; none is made before it is needed."""
    return ConnectionPool.from_url(
        url, socket_timeout=wait, socket_connect_timeout=wait, retry=Retry(NoBackoff(), 0), max_connections=64
    )


def client(wait: float = WAIT_SECONDS) -> "Redis":
    """Return a client of the instance's Redis that fails after ``wait`` seconds; ask ``breaker`` first."""
    return _client(current_settings().redis_url, wait)


@cache
def _client(url: str, wait: float) -> "Redis":
    return Redis(connection_pool=pool(url, wait))


def let_go() -> None:
    """Ask for nothing on the connections that there are; the next caller makes new ones."""
    _client.cache_clear()
    pool.cache_clear()


def answers() -> bool:
    """Ask Redis whether it is there, breaker or not."""
    try:
        return bool(client().ping())
    except (RedisError, OSError):
        return False


def queue(connection: "Redis") -> "rq.Queue":
    """Return the one queue; its jobs are JSON, so that who can write to Redis still cannot run code."""
    return rq.Queue(QUEUE, connection=connection, serializer=serializers.JSONSerializer)


# ---- the bell ------------------------------------------------------------------------------------------

_muted = threading.Event()
_rings = threading.Event()
_ringer = ThreadPoolExecutor(1, thread_name_prefix="bell")


def _after_fork() -> None:
    """Begin anew in a child: threads do not survive a fork, nor may two processes share a socket."""
    global _ringer  # noqa: PLW0603 - the only state that a fork breaks
    _ringer = ThreadPoolExecutor(1, thread_name_prefix="bell")
    _rings.clear()
    let_go()


os.register_at_fork(after_in_child=_after_fork)


def ring() -> None:
    """Wake a worker soon. The caller waits for nothing; rings while one is on its way are one ring."""
    if not (_rings.is_set() or _muted.is_set() or breaker.is_open):
        _rings.set()
        _ringer.submit(ring_now)


def ring_now() -> bool:
    """Wake a worker with one job, which does whatever is due; False if Redis was not there for it."""
    _rings.clear()
    try:
        connection = client()
        if connection.set(_BELL, 1, nx=True, ex=_BELL_SECONDS):
            queue(connection).enqueue_call(
                DELIVER, timeout=_JOB_SECONDS, result_ttl=0, failure_ttl=60, ttl=600
            )
    except (RedisError, OSError) as error:
        breaker.trip(error)
        return False
    return True


def mute() -> None:
    """Ring no more in this process: it looks for itself."""
    _muted.set()


def heard() -> None:
    """Let the bell be rung again; called by the job before it looks for what is due."""
    try:
        client().delete(_BELL)
    except (RedisError, OSError) as error:
        breaker.trip(error)


def forget_limits() -> int:
    """Wipe every ordinary limit's counter; for testers. Returns how many keys there were."""
    connection: Any = client(wait=2)  # typed as if it might be an asynchronous one
    return sum(int(connection.delete(key)) for key in connection.scan_iter(f"{LIMITS_PREFIX}*"))
