"""Setting an authenticator up over HTTP, for people of a running instance."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from tests.support.calls import Caller
from tests.support.live import LiveInstance


@dataclass(frozen=True)
class Factor:
    """What a person's authenticator app and sheet of paper hold."""

    secret: str
    backup_codes: Sequence[str]


def secret_in(address: str) -> str:
    """Return the secret in an otpauth address."""
    return parse_qs(urlsplit(address).query)["secret"][0]


def set_up(live: LiveInstance, caller: Caller, bearer: str) -> Factor:
    """Switch a person's second factor on through v0; the step of this moment is spent."""
    secret = secret_in(caller.good("v0.totp.setup", bearer=bearer)["qr_code_uri"])
    enabled = caller.good("v0.totp.enable", bearer=bearer, code=live.totp(secret))
    return Factor(secret, enabled["backup_codes"])
