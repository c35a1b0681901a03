"""DKIM keys (RFC 6376): made here, the private half sealed, and what signs a message with it."""

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from app.core.late import Late
from app.core.secrets import Sealed, seal, unseal

if TYPE_CHECKING:
    import dkim
else:
    dkim = Late("dkim")

_BITS = 2048  # RFC 8301, 3.2: verifiers take that much; longer ones do not fit into one DNS answer
_SIGNED = (
    *("from", "from", "to", "subject", "date", "message-id", "reply-to", "mime-version", "content-type"),
    *("content-transfer-encoding", "list-unsubscribe", "list-unsubscribe-post", "auto-submitted"),
)
"""From twice: a second one put in on the way breaks the signature (RFC 6376, 8.15)."""


@dataclass(frozen=True)
class KeyPair:
    """A new key; ``private`` is PEM and goes nowhere but into ``sealed``."""

    public: str
    private: str = field(repr=False)

    def sealed(self, tenant_id: int) -> Sealed:
        """Return the private half as it is kept."""
        return seal(self.private, _context(tenant_id))


def new_key() -> KeyPair:
    """Make an RSA key pair; takes about a tenth of a second, so not inside a transaction."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    public = made.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    private = made.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return KeyPair(base64.b64encode(public).decode(), private.decode())


def signed(message: bytes, *, domain: str, selector: str, sealed_key: Sealed, tenant_id: int) -> bytes:
    """Return a message with its signature in front, relaxed in headers and body.

    :raises SealBroken: if the key cannot be opened
    """
    key = unseal(sealed_key, _context(tenant_id)).encode()
    signature = dkim.sign(
        message,
        selector.encode(),
        domain.encode(),
        key,
        canonicalize=(b"relaxed", b"relaxed"),
        include_headers=_there(message),
    )
    return bytes(signature) + message


def _there(message: bytes) -> list[bytes]:
    """Return the names of headers to sign: those that the message has, and From once more than that."""
    names = {line.partition(b":")[0].lower() for line in message.partition(b"\r\n\r\n")[0].split(b"\r\n")}
    return [name.encode() for name in _SIGNED if name.encode() in names]


def _context(tenant_id: int) -> str:
    return f"dkim:{tenant_id}"
