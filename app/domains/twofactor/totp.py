"""Time-based codes (RFC 6238): SHA-1, six digits, thirty seconds, one step of drift to either side."""

from datetime import datetime

import pyotp

from app.core.secrets import same

STEP_SECONDS = 30
DRIFT = 1
DIGITS = 6


def new_secret() -> str:
    """Return a random secret of 160 bits, in base32 as authenticator apps take it."""
    return pyotp.random_base32(32)


def address(secret: str, *, account: str, issuer: str) -> str:
    """Return the otpauth address that an app scans; all it needs is spelled out."""
    plain = pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)
    return f"{plain}&algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}"


def step_at(now: datetime) -> int:
    """Return the time step of a moment."""
    return int(now.timestamp()) // STEP_SECONDS


def matching_step(secret: str, code: str, now: datetime) -> int | None:
    """Return the time step that a code belongs to, None where it belongs to none that is taken now."""
    if len(code) != DIGITS or not (code.isascii() and code.isdigit()):
        return None
    at, found = step_at(now), None
    codes = pyotp.TOTP(secret)
    for step in range(at - DRIFT, at + DRIFT + 1):  # all of them, whichever matches: one time
        if same(codes.generate_otp(step), code):  # by the step: ``at`` reckons in the machine's local time
            found = step
    return found
