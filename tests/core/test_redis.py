"""Redis may be away, hang or forget: nobody waits for it, nothing fails."""

import dataclasses
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core import redis
from app.core.settings import Settings, use_settings


@pytest.fixture(autouse=True)
def _fresh(settings: Settings) -> Iterator[None]:
    redis._ringer.submit(lambda: None).result(5)  # what an earlier test rang for
    redis._rings.clear()
    redis.breaker.reset()
    redis.let_go()
    yield
    redis.breaker.reset()
    redis.let_go()
    use_settings(settings)


@pytest.fixture
def hanging(settings: Settings, tmp_path: Path) -> Iterator[None]:
    """Put a server in Redis' place that takes connections and never answers."""
    path = tmp_path / "redis.sock"
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen(16)
    use_settings(dataclasses.replace(settings, redis_url=f"unix://{path}"))
    yield
    server.close()


def test_a_redis_that_is_away_is_told_by_false_and_left_alone(settings: Settings) -> None:
    use_settings(settings)
    before = redis.failures._value.get()
    assert not redis.ring_now()
    assert redis.breaker.is_open
    assert redis.failures._value.get() == before + 1
    assert not redis.answers()


def test_a_redis_that_hangs_costs_a_quarter_of_a_second_at_most(hanging: None) -> None:
    began = time.perf_counter()
    assert not redis.ring_now()
    assert time.perf_counter() - began <= 0.25


def test_who_rings_waits_for_nothing(hanging: None) -> None:
    began = time.perf_counter()
    for _ in range(50):
        redis.ring()
    assert time.perf_counter() - began <= 0.05


def test_the_breaker_closes_after_some_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    redis.breaker.trip(OSError())
    assert redis.breaker.is_open
    later = time.monotonic() + redis.BREAK_SECONDS + 0.1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert not redis.breaker.is_open


def test_rings_that_come_at_once_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, rung = threading.Event(), []

    def slowly() -> bool:
        gate.wait(5)
        redis._rings.clear()
        rung.append(1)
        return True

    monkeypatch.setattr(redis, "ring_now", slowly)
    for _ in range(100):
        redis.ring()
    gate.set()
    redis._ringer.submit(lambda: None).result(5)
    assert len(rung) == 1
