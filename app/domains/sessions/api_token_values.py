"""What an API token looks like: a prefix and a checksum by which secret scanners know it (docs: /developers).

``pat_``, 26 random signs of base62 (154 bits), and the CRC-32 of those 26 signs in six more.
"""

import re
import secrets
import string
import zlib

PREFIX = "pat_"
PATTERN = r"\bpat_[0-9A-Za-z]{32}\b"
"""What finds one in a text; its checksum then tells it from what only looks like one."""

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM, _CHECKSUM = 26, 6
_SHOWN = len(PREFIX) + 4
_WHOLE = re.compile(PREFIX + rf"[0-9A-Za-z]{{{_RANDOM + _CHECKSUM}}}")


def new_value() -> str:
    """Return a new token; it is shown once, and only its hash is stored."""
    signs = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return PREFIX + signs + checksum(signs)


def checksum(signs: str) -> str:
    """Return the CRC-32 of a text in six signs of base62, the highest first."""
    number, found = zlib.crc32(signs.encode()), ""
    for _ in range(_CHECKSUM):
        number, digit = divmod(number, len(_ALPHABET))
        found = _ALPHABET[digit] + found
    return found


def is_well_formed(value: str) -> bool:
    """Say whether a text can be one of our tokens: most mistyped or invented ones are told by themselves."""
    if not _WHOLE.fullmatch(value):
        return False
    signs = value.removeprefix(PREFIX)
    return checksum(signs[:_RANDOM]) == signs[_RANDOM:]


def shown_prefix(value: str) -> str:
    """Return the beginning of a token, by which its owner knows it in a list."""
    return value[:_SHOWN]
