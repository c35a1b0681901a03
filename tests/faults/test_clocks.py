"""Two web servers of which one has a wrong clock, then a right one again: nobody is locked out for good."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.faults.conftest import Tell
from tests.support import calls
from tests.support.live import ROOT, LiveInstance, free_port
from tests.support.load import PASSWORD, Arrivals, Ledger, register
from tests.support.load import Caller as Connection
from tests.support.processes import OwnValkey
from tests.support.second_factor import secret_in

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

AHEAD, BEHIND = 400, -3600
LOCK_SECONDS, TOKEN_SECONDS = 15 * 60, 30 * 60


@dataclass
class Pair:
    """An instance with two web servers: one is right, the other as wrong as its file says."""

    instance: LiveInstance
    right: calls.Caller
    wrong: calls.Caller
    file: Path

    def skew(self, seconds: int) -> None:
        self.file.write_text(str(seconds))


@pytest.fixture(scope="module")
def pair(bell: OwnValkey, victim: LiveInstance, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    file, port = tmp_path_factory.mktemp("skew") / "seconds", free_port()
    file.write_text("0")
    with (victim.folder / "log" / "skewed.log").open("ab") as log, ExitStack() as after:
        server = subprocess.Popen(
            [sys.executable, "-m", "sandbox.web", str(port), "tests.support.skewed:app"],
            cwd=ROOT,
            env=victim.full_environment(SKEW_FILE=str(file), MALLOC_ARENA_MAX="2"),
            stdout=log,
            stderr=log,
        )
        after.callback(server.wait, 20)
        after.callback(server.terminate)
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 60
        while Connection(url)("GET", "/health-check").status != 204:
            assert time.monotonic() < deadline, "the second server does not answer"
            time.sleep(0.1)
        right, wrong = (after.enter_context(calls.Caller(address)) for address in (victim.url, url))
        yield Pair(victim, right, wrong, file)


@pytest.fixture(autouse=True)
def _right_in_the_end(pair: Pair) -> Iterator[None]:
    yield
    pair.skew(0)
    pair.instance.move_clock(None)


def newcomer(pair: Pair) -> str:
    address = Ledger().address(1)
    assert register(Connection(pair.right.url), address).status == 201
    pair.right.good("v0.auth.verify_email", token=pair.instance.mail.token_for(address, subject="Confirm"))
    return address


def sign_in(caller: calls.Caller, email: str, **more: Any) -> str:
    body = caller.good("platform_api.auth.login", email=email, password=PASSWORD, **more)
    return str(body["access_token"])


def services_token(caller: calls.Caller, email: str) -> str:
    step = caller.good("services_v1.auth.login", email=email, password=PASSWORD)["data"]
    how = {"login_token": step["login_token"], "carrier": "bearer"}
    return str(caller.good("services_v1.auth.authenticate", **how)["data"]["access_token"])


def status(caller: calls.Caller, token: str) -> int:
    return caller.call("platform_api.auth.me", bearer=token).status_code


@pytest.mark.parametrize("skew", [AHEAD, BEHIND])
def test_t26_tokens_are_good_on_both_and_end_when_they_should(pair: Pair, skew: int, tell: Tell) -> None:
    who = newcomer(pair)
    pair.skew(skew)
    by_right, by_wrong = sign_in(pair.right, who), sign_in(pair.wrong, who)
    assert [status(caller, by_right) for caller in (pair.right, pair.wrong)] == [200, 200]
    if skew > 0:
        assert [status(caller, by_wrong) for caller in (pair.right, pair.wrong)] == [200, 200]
    pair.instance.move_clock(TOKEN_SECONDS + 30)
    assert status(pair.right, by_right) == 401, "no more than thirty seconds are given"
    pair.skew(0)
    assert status(pair.wrong, by_right) == 401
    tell(f"{skew:+d} s: good on both, over {TOKEN_SECONDS} s later at most 30 s late")


@pytest.mark.parametrize("skew", [AHEAD, BEHIND])
def test_t26_codes_of_one_step_either_side_and_no_lock_that_stays(pair: Pair, skew: int, tell: Tell) -> None:
    who = newcomer(pair)
    token = pair.right.good("v0.auth.login", email=who, password=PASSWORD, session_mode="token")
    bearer = token["session"]["token"]
    secret = secret_in(pair.right.good("v0.totp.setup", bearer=bearer)["qr_code_uri"])
    pair.right.good("v0.totp.enable", bearer=bearer, code=pair.instance.totp(secret))
    pair.instance.move_clock(60)
    pair.skew(skew)
    steps = skew // 30
    for off in (-2, 2):
        code = pair.instance.totp(secret, off)
        pair.right.refused("platform_api.auth.login", "401 two_factor:code_invalid",
            email=who, password=PASSWORD, two_factor_code=code)  # fmt: skip
    pair.wrong.refused("platform_api.auth.login", "401 two_factor:code_invalid",
        email=who, password=PASSWORD, two_factor_code=pair.instance.totp(secret))  # fmt: skip
    code = pair.instance.totp(secret, steps)
    ahead_took = pair.wrong.call(
        "platform_api.auth.login", email=who, password=PASSWORD, two_factor_code=code
    )
    pair.skew(0)
    waited = 0
    while pair.right.call("platform_api.auth.login", email=who, password=PASSWORD,
        two_factor_code=pair.instance.totp(secret)).status_code != 200:  # fmt: skip
        waited += 60
        assert waited <= abs(AHEAD) + 60, "locked out by the other's clock"
        pair.instance.move_clock(60)
    tell(
        f"{skew:+d} s: the wrong one took its own code ({ahead_took.status_code}); "
        f"the right one its own {waited} s later"
    )


@pytest.mark.parametrize("skew", [AHEAD, BEHIND])
def test_t26_pauses_end_and_no_counter_lives_for_ever(
    pair: Pair, keys: redis.Redis, skew: int, tell: Tell
) -> None:
    who = newcomer(pair)
    pair.skew(skew)
    wrong_password = {"email": who, "password": "wrong"}
    tries = [pair.wrong.call("platform_api.auth.login", **wrong_password) for _ in range(11)]
    assert tries[-1].status_code == 429
    waits = [int(answer.headers["Retry-After"]) for answer in tries if answer.status_code == 429]
    assert all(0 < wait <= LOCK_SECONDS for wait in waits), waits
    here = pair.right.call("platform_api.auth.login", email=who, password=PASSWORD)
    if here.status_code == 429:
        assert 0 < int(here.headers["Retry-After"]) <= LOCK_SECONDS + abs(skew)
    lives = {key: keys.ttl(key) for key in keys.scan_iter("LIMITS*")}
    assert all(0 < life <= 86_400 + abs(skew) or life == -2 for life in lives.values()), lives
    pair.skew(0)
    pair.instance.move_clock(LOCK_SECONDS + max(skew, 0) + 1)
    sign_in(pair.right, who)
    sign_in(pair.wrong, who)
    tell(
        f"{skew:+d} s: paused on both: {here.status_code == 429}, over after the pause; "
        f"all of {len(lives)} counters end"
    )


@pytest.mark.parametrize("skew", [AHEAD, BEHIND])
def test_t26_mail_leaves_at_once_and_lists_keep_the_order_of_what_happened(
    pair: Pair, skew: int, tell: Tell
) -> None:
    who = newcomer(pair)
    pair.skew(skew)
    bearers = {id(caller): services_token(caller, who) for caller in (pair.right, pair.wrong)}
    for number, caller in enumerate((pair.right, pair.wrong, pair.right, pair.wrong)):
        named = {"name": f"Token {number}", "scopes": ["read"]}
        caller.good("services_v1.api_tokens.create", bearer=bearers[id(caller)], **named)
    bearer = bearers[id(pair.right)]
    listed = pair.right.good("services_v1.api_tokens.list", bearer=bearer)["data"]
    names = [one["name"] for one in (listed["items"] if isinstance(listed, dict) else listed)]
    assert names == [f"Token {number}" for number in (3, 2, 1, 0)]
    address = Ledger().address(1)
    assert register(Connection(pair.wrong.url), address).status == 201
    took = Arrivals(pair.instance.folder / "mail").wait_for([address], 15)
    tell(f"{skew:+d} s: four things in the order of what happened; mail of the wrong one after {took:.1f} s")
