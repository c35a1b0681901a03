"""What the product speaks: sentences in English, their translations, and how people write times and numbers.

Catalogues are read from their sources at first use: there is no compiled file that may lack or be stale.
"""

import functools
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError, dates, numbers, units
from babel.support import NullTranslations, Translations

from app.core.late import Late

if TYPE_CHECKING:
    from babel.messages import mofile, pofile
else:
    mofile, pofile = Late("babel.messages.mofile"), Late("babel.messages.pofile")

DEFAULT = "en"
LANGUAGES: Sequence[str] = (DEFAULT, "de")
"""Those that the product speaks itself; a person who chose another one is spoken to in English."""

_SIZES = (("terabyte", 10**12), ("gigabyte", 10**9), ("megabyte", 10**6), ("kilobyte", 10**3), ("byte", 1))
_CATALOGS = Path(__file__).resolve().parents[2] / "translations"
_AT_HOME = {"en": "en_GB"}
"""Where a language is spoken if nobody says; else English would mean American dates."""
_DATES = {"YYYY-MM-DD": "yyyy-MM-dd", "DD/MM/YYYY": "dd/MM/yyyy", "MM/DD/YYYY": "MM/dd/yyyy"}
_TIMES = {"24h": ("HH:mm", "HH:mm:ss"), "12h": ("h:mm a", "h:mm:ss a")}
_STEPS = (
    ("year", 31_536_000),
    ("month", 2_592_000),
    ("week", 604_800),
    ("day", 86_400),
    ("hour", 3_600),
    ("minute", 60),
)


WORDS = (
    "Owner",
    "Admin",
    "Manager",
    "Member",
    "Viewer",
    "Active",
    "Suspended",
    "Archived",
    "active",
    "suspended",
    "archived",
    "Unknown device",
    "monthly",
    "missing",
    "partial",
    "ok",
)
"""Words that are kept as data and shown to people through ``said``."""


class Sentence(str):
    """A sentence with values in it, which keeps its pattern so that it can be said in other languages too."""

    __slots__ = ("pattern", "values")
    pattern: str
    values: dict[str, Any]

    def __new__(cls, pattern: str, **values: Any) -> "Sentence":
        """Return the English sentence; ``pattern`` holds places such as ``%(name)s``."""
        sentence = super().__new__(cls, pattern % values)
        sentence.pattern, sentence.values = pattern, values
        return sentence

    def __str__(self) -> str:
        """Return itself, so that it outlives a ``str()`` on its way out."""
        return self


def language_of(locale: str) -> str:
    """Return the language in which somebody with this locale is spoken to."""
    language = locale.replace("_", "-").partition("-")[0].lower()
    return language if language in LANGUAGES else DEFAULT


@functools.lru_cache(maxsize=64)
def locale_of(locale: str) -> Locale:
    """Return how dates and numbers are written for somebody: as at home, in the language spoken to them."""
    language = language_of(locale)
    if language == locale.replace("_", "-").partition("-")[0].lower() and locale != language:
        try:
            return Locale.parse(locale.replace("-", "_"))
        except (UnknownLocaleError, ValueError):
            pass  # a region nobody has heard of
    return Locale.parse(_AT_HOME.get(language, language))


@functools.cache
def catalog(language: str) -> NullTranslations:
    """Return the translations of a language that we speak; English needs none."""
    source = _CATALOGS / language / "LC_MESSAGES" / "messages.po"
    if language == DEFAULT or not source.exists():
        return NullTranslations()
    compiled = io.BytesIO()
    with source.open("rb") as file:
        mofile.write_mo(compiled, pofile.read_po(file, locale=language))
    compiled.seek(0)
    return Translations(compiled)


def said(text: str, language: str) -> str:
    """Return a sentence of ours in another language; unchanged where there is no translation."""
    if not text:
        return ""
    known = catalog(language)
    if isinstance(text, Sentence):
        values = {
            name: said(value, language) if isinstance(value, Sentence) else value
            for name, value in text.values.items()
        }
        return str(known.gettext(text.pattern)) % values
    return str(known.gettext(str(text)))


@dataclass(frozen=True)
class Manner:
    """How somebody reads times and numbers: locale, zone, and an organization's house style if it counts."""

    locale: Locale
    zone: tzinfo
    date_format: str = ""
    time_format: str = ""

    @classmethod
    def of(cls, locale: str, zone: str, date_format: str = "", time_format: str = "") -> "Manner":
        """Return the manner of somebody by the names of locale and zone."""
        return cls(locale_of(locale), zone_of(zone), date_format, time_format)

    def day(self, moment: datetime) -> str:
        """Write the day of a moment out."""
        here = moment.astimezone(self.zone)
        return dates.format_date(here, _DATES.get(self.date_format, "long"), locale=self.locale)

    def minute(self, moment: datetime) -> str:
        """Write the time of a moment with the zone's name, without seconds."""
        return self._time(moment, 0)

    def second(self, moment: datetime) -> str:
        """Write day and time of a moment with the zone's name, to the second."""
        return f"{self.day(moment)}, {self._time(moment, 1)}"

    def _time(self, moment: datetime, exactness: int) -> str:
        pattern = _TIMES.get(self.time_format, ("short", "medium"))[exactness]
        time = dates.format_time(moment, pattern, tzinfo=self.zone, locale=self.locale)
        name = dates.get_timezone_name(moment.astimezone(self.zone), width="short", locale=self.locale)
        return f"{time} {name}"

    def span(self, number: int, unit: str) -> str:
        """Say how long something lasts, counted in one unit: "24 hours"."""
        return units.format_unit(number, f"duration-{unit}", locale=self.locale)

    def ago(self, seconds: int) -> str:
        """Say how long ago something was, counted in the largest unit that fits; ahead if negative."""
        unit, size = step(seconds)
        whole = timedelta(
            seconds=-count(seconds, size) * size if seconds > 0 else count(seconds, size) * size
        )
        return dates.format_timedelta(
            whole, granularity=unit, threshold=1, add_direction=True, locale=self.locale
        )

    def number(self, value: float) -> str:
        """Write a number with the marks of the locale."""
        return numbers.format_decimal(value, locale=self.locale)

    def size(self, octets: int) -> str:
        """Write the size of a file: 53,7 MB."""
        unit, factor = next(((unit, size) for unit, size in _SIZES if octets >= size), _SIZES[-1])
        value = round(octets / factor, 1 if factor > 1 else 0)
        length: Any = "short" if factor > 1 else "long"
        return units.format_unit(value, f"digital-{unit}", length, locale=self.locale)


def step(seconds: int) -> tuple[Any, int]:
    """Return the largest unit that fits into a span, and how many seconds it has."""
    return next(((unit, size) for unit, size in _STEPS if abs(seconds) >= size), _STEPS[-1])


def count(seconds: int, size: int) -> int:
    """Return how many units a span counts, at least one."""
    return int(abs(seconds) / size + 0.5) or 1


@functools.lru_cache(maxsize=256)
def zone_of(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name; UTC for a name that nobody knows."""
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        return ZoneInfo("UTC")
