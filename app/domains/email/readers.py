"""Who reads a mail: language, time zone and the organization's way of writing dates, found by the address."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from app.core.languages import DEFAULT, Manner, language_of
from app.domains.settings import queries as settings


@dataclass(frozen=True)
class Reader:
    """How a mail is written for somebody."""

    locale: str = DEFAULT
    timezone: str = "UTC"
    date_format: str = ""
    time_format: str = ""

    @property
    def language(self) -> str:
        """Return the language in which they are spoken to."""
        return language_of(self.locale)

    @property
    def manner(self) -> Manner:
        """Return how they read dates and numbers."""
        return Manner.of(self.locale, self.timezone, self.date_format, self.time_format)

    def kept(self) -> dict[str, Any]:
        """Return it as a promise keeps it, for a mail that outlives the account."""
        return asdict(self)


Finder = Callable[[str], Reader | None]
_finders: list[Finder] = []


def finds_readers(finder: Finder) -> Finder:
    """Register who knows people by their address; accounts are none of this domain's business."""
    _finders.append(finder)
    return finder


def reader_of(address: str) -> Reader:
    """Return how to write to an address; as the instance speaks at first where nobody has it."""
    for finder in _finders:
        found = finder(address)
        if found is not None:
            return found
    return Reader((settings.entries("instance.languages") or (DEFAULT,))[0])
