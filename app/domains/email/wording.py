"""How values read in a mail: times, spans, and names that must not pass for a link."""

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from app.core.languages import said
from app.core.money import Money
from app.domains.email.readers import Reader

_UNITS = ((timedelta(days=2), timedelta(days=1), "day"), (timedelta(hours=1), timedelta(hours=1), "hour"))
_ADDRESS = re.compile(r"(?i)\b(?:[a-z][a-z0-9+.-]*://|www\.|mailto:)\S*")
_INNER_DOT = re.compile(r"(?<=[^\W_])\.(?=[^\W\d_]{2})")
_WORD_JOINER = "\u2060"
LONGEST_NAME, LONGEST_TEXT = 120, 500

_WORDS = frozenset({"status", "from", "role", "setting_label", "interval"})
"""Variables that are words of ours, if they are."""

TEXTS = frozenset({"message"})
"""Variables that are sentences of somebody's own, longer than a name."""

Value = str | int | datetime | date | timedelta | Money
Kept = str | Mapping[str, Any]


def kept(value: Value) -> Kept:
    """Return a value as a promise keeps it: times and spans are worded for whoever reads the mail."""
    if isinstance(value, datetime):
        return {"at": value.isoformat()}
    if isinstance(value, date):
        return {"day": value.isoformat()}
    if isinstance(value, Money):
        return {"amount": value.amount, "currency": value.currency}
    if isinstance(value, timedelta):
        return {"seconds": value.total_seconds()}
    return str(value)


def written(value: Kept, reader: Reader) -> str:
    """Return a kept value as the sentence of a mail shows it to its reader."""
    if isinstance(value, str):
        return value
    if "at" in value:
        moment, manner = datetime.fromisoformat(value["at"]), reader.manner
        pattern = said("%(day)s at %(time)s", reader.language)
        return pattern % {"day": manner.day(moment), "time": manner.minute(moment)}
    if "amount" in value:
        return Money(value["amount"], value["currency"]).written(reader.manner)
    if "day" in value:
        noon = datetime.combine(date.fromisoformat(value["day"]), time(12), tzinfo=reader.manner.zone)
        return reader.manner.day(noon)
    return _span(timedelta(seconds=value["seconds"]), reader)


def _span(span: timedelta, reader: Reader) -> str:
    """Say a span in the largest unit that fits without a rest; a day or less stays in hours."""
    for least, unit, word in _UNITS:
        if span >= least and not span % unit:
            return reader.manner.span(span // unit, word)
    return reader.manner.span(max(1, round(span.total_seconds() / 60)), "minute")


def called(name: str, value: str, reader: Reader) -> str:
    """Return a word of ours among a mail's variables in the reader's language: a status, a kind of device."""
    if name == "device":
        browser, on, system = value.partition(" on ")
        pattern = said("%(browser)s on %(system)s", reader.language)
        return pattern % {"browser": browser, "system": system} if on else said(value, reader.language)
    return said(value, reader.language) if name in _WORDS else value


def harmless(text: str, *, most: int = LONGEST_NAME) -> str:
    """Return what somebody typed: one line, nothing that a mail reader turns into a link."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    without = _ADDRESS.sub("…", line)[:most]
    return _INNER_DOT.sub("." + _WORD_JOINER, without)


def holds_link(text: str) -> bool:
    """Say whether a text holds an address with its scheme, or one that begins like a web site's."""
    return _ADDRESS.search(text) is not None
