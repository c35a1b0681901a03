"""Ordinary call limits: sliding, told truly, and there without Redis too."""

import itertools
import time
from collections.abc import Iterator

import pytest
from limits import RateLimitItem, WindowStats
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import RateLimiter, SlidingWindowCounterRateLimiter
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import TimeoutError as RedisLate

from app.core import ids, redis
from app.core.errors import RateLimited
from app.core.settings import Settings, use_settings
from app.surfaces.shared import throttles
from tests.support.live import LiveInstance


@pytest.fixture(params=["in this process", "in Redis"])
def counted(
    request: pytest.FixtureRequest, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Count once without Redis, once with it: both must judge alike."""
    use_settings(settings)
    throttles.forget()
    redis.breaker.reset()
    strategy = throttles._own
    if request.param == "in Redis":
        live: LiveInstance = request.getfixturevalue("live_server")
        address = live.settings["REDIS_URL"].replace("unix:", "redis+unix:", 1)
        strategy = SlidingWindowCounterRateLimiter(storage_from_string(address))
    monkeypatch.setattr(throttles, "shared_strategy", lambda: strategy)
    yield
    redis.breaker.reset()
    throttles.forget()


@pytest.fixture
def key() -> str:
    return ids.new_token()


def calls(number: int, key: str, *, limit: int = 10, seconds: int = 3600) -> int:
    """Make calls and return how many got through."""
    through = 0
    for _ in range(number):
        try:
            throttles.count("test", key, limit=limit, seconds=seconds)
            through += 1
        except RateLimited:
            pass
    return through


def test_o09_the_limit_is_let_through_and_no_more(counted: None, key: str) -> None:
    assert calls(15, key) == 10
    assert calls(5, f"{key}2") == 5


def test_what_is_left_is_told(counted: None, key: str) -> None:
    standings = [throttles.count("test", key, limit=3, seconds=3600) for _ in range(3)]
    assert [standing.remaining for standing in standings] == [2, 1, 0]
    assert 0 < standings[0].reset_after <= 3600


@pytest.mark.parametrize("counted", ["in Redis"], indirect=True)
def test_o09_bursts_one_after_the_other_never_pass_more_than_a_tenth_beyond_the_limit(
    counted: None, key: str
) -> None:
    through, end = [], time.monotonic() + 2.5
    while time.monotonic() < end:
        if calls(1, key, limit=50, seconds=1):
            through.append(time.monotonic())
    in_a_second = [sum(start <= at < start + 1 for at in through) for start in through]
    assert max(in_a_second) <= 55


def test_o09_a_refusal_says_when_to_come_again(counted: None, key: str) -> None:
    calls(10, key)
    with pytest.raises(RateLimited) as refused:
        throttles.count("test", key, limit=10, seconds=3600)
    assert 0 < (refused.value.retry_after or 0) <= 3600


def test_a_redis_that_answers_too_late_takes_no_call_from_anybody(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """It counts what it is asked, and now and then its answer does not arrive in time."""
    use_settings(settings)
    throttles.forget()
    redis.breaker.reset()
    monkeypatch.setattr(redis, "BREAK_SECONDS", 0)
    there, asked = SlidingWindowCounterRateLimiter(MemoryStorage()), itertools.count(1)

    class Late(SlidingWindowCounterRateLimiter):
        def hit(self, item: RateLimitItem, *names: str, cost: int = 1) -> bool:
            found = there.hit(item, *names, cost=cost)
            if next(asked) % 3 == 0:
                raise RedisLate
            return found

        def get_window_stats(self, item: RateLimitItem, *names: str) -> WindowStats:
            return there.get_window_stats(item, *names)

    monkeypatch.setattr(throttles, "shared_strategy", lambda: Late(MemoryStorage()))
    assert calls(10, key) == 10
    assert calls(60, key) <= 10, "no more than the same once again, which this process counted"
    throttles.forget()
    redis.breaker.reset()


def test_a_dead_redis_is_not_asked_again_at_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    use_settings(settings)
    redis.breaker.reset()
    asked = []

    def away() -> RateLimiter:
        asked.append(1)
        raise RedisAway

    monkeypatch.setattr(throttles, "shared_strategy", away)
    assert calls(20, key) == 10
    assert len(asked) == 1
    redis.breaker.reset()
