"""Valkey that takes no writes, for it is full or stands alone: what needs only the database goes on."""

import time
from collections.abc import Iterator

import pytest
import redis

from tests.faults.conftest import Tell
from tests.faults.test_valkey import read, sign_in
from tests.support.live import LiveInstance
from tests.support.load import Arrivals, Caller, Ledger, register

pytestmark = [pytest.mark.faults, pytest.mark.timeout(200)]


@pytest.fixture(params=["maxmemory", "min-replicas-to-write"])
def refusing(request: pytest.FixtureRequest, keys: redis.Redis) -> Iterator[str]:
    """Name the setting of Valkey that is 1 meanwhile: each lets it refuse whatever writes."""
    name = str(request.param)
    before = keys.config_get(name)[name]
    keys.config_set(name, 1)
    with pytest.raises(redis.exceptions.ResponseError):
        keys.set("probe", "x" * 100)
    yield name
    keys.config_set(name, before)


def test_t12_valkey_takes_no_writes(
    whole: LiveInstance, arrivals: Arrivals, keys: redis.Redis, refusing: str, tell: Tell
) -> None:
    ledger, call = Ledger(), Caller(whole.url)
    for number in range(20):
        ledger.note(ledger.address(number), register(call, ledger.address(number)))
    assert set(ledger.statuses) == {201}
    slowest = max(answer.seconds for answer in ledger.answers)
    bearer = sign_in(whole, ledger.acknowledged[0])
    assert {answer.status for answer in read(whole, bearer, 100)} == {200}
    without = arrivals.wait_for(ledger.acknowledged, 30)
    keys.config_set(refusing, 0)
    again = ledger.address(20)
    returned = time.monotonic()
    assert register(call, again).status == 201
    arrivals.wait_for([again], 30)
    tell(
        f"{refusing} 1: slowest POST {slowest * 1000:.0f} ms, 100 reads 200; mails {without:.1f} s later, "
        f"{time.monotonic() - returned:.1f} s after its return (at most 30)"
    )
    assert slowest <= 1
