"""How values read in a mail: times, spans, and names that must not pass for a link."""

import re
from datetime import UTC, datetime, timedelta

_UNITS = ((timedelta(days=2), timedelta(days=1), "day"), (timedelta(hours=1), timedelta(hours=1), "hour"))
_ADDRESS = re.compile(r"(?i)\b(?:[a-z][a-z0-9+.-]*://|www\.|mailto:)\S*")
_INNER_DOT = re.compile(r"(?<=[^\W_])\.(?=[^\W\d_]{2})")
_WORD_JOINER = "\u2060"
_LONGEST_NAME = 120


def written(value: str | int | datetime | timedelta) -> str:
    """Return a value as the sentence of a mail shows it."""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%d %B %Y at %H:%M UTC}".lstrip("0")
    if isinstance(value, timedelta):
        return _span(value)
    return str(value)


def _span(span: timedelta) -> str:
    """Say a span in the largest unit that fits without a rest; a day or less stays in hours."""
    for least, unit, word in _UNITS:
        if span >= least and not span % unit:
            return _counted(span // unit, word)
    return _counted(max(1, round(span.total_seconds() / 60)), "minute")


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def harmless(name: str) -> str:
    """Return what somebody typed as a name: one line, nothing that a mail reader turns into a link."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in name).split())
    without = _ADDRESS.sub("…", line)[:_LONGEST_NAME]
    return _INNER_DOT.sub("." + _WORD_JOINER, without)
