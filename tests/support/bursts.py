"""Many callers at the same moment against the counters that protect an account."""

import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from tests.contract.endpoints import ENDPOINTS
from tests.support import calls
from tests.support.authenticator import other_than
from tests.support.calls import code_of
from tests.support.live import LiveInstance
from tests.support.load import Caller
from tests.support.second_factor import Factor, set_up

PASSWORD = "correct horse battery 7"
JANE, KIM = "jane@bursts.example", "kim@bursts.example"
LOGIN, VERIFY, OTP = "platform_api.auth.login", "v0.totp.verify", "platform_api.auth.otp_verify"
BUSY = 503

Said = tuple[int, str]
"""What a caller was told: status and code, the code empty where all is good."""


@dataclass(frozen=True)
class Outcome:
    """How many tries of a burst were looked at, how many may be; what the right try is told afterwards."""

    judged: int
    limit: int
    afterwards: Said
    expected: Said


@dataclass
class Bursts:
    """An instance with Jane, who has a second factor, and Kim, who has none; so many callers a burst."""

    instance: LiveInstance
    size: int
    factor: Factor
    bearer: str
    """Of a session that outlives all rounds."""
    ahead: int = 0
    """By how many seconds the instance's time was moved."""

    @classmethod
    def against(cls, instance: LiveInstance, size: int) -> "Bursts":
        """Make both people."""
        with calls.Caller(instance.url) as caller:
            for email in (JANE, KIM):
                who = {"email": email, "password": PASSWORD, "first_name": "Jane", "last_name": "Doe"}
                caller.good("platform_api.auth.register", **who)
                token = instance.mail.token_for(email, subject="Confirm")
                caller.good("v0.auth.verify_email", token=token)
            asked = {"email": JANE, "password": PASSWORD, "session_mode": "token", "remember_me": True}
            bearer = caller.good("v0.auth.login", **asked)["session"]["token"]
            return cls(instance, size, set_up(instance, caller, bearer), bearer)

    def at_once(self, call: Callable[[Caller, int], Said]) -> list[Said]:
        """Let all callers begin together; one that finds no room tries again."""
        start = threading.Barrier(self.size)

        def run(number: int) -> Said:
            with closing(Caller(self.instance.url)) as caller:
                start.wait()
                said = call(caller, number)
                while said[0] == BUSY:
                    said = call(caller, number)
                return said

        with ThreadPoolExecutor(self.size) as pool:
            return list(pool.map(run, range(self.size)))

    def once(self, endpoint_id: str, body: Mapping[str, Any], *, signed_in: bool = False) -> Said:
        """Make one call after the others."""
        with closing(Caller(self.instance.url)) as caller:
            return self.ask(caller, endpoint_id, body, signed_in=signed_in)

    def ask(
        self, caller: Caller, endpoint_id: str, body: Mapping[str, Any], *, signed_in: bool = False
    ) -> Said:
        """Make one call of a burst."""
        headers = {"Authorization": f"Bearer {self.bearer}"} if signed_in else {}
        answer = caller("POST", ENDPOINTS[endpoint_id].path, body, headers)
        if answer.status < 300:
            return answer.status, ""
        return answer.status, code_of(ENDPOINTS[endpoint_id].dialect, json.loads(answer.body))

    def begin_anew(self) -> None:
        """Forget what was counted, and go on to a time step that no code was taken of."""
        self.instance.flask("limits", "reset")
        self.ahead += 60
        self.instance.move_clock(None)
        self.instance.move_clock(self.ahead)


def passwords(bursts: Bursts) -> Outcome:
    """Guess a password through three dialects."""
    ways = (LOGIN, "v0.auth.login", "services_v1.auth.login")
    said = bursts.at_once(
        lambda caller, n: bursts.ask(caller, ways[n % 3], {"email": JANE, "password": f"guess {n}"})
    )
    judged = said.count((401, "auth:invalid_credentials"))
    right = bursts.once(LOGIN, {"email": JANE, "password": PASSWORD})
    return Outcome(judged, 10, right, (429, "rate:limited"))


def login_tokens(bursts: Bursts) -> Outcome:
    """Guess the code that goes with one login token, through both dialects that take it."""
    with calls.Caller(bursts.instance.url) as caller:
        token = caller.good("v0.auth.login", email=JANE, password=PASSWORD)["temp_token"]
    wrong = other_than(bursts.instance.totp(bursts.factor.secret))
    ways = (
        (VERIFY, {"temp_token": token, "code": wrong}),
        ("services_v1.auth.authenticate", {"login_token": token, "code": wrong}),
    )
    said = bursts.at_once(lambda caller, n: bursts.ask(caller, *ways[n % 2]))
    judged = said.count((401, "totp:invalid_code")) + said.count((422, "two_factor:code_invalid"))
    right = {"temp_token": token, "code": bursts.instance.totp(bursts.factor.secret)}
    return Outcome(judged, 5, bursts.once(VERIFY, right), (401, "auth:login_token_invalid"))


