"""Counters that protect an account, under two hundred tries at once, twenty times: none over the limit."""

from collections.abc import Iterator

import pytest

from tests.faults.conftest import Tell
from tests.support.bursts import COUNTERS, Bursts
from tests.support.live import LiveInstance
from tests.support.postgresql import Postgresql, fresh_database

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200)]

TOGETHER, ROUNDS = 200, 20


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def bursts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bursts]:
    folder = tmp_path_factory.mktemp("counters")
    server = Postgresql() if request.param == "postgresql" else None
    if server is not None:
        server.start()
    url = fresh_database(server.url(), "portico_counters") if server else f"sqlite:///{folder}/counters.db"
    instance = LiveInstance(folder / "instance", database_url=url).start()
    try:
        instance.flask("settings", "set", "limits.per_ip_factor", "1000")
        yield Bursts.against(instance, TOGETHER)
    finally:
        instance.stop()
        if server is not None:
            server.stop()


@pytest.mark.parametrize("attack", COUNTERS)
def test_no_try_too_many_is_looked_at(bursts: Bursts, attack: str, tell: Tell) -> None:
    judged = []
    for _ in range(ROUNDS):
        bursts.begin_anew()
        found = COUNTERS[attack](bursts)
        assert (found.judged, found.afterwards) == (found.limit, found.expected)
        judged.append(found.judged)
    tell(f"{TOGETHER} at once, {ROUNDS} rounds: {sum(judged)} looked at, 0 over the limit")
