"""API tokens of service users: JWTs of exactly ``r, exp, sub, reg``; the header names key and session.

Each environment signs with keys of its own, made from the instance's signing keys (RFC 5869), so that a token
of one never verifies in the other. They rotate with those: put a new key in front; what the old one signed
is over in an hour here, but links in mails need it longer (README). With several processes let the new one
stand behind first, until all of them know it.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import jwt as pyjwt
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.core import clock
from app.core.environments import Environment
from app.core.settings import current_settings

LIFE = timedelta(hours=1)
ROLES = ["service"]
_ALGORITHM = "HS256"
_CLAIMS = {"r", "exp", "sub", "reg"}
_LATEST = 2**40


@dataclass(frozen=True)
class Shown:
    """What a good token names: its session and its service user; what these may do is read at each call."""

    session_uid: UUID
    service_user_uid: UUID


def issue(session_uid: UUID, service_user_uid: UUID, *, environment: Environment, region: str) -> str:
    """Return a token of one hour."""
    key_id, key = current_settings().signing_keys.newest
    claims = {
        "r": ROLES,
        "exp": int((clock.now() + LIFE).timestamp()),
        "sub": str(service_user_uid),
        "reg": region.lower(),
    }
    headers = {"kid": key_id, "sid": str(session_uid)}
    return pyjwt.encode(claims, _key_of(key, environment), algorithm=_ALGORITHM, headers=headers)


def read(token: str, environment: Environment) -> Shown | None:
    """Return what a token names that we signed for this environment and that is still good, else None."""
    keys = tuple(current_settings().signing_keys.keys.items())
    try:
        header, claims = _verified(token, environment, keys)
        shown = Shown(UUID(header["sid"]), UUID(claims["sub"]))
    except (pyjwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return shown if claims["exp"] > clock.now().timestamp() else None


@functools.lru_cache(maxsize=2048)
def _verified(
    token: str, environment: Environment, keys: tuple[tuple[str, bytes], ...]
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return header and claims of a token with a good signature; remembered, as in ``core.jwt``."""
    header = pyjwt.get_unverified_header(token)
    key = dict(keys).get(str(header.get("kid")))
    if key is None or header.get("alg") != _ALGORITHM:
        raise pyjwt.InvalidTokenError
    options: Any = {"verify_exp": False, "require": sorted(_CLAIMS)}
    claims: dict[str, Any] = pyjwt.decode(
        token, _key_of(key, environment), algorithms=[_ALGORITHM], options=options
    )
    exp = claims["exp"]
    whole = set(claims) == _CLAIMS and claims["r"] == ROLES
    if not whole or not isinstance(exp, int) or isinstance(exp, bool) or exp > _LATEST:
        raise pyjwt.InvalidTokenError
    return header, claims


@functools.lru_cache(maxsize=64)
def _key_of(key: bytes, environment: Environment) -> bytes:
    info = f"client_v1 api_token {environment}".encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(key)
