"""Languages and time zones that a person may choose."""

import functools
import re
import zoneinfo
from collections.abc import Sequence

from app.core.errors import ValidationFailed
from app.core.languages import Sentence
from app.domains.settings import queries as settings

_LANGUAGE = re.compile(r"([a-z]{2,3})(-[A-Z]{2})?")


def check_language(language: str, *, field: str = "locale") -> None:
    """Refuse a language that the instance does not speak; a region after it is free (``de``, ``de-CH``).

    :raises ValidationFailed: at ``field``
    """
    match = _LANGUAGE.fullmatch(language)
    spoken = settings.entries("instance.languages")
    if match is None or match[1] not in spoken:
        raise ValidationFailed({field: [Sentence("Choose one of %(types)s.", types=", ".join(spoken))]})


def check_timezone(timezone: str, *, field: str = "timezone") -> None:
    """Refuse what is no time zone's IANA name.

    :raises ValidationFailed: at ``field``
    """
    if timezone not in _zones():
        raise ValidationFailed({field: ["Give a time zone such as Europe/Berlin."]})


@functools.lru_cache(maxsize=1)
def zones() -> Sequence[str]:
    """Return the names of time zones worth offering, by region: what stands for places people live in."""
    regions = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    return ("UTC", *sorted(zone for zone in _zones() if zone.startswith(regions)))


@functools.lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())
