"""Whom a mail is for, and what they said about mail: found by the address, by whoever keeps people."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """A person with an account."""

    user_id: int
    email_enabled: bool
    """Their master switch for optional mail."""
    email_consent: bool


Finder = Callable[[str], Recipient | None]
_finders: list[Finder] = []


def finds_recipients(finder: Finder) -> Finder:
    """Register who knows people by their address; accounts are none of this domain's business."""
    _finders.append(finder)
    return finder


def recipient_of(address: str) -> Recipient | None:
    """Return the person who has an address; None where nobody has it."""
    return next((found for finder in _finders if (found := finder(address))), None)
