"""Valkey away, frozen, emptied, killed: requests go on, mail arrives, what protects accounts stays."""

import json
import signal
import statistics
import time

import pytest
import redis

from tests.faults.conftest import Tell
from tests.faults.test_workers import sign_up
from tests.support.live import LiveInstance
from tests.support.load import PASSWORD, Answer, Arrivals, Caller, Ledger, register
from tests.support.processes import OwnValkey

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


def read(instance: LiveInstance, bearer: str, count: int) -> list[Answer]:
    """Ask for something that only a limit needs Valkey for, one after the other."""
    call = Caller(instance.url)
    shown = {"Authorization": f"Bearer {bearer}"}
    return [call("GET", "/platform/api/global/auth/me", headers=shown) for _ in range(count)]


def sign_in(instance: LiveInstance, email: str) -> str:
    """Sign somebody in and return what to show."""
    answer = Caller(instance.url)(
        "POST", "/platform/api/global/auth/login", {"email": email, "password": PASSWORD}
    )
    assert answer.status == 200, answer
    return str(json.loads(answer.body)["access_token"])


def p99(answers: list[Answer]) -> float:
    """Return what 99 of 100 stay below, in milliseconds."""
    return statistics.quantiles([answer.seconds * 1000 for answer in answers], n=100)[98]


def test_t08_valkey_away(whole: LiveInstance, bell: OwnValkey, arrivals: Arrivals, tell: Tell) -> None:
    bell.send(signal.SIGTERM)
    ledger, call = Ledger(), Caller(whole.url)
    for number in range(20):
        ledger.note(ledger.address(number), register(call, ledger.address(number)))
    assert set(ledger.statuses) == {201}
    slowest = max(answer.seconds for answer in ledger.answers)
    assert slowest <= 1
    without = arrivals.wait_for(ledger.acknowledged, 30)
    bell.start()
    after = arrivals.wait_for(sign_up(whole, 1), 30)
    tell(
        f"slowest POST {slowest * 1000:.0f} ms; mail {without:.1f} s later without Valkey, "
        f"{after:.1f} s after its return (at most 30)"
    )


def test_t09_valkey_frozen(whole: LiveInstance, bell: OwnValkey, arrivals: Arrivals, tell: Tell) -> None:
    bearer = sign_in(whole, sign_up(whole, 1)[0])
    read(whole, bearer, 50)
    calm = read(whole, bearer, 250)
    bell.send(signal.SIGSTOP)
    try:
        frozen = read(whole, bearer, 250)
        addresses = sign_up(whole, 5)
        arrived = arrivals.wait_for(addresses, 60)
    finally:
        bell.send(signal.SIGCONT)
    assert {answer.status for answer in frozen} == {200}
    slowest = max(answer.seconds for answer in frozen)
    tell(
        f"reads: p99 {p99(calm):.1f} ms before, {p99(frozen):.1f} ms frozen, "
        f"slowest {slowest * 1000:.0f} ms; mail after {arrived:.1f} s"
    )
    assert slowest <= max(answer.seconds for answer in calm) + 0.3
    assert p99(frozen) <= max(2 * p99(calm), 20)


def test_t10_valkey_emptied(whole: LiveInstance, keys: redis.Redis, arrivals: Arrivals, tell: Tell) -> None:
    call, person = Caller(whole.url), Ledger().address(1)
    assert register(call, person).status == 201
    wrong = {"email": person, "password": "wrong"}
    tries = [call("POST", "/platform/api/global/auth/login", wrong).status for _ in range(12)]
    assert tries[-1] == 429
    whole.add_rule(action="delay", seconds=0.1)
    addresses = sign_up(whole, 20)
    keys.flushall()
    assert call("POST", "/platform/api/global/auth/login", wrong).status == 429
    arrivals.wait_for(addresses, 30)
    time.sleep(1)
    assert arrivals.repeats(addresses) == 0
    tell(f"20 of 20 mails; the lock stayed (tries answered {tries})")


def test_t11_valkey_killed(whole: LiveInstance, bell: OwnValkey, arrivals: Arrivals, tell: Tell) -> None:
    whole.add_rule(action="delay", seconds=0.05)
    addresses = sign_up(whole, 40)
    bell.send(signal.SIGKILL)
    time.sleep(1)
    bell.start()
    addresses += sign_up(whole, 10)
    took = arrivals.wait_for(addresses, 60)
    time.sleep(2)
    assert arrivals.repeats(addresses) == 0
    tell(f"50 of 50, 0 twice, {took:.1f} s after the restart")
