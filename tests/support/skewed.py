"""The application on a machine whose clock is wrong, by the seconds in the file that SKEW_FILE names."""

import os
import time
from datetime import datetime, tzinfo
from pathlib import Path

_FILE = Path(os.environ["SKEW_FILE"])
_right = time.time


def _wrong() -> float:
    return _right() + int(_FILE.read_text() or 0)


class _Wrong(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.fromtimestamp(_wrong(), tz)


time.time = _wrong

from app.core import clock  # noqa: E402 - what it imports is to see the wrong time as well
from wsgi import app  # noqa: E402

clock.datetime = _Wrong  # type: ignore[misc]

__all__ = ["app"]
