"""An authenticator app: what a test types in place of a person who looks at a phone."""

from dataclasses import dataclass

import pyotp

from app.core import clock

STEP = 30


def code_at(secret: str, moment: float, steps: int = 0) -> str:
    """Return the code of a secret at a moment (seconds since 1970), or so many steps later."""
    return pyotp.TOTP(secret).generate_otp(int(moment) // STEP + steps)


def other_than(code: str) -> str:
    """Return six digits that are not these."""
    return f"{(int(code) + 123_457) % 1_000_000:06}"


@dataclass
class Phone:
    """Shows codes of a secret, each once: that of now and the one to come."""

    secret: str
    last: int = 0

    def code(self) -> str:
        """Return a code that was not shown before; two within half a minute, more as the clock moves."""
        now = int(clock.now().timestamp()) // STEP
        self.last = max(self.last + 1, now)
        assert self.last <= now + 1, "the clock has to move first"
        return code_at(self.secret, self.last * STEP)

    def wrong(self) -> str:
        """Return six digits that are no code of these minutes."""
        now = int(clock.now().timestamp()) // STEP
        near = {code_at(self.secret, step * STEP) for step in range(now - 3, now + 4)}
        return next(digits for digits in ("000000", "111111", "222222", "333333") if digits not in near)
