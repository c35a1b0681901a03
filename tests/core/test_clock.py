"""Time: it can be made to stand still for one caller, outside production and for nobody else."""

import dataclasses
import threading
from datetime import UTC, datetime

import pytest
from flask import Flask

from app.core import clock
from app.core.settings import Settings, use_settings

THEN = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


def test_it_stands_still_for_who_asks_and_for_nobody_else(app: Flask) -> None:
    seen: list[datetime] = []
    with clock.standing_at(THEN):
        assert clock.now() == THEN
        other = threading.Thread(target=lambda: seen.append(clock.now()))
        other.start()
        other.join()
    assert clock.now() > THEN
    assert seen[0] != THEN


def test_it_goes_on_after_an_error(app: Flask) -> None:
    with pytest.raises(ZeroDivisionError), clock.standing_at(THEN):
        raise ZeroDivisionError
    assert clock.now() != THEN


def test_it_never_stands_still_in_production(app: Flask, settings: Settings) -> None:
    use_settings(dataclasses.replace(settings, app_env="production"))
    try:
        with pytest.raises(RuntimeError, match="production"), clock.standing_at(THEN):
            pass
    finally:
        use_settings(settings)
