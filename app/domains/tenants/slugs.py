"""What an organization's short name in addresses may be."""

import re
from typing import Literal

from app.core.reserved_words import RESERVED_WORDS

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_SHORTEST, LONGEST = 3, 50


def check(slug: str) -> Literal["invalid", "reserved"] | None:
    """Say why a slug cannot be had: 3 to 50 of a-z, 0-9 and single inner hyphens, no reserved word."""
    if slug in RESERVED_WORDS:
        return "reserved"
    if not _SHORTEST <= len(slug) <= LONGEST or not _SLUG.fullmatch(slug):
        return "invalid"
    return None
