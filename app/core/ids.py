"""Identifiers: a small integer for joins, a UUIDv7 for the outside, and prefixed forms of the latter."""

import re
import secrets
from dataclasses import dataclass
from uuid import UUID

from uuid_utils.compat import uuid7

_PREFIXED = re.compile(r"^([a-z]{2,5})_([0-9a-f]{32})$")


@dataclass(frozen=True)
class Ref:
    """What a caller named a row by: its integer id or its UID, never both."""

    id: int | None = None
    uid: UUID | None = None


def new_uid() -> UUID:
    """Return a UUIDv7, so that rows sort by when they were made."""
    return uuid7()


def prefixed(prefix: str, uid: UUID) -> str:
    """Return e.g. ``usr_0196f2a47c1e7d3a9b523f6c8e1a4d70``."""
    return f"{prefix}_{uid.hex}"


def parse_ref(value: object, prefix: str) -> Ref | None:
    """Read any form of an id (integer, digits, UUID, prefixed); None if it is none of them."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Ref(id=value) if 0 < value < 2**63 else None
    text = str(value)
    if text.isascii() and text.isdigit() and len(text) < 19:
        return Ref(id=int(text))
    if (match := _PREFIXED.match(text)) and match[1] == prefix:
        return Ref(uid=UUID(match[2]))
    try:
        return Ref(uid=UUID(text)) if len(text) == 36 else None
    except ValueError:
        return None


def new_token(prefix: str = "") -> str:
    """Return a random token of 256 bits, e.g. ``lgt_…``; only its hash is ever stored."""
    token = secrets.token_urlsafe(32)
    return f"{prefix}_{token}" if prefix else token
