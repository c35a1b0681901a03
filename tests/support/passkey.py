"""A device that holds one passkey, built from the specification (WebAuthn level 3, sections 5 and 6)."""

import hashlib
import json
import os
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, ELIGIBLE, BACKED_UP, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40
ORIGIN = "http://localhost"


def text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def raw(encoded: str) -> bytes:
    return urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))


@dataclass
class Device:
    """Makes a passkey and signs with it; what it does wrong is asked for by name."""

    origin: str = ORIGIN
    party: str = "localhost"
    count: int = 0
    verifies: bool = True
    backed_up: bool = False
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential_id: bytes = field(default_factory=lambda: os.urandom(32))
    handle: bytes = b""

    def make(self, options: dict[str, Any]) -> str:
        """Answer options for a new passkey."""
        self.handle = raw(options["user"]["id"])
        length = struct.pack(">H", len(self.credential_id))
        attested = bytes(16) + length + self.credential_id + self._public_key()
        data = self._data(ATTESTED) + attested
        whole = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", options)
        return self._answer(
            {"clientDataJSON": text(client), "attestationObject": text(whole), "transports": ["internal"]}
        )

    def sign(self, options: dict[str, Any], *, with_handle: bool = True) -> str:
        """Answer options for the use of a passkey."""
        self.count += 1 if self.count else 0
        data, client = self._data(0), self._client("webauthn.get", options)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": text(client),
            "authenticatorData": text(data),
            "signature": text(signature),
        }
        return self._answer(response | ({"userHandle": text(self.handle)} if with_handle else {}))

    def _answer(self, response: dict[str, Any]) -> str:
        name = text(self.credential_id)
        whole = {"id": name, "rawId": name, "type": "public-key", "clientExtensionResults": {}}
        return json.dumps(whole | {"response": response})

    def _client(self, kind: str, options: dict[str, Any]) -> bytes:
        told = {"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False}
        return json.dumps(told).encode()

    def _data(self, flags: int) -> bytes:
        flags |= (
            PRESENT | (VERIFIED if self.verifies else 0) | (ELIGIBLE | BACKED_UP if self.backed_up else 0)
        )
        return hashlib.sha256(self.party.encode()).digest() + struct.pack(">BI", flags, self.count)

    def _public_key(self) -> bytes:
        point = self.key.public_key().public_numbers()
        at = {-2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        return cbor2.dumps({1: 2, 3: -7, -1: 1, **at})
