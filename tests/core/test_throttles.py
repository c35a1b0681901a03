"""Ordinary call limits: exact about refusals, sliding, and there without Redis too."""

from collections.abc import Callable, Iterator

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisAway

from app.core import redis, throttles
from app.core.errors import RateLimited
from app.core.settings import Settings, use_settings
from tests.support.live import LiveInstance

PLACES = ["in this process", "in Redis"]


@pytest.fixture(params=PLACES)
def counted(
    request: pytest.FixtureRequest, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Count once without Redis, once with it: both must judge alike."""
    use_settings(settings)
    throttles.forget()
    redis.breaker.reset()
    if request.param == "in Redis":
        live: LiveInstance = request.getfixturevalue("live_server")
        server = Redis.from_url(live.settings["REDIS_URL"])
        server.delete(*(server.keys(f"{redis.LIMITS_PREFIX}:test*") or ["none"]))
        script = server.register_script(throttles._COUNT)
        monkeypatch.setattr(throttles, "_script", lambda _url: script)
    yield
    redis.breaker.reset()
    throttles.forget()


def calls(number: int, key: str = "k", limit: int = 10) -> int:
    """Make calls and return how many got through."""
    through = 0
    for _ in range(number):
        try:
            throttles.count("test", key, limit=limit, seconds=60)
            through += 1
        except RateLimited:
            pass
    return through


@pytest.fixture
def window_start(move_clock: Callable[[int], None]) -> Callable[[int], None]:
    """Return a function that moves the clock to so many seconds after the next window's beginning."""

    def move(seconds: int) -> None:
        now = throttles.clock.now().timestamp()
        move_clock(60 - int(now % 60) + seconds)

    return move


def test_the_limit_is_let_through_and_no_more(counted: None, window_start: Callable[[int], None]) -> None:
    window_start(1)
    assert calls(15) == 10
    assert calls(5, key="another") == 5


def test_what_is_left_is_told(counted: None, window_start: Callable[[int], None]) -> None:
    window_start(10)
    standings = [throttles.count("test", "k", limit=3, seconds=60) for _ in range(3)]
    assert [standing.remaining for standing in standings] == [2, 1, 0]
    assert 48 <= standings[0].reset_after <= 50


def test_a_full_burst_at_a_windows_end_leaves_little_room_in_the_next(
    counted: None, window_start: Callable[[int], None], move_clock: Callable[[int], None]
) -> None:
    window_start(58)
    first = calls(100, limit=100)
    move_clock(4)
    assert first + calls(100, limit=100) <= 110


def test_a_refused_call_has_room_when_it_was_told_so(
    counted: None, window_start: Callable[[int], None], move_clock: Callable[[int], None]
) -> None:
    window_start(20)
    calls(10)
    with pytest.raises(RateLimited) as refused:
        throttles.count("test", "k", limit=10, seconds=60)
    wait = refused.value.retry_after or 0
    move_clock(wait - 2)
    assert calls(1) == 0
    move_clock(2)
    assert calls(1) == 1


def test_a_dead_redis_is_not_asked_again_at_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    use_settings(settings)
    throttles.forget()
    redis.breaker.reset()
    asked = []

    def away(**_: object) -> None:
        asked.append(1)
        raise RedisAway

    monkeypatch.setattr(throttles, "_script", lambda _url: away)
    assert calls(20) == 10
    assert len(asked) == 1
    redis.breaker.reset()
    throttles.forget()
