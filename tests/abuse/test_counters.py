"""Counters that protect an account hold exactly when many try at once (C06, C09, B07): a small burst each."""

import pytest

from tests.support.bursts import COUNTERS, Bursts
from tests.support.live import LiveInstance

pytestmark = pytest.mark.live

TOGETHER = 60


@pytest.fixture(scope="module")
def bursts(live_server: LiveInstance) -> Bursts:
    live_server.flask("limits", "reset")
    return Bursts.against(live_server, TOGETHER)


@pytest.mark.parametrize("attack", COUNTERS)
def test_no_try_too_many_is_looked_at(live: LiveInstance, bursts: Bursts, attack: str) -> None:
    bursts.begin_anew()
    found = COUNTERS[attack](bursts)
    assert (found.judged, found.afterwards) == (found.limit, found.expected)
