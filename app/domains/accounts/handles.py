"""What a person's public name may be."""

import re
from typing import Literal

from app.core.reserved_words import RESERVED_WORDS

_HANDLE = re.compile(r"[a-z][a-z0-9_]{3,14}")


def check(handle: str) -> Literal["invalid", "reserved"] | None:
    """Say why a handle cannot be had: 4 to 15 of a-z, 0-9 and _, a letter first, no reserved word."""
    lowered = handle.lower()
    if not _HANDLE.fullmatch(lowered):
        return "invalid"
    return "reserved" if lowered in RESERVED_WORDS else None