def proofs(bursts: Bursts) -> Outcome:
    """Guess the code within a session, through three calls."""
    wrong = {"code": other_than(bursts.instance.totp(bursts.factor.secret))}
    prove = "services_v1.two_factor.security_verification"
    ways = (
        (prove, {**wrong, "method": "authenticator"}),
        ("services_v1.two_factor.validate_auth", wrong),
        ("v0.totp.regenerate_backup_codes", wrong),
    )
    said = bursts.at_once(lambda caller, n: bursts.ask(caller, *ways[n % 3], signed_in=True))
    judged = said.count((400, "totp:invalid_code")) + said.count((422, "two_factor:code_invalid"))
    right = {"method": "authenticator", "code": bursts.instance.totp(bursts.factor.secret)}
    return Outcome(judged, 5, bursts.once(prove, right, signed_in=True), (429, "rate:limited"))


def second_factors(bursts: Bursts) -> Outcome:
    """Guess the code beside the right password, where the pause between ten failures is set wide open."""
    bursts.instance.flask("settings", "set", "auth.lockout_attempts", "100")
    try:
        wrong = {
            "email": JANE,
            "password": PASSWORD,
            "two_factor_code": other_than(bursts.instance.totp(bursts.factor.secret)),
        }
        said = bursts.at_once(lambda caller, _: bursts.ask(caller, LOGIN, wrong))
        right = {**wrong, "two_factor_code": bursts.instance.totp(bursts.factor.secret)}
        judged = said.count((401, "two_factor:code_invalid"))
        return Outcome(judged, 50, bursts.once(LOGIN, right), (429, "rate:limited"))
    finally:
        bursts.instance.flask("settings", "set", "auth.lockout_attempts", "10")


def recovery_codes(bursts: Bursts) -> Outcome:
    """Show one good recovery code many times."""
    with calls.Caller(bursts.instance.url) as caller:
        fresh = {"bearer": bursts.bearer, "code": bursts.instance.totp(bursts.factor.secret)}
        codes = caller.good("v0.totp.regenerate_backup_codes", **fresh)["backup_codes"]
    body = {"email": JANE, "password": PASSWORD, "two_factor_code": codes[0]}
    said = bursts.at_once(lambda caller, _: bursts.ask(caller, LOGIN, body))
    bursts.instance.flask("limits", "reset")
    return Outcome(said.count((200, "")), 1, bursts.once(LOGIN, body), (401, "two_factor:code_invalid"))


def time_steps(bursts: Bursts) -> Outcome:
    """Show one good code of the authenticator many times."""
    code = bursts.instance.totp(bursts.factor.secret)
    body = {"email": JANE, "password": PASSWORD, "two_factor_code": code}
    said = bursts.at_once(lambda caller, _: bursts.ask(caller, LOGIN, body))
    bursts.instance.flask("limits", "reset")
    return Outcome(said.count((200, "")), 1, bursts.once(LOGIN, body), (401, "two_factor:code_invalid"))


def mailed_code(bursts: Bursts) -> str:
    """Have a sign-in code mailed to Kim."""
    already = len([mail for mail in bursts.instance.mail.all(KIM) if "signs you in" in mail.subject])
    assert bursts.once("platform_api.auth.otp_request", {"email": KIM}) == (200, "")
    return bursts.instance.mail.code_for(KIM, subject="signs you in", count=already + 1)


def mailed_codes(bursts: Bursts) -> Outcome:
    """Show one good mailed code many times."""
    body = {"email": KIM, "code": mailed_code(bursts)}
    said = bursts.at_once(lambda caller, _: bursts.ask(caller, OTP, body))
    bursts.instance.flask("limits", "reset")
    return Outcome(said.count((200, "")), 1, bursts.once(OTP, body), (401, "auth:otp_invalid"))


def guesses_at_a_mailed_code(bursts: Bursts) -> Outcome:
    """Guess a mailed code; the right one is dead afterwards, whatever else is forgotten."""
    code = mailed_code(bursts)
    wrong = {"email": KIM, "code": other_than(code)}
    said = bursts.at_once(lambda caller, _: bursts.ask(caller, OTP, wrong))
    bursts.instance.flask("limits", "reset")
    judged = said.count((401, "auth:otp_invalid"))
    return Outcome(judged, 10, bursts.once(OTP, {"email": KIM, "code": code}), (401, "auth:otp_invalid"))


COUNTERS: Mapping[str, Callable[[Bursts], Outcome]] = {
    attack.__name__: attack
    for attack in (
        passwords,
        login_tokens,
        proofs,
        second_factors,
        recovery_codes,
        time_steps,
        mailed_codes,
        guesses_at_a_mailed_code,
    )
}
