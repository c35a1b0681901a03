"""Access tokens: HS256 JWTs that point at a session; what it may do is read at each call."""

import functools
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import jwt as pyjwt

from app.core import clock
from app.core.settings import current_settings

_ALGORITHM = "HS256"


def issue(claims: Mapping[str, Any], lifetime: timedelta) -> str:
    """Sign claims with the newest key; ``exp`` and ``iat`` are added."""
    key_id, key = current_settings().signing_keys.newest
    now = clock.now()
    payload = {**claims, "iat": int(now.timestamp()), "exp": int((now + lifetime).timestamp())}
    return pyjwt.encode(payload, key, algorithm=_ALGORITHM, headers={"kid": key_id})


def read(token: str) -> Mapping[str, Any] | None:
    """Return the claims of a token that we signed and that is still good, else None.

    The time is ours (``clock``), so ``exp`` is judged here, without leeway: a token that lives seconds longer
    buys nothing, since no clock but this product's reads it (RFC 7519, 4.1.4).
    """
    try:
        claims = _verified(token, tuple(current_settings().signing_keys.keys.items()))
    except (pyjwt.PyJWTError, ValueError, RecursionError):
        return None
    return claims if claims["exp"] > clock.now().timestamp() else None


@functools.lru_cache(maxsize=2048)
def _verified(token: str, keys: tuple[tuple[str, bytes], ...]) -> Mapping[str, Any]:
    """Return the claims of a token with a good signature; remembered, for clients show one again and again.

    What is remembered is that this text was signed with one of these keys, which no time can change. Failures
    are not: a flood of forged ones pushes no good one out.
    """
    header = pyjwt.get_unverified_header(token)
    key = dict(keys).get(str(header.get("kid")))
    if key is None or header.get("alg") != _ALGORITHM:
        raise pyjwt.InvalidTokenError
    options: Any = {"verify_exp": False, "verify_iat": False, "require": ["exp", "sub", "sid"]}
    claims: dict[str, Any] = pyjwt.decode(token, key, algorithms=[_ALGORITHM], options=options)
    exp = claims["exp"]
    if not isinstance(exp, int) or isinstance(exp, bool) or exp > 2**40:
        raise pyjwt.InvalidTokenError
    return claims
