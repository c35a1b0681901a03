"""Secrets: sealing what must be read again, hashing what is only recognised, comparing both safely."""

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.core.settings import current_settings

_NONCE_BYTES = 12


class SealBroken(Exception):
    """A sealed value cannot be opened: another key, another context, or it was changed."""


@dataclass(frozen=True)
class Sealed:
    """A sealed text. Not a ``str``: only a column that says how it is opened takes it (``core.sealing``)."""

    text: str
    """``kid.base64url(nonce + ciphertext)``"""

    @property
    def key_id(self) -> str:
        """Return the name of the key that opens it."""
        return self.text.partition(".")[0]

    def inside(self) -> str:
        """Return it as text, for a place inside of something else (``sealing.sealed_inside``)."""
        return self.text


def seal(plaintext: str, context: str) -> Sealed:
    """Encrypt a text so that it opens only with the same context (its table, row or tenant)."""
    key_id, key = current_settings().sealing_keys.newest
    nonce = os.urandom(_NONCE_BYTES)
    box = AESGCM(key).encrypt(nonce, plaintext.encode(), context.encode())
    return Sealed(f"{key_id}.{base64.urlsafe_b64encode(nonce + box).decode()}")


def unseal(sealed: Sealed, context: str) -> str:
    """Decrypt a sealed text with whichever key it names.

    :raises SealBroken: when the key is gone, the context differs or the value was changed
    """
    key_id, _, encoded = sealed.text.partition(".")
    key = current_settings().sealing_keys.keys.get(key_id)
    if key is None:
        raise SealBroken(key_id)
    try:
        raw = base64.urlsafe_b64decode(encoded)
        return AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], context.encode()).decode()
    except (InvalidTag, ValueError) as error:
        raise SealBroken(key_id) from error


def token_hash(token: str) -> bytes:
    """Return what is stored of a random token (SHA-256: 256 random bits need no slow hash)."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def keyed_hash(purpose: str, value: str) -> str:
    """Return a hash of something guessable, which nobody without our key can search for."""
    key = hashlib.sha256(b"keyed-hash:" + current_settings().secret_key.encode()).digest()
    text = f"{purpose}\0{value}".encode("utf-8", "surrogatepass")
    return hmac.new(key, text, hashlib.sha256).hexdigest()


def same(a: str | bytes, b: str | bytes) -> bool:
    """Compare in constant time."""
    left = a.encode() if isinstance(a, str) else a
    right = b.encode() if isinstance(b, str) else b
    return hmac.compare_digest(left, right)
