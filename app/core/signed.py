"""Small signed texts for links: what they hold can be read by anybody and changed by nobody."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any

from app.core.settings import current_settings

_TAG_BYTES = 16
LONGEST = 4096
"""What is longer is no text of ours."""


def sign(purpose: str, values: Sequence[Any]) -> str:
    """Return values as a text that ``verify`` takes for the same purpose only.

    :returns: ``kid.base64url(json).base64url(tag)``: the tag is the first half of an HMAC-SHA-256
    """
    key_id, key = current_settings().signing_keys.newest
    body = json.dumps(list(values), separators=(",", ":"), ensure_ascii=False).encode()
    return f"{key_id}.{_encoded(body)}.{_encoded(_tag(key, purpose, body))}"


def verify(purpose: str, text: str) -> list[Any] | None:
    """Return the values of a text that we signed with any key still held; None for any other text."""
    parts = text.split(".") if len(text) <= LONGEST and text.isascii() else []
    if len(parts) != 3:
        return None
    key = current_settings().signing_keys.keys.get(parts[0])
    try:
        body, tag = _decoded(parts[1]), _decoded(parts[2])
    except (binascii.Error, ValueError):
        return None
    if key is None or not hmac.compare_digest(_tag(key, purpose, body), tag):
        return None
    if [_encoded(body), _encoded(tag)] != parts[1:]:
        return None  # another spelling of the same bytes
    found = json.loads(body)
    return found if isinstance(found, list) else None


def _tag(key: bytes, purpose: str, body: bytes) -> bytes:
    own = hmac.digest(key, b"signed:" + purpose.encode(), hashlib.sha256)
    return hmac.digest(own, body, hashlib.sha256)[:_TAG_BYTES]


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
