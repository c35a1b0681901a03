"""The one source of time: aware UTC, which tests and testers can move outside production."""

import contextlib
import os
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.core.settings import current_settings

_offset_cache: tuple[int, timedelta] = (-1, timedelta(0))
_standing: ContextVar[datetime | None] = ContextVar("standing", default=None)


def now() -> datetime:
    """Return the present moment in UTC, moved by the instance's clock file outside production."""
    settings = current_settings()
    if settings.is_production:
        return datetime.now(UTC)
    return _standing.get() or datetime.now(UTC) + _offset(f"{settings.instance}/clock")


@contextlib.contextmanager
def standing_at(moment: datetime) -> Iterator[None]:
    """Let it be one moment for what this caller does, and for nobody else; never in production."""
    if current_settings().is_production:
        raise RuntimeError("In production time does not stand still.")
    held = _standing.set(moment)
    try:
        yield
    finally:
        _standing.reset(held)


def of_machine() -> float:
    """Return the machine's own time in seconds since 1970, which no tester moves: libraries count by it."""
    return datetime.now(UTC).timestamp()


def _offset(file: str) -> timedelta:
    global _offset_cache  # noqa: PLW0603 - read once a change, not at every call
    try:
        changed = os.stat(file).st_mtime_ns  # noqa: PTH116 - several times a call
    except OSError:
        return timedelta(0)
    if changed != _offset_cache[0]:
        seconds = 0
        with contextlib.suppress(OSError, ValueError):
            seconds = int(Path(file).read_text(encoding="ascii").strip() or 0)
        _offset_cache = (changed, timedelta(seconds=seconds))
    return _offset_cache[1]


def move(seconds: int | None) -> int:
    """Move the clock of every process of this instance by seconds, or back to real time with None.

    Returns the offset in force afterwards, in seconds.
    """
    file = current_settings().instance / "clock"
    if seconds is None:
        file.unlink(missing_ok=True)
        return 0
    total = int(_offset(str(file)).total_seconds()) + seconds
    file.write_text(str(total), encoding="ascii")
    return total
