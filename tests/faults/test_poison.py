"""Work that hurts whoever does it, and many who race for work: nobody else is held up, all is done once."""

import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import psycopg
import pytest

from tests.faults.conftest import Tell
from tests.support.live import ROOT, LiveInstance
from tests.support.load import Arrivals, Caller, Ledger, register
from tests.support.poison import BROKEN, COUNTED, DEADLY, ENDLESS, GREEDY, PERIOD
from tests.support.postgresql import Postgresql, fresh_database
from tests.support.seeding import seed

pytestmark = [pytest.mark.faults, pytest.mark.timeout(500)]

POISONED, TRIES, CALM, ILL = 50, 5, 15, 60
RACED, PERIODS = 10_000, 6

PROMISE = """
from app.core import outbox
from app.surfaces.shared.transaction import transaction
with world.app.app_context(), transaction():
    for number in range(given["count"]):
        outbox.promise(given["kinds"][number % len(given["kinds"])], {})
"""
DATABASE = "portico_poison"
OPEN = "SELECT count(*) FROM outbox WHERE kind LIKE 'poison%%' AND dead_at IS NULL AND done_at IS NULL"
RUNS = "SELECT count(*) FROM runs"
REASONS = "SELECT kind, min(last_error) FROM outbox WHERE dead_at IS NOT NULL GROUP BY kind"
TABLES = """
import sqlalchemy as sa
from app.core.db import db
from app.surfaces.shared.transaction import transaction
with world.app.app_context(), transaction():
    db.session.execute(sa.text("CREATE TABLE counted (what VARCHAR(40) NOT NULL)"))
    db.session.execute(sa.text("CREATE TABLE runs (at TIMESTAMPTZ NOT NULL)"))
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Postgresql]:
    postgresql = Postgresql()
    postgresql.start()
    yield postgresql
    postgresql.stop()


@pytest.fixture(scope="module")
def poisoned(server: Postgresql, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveInstance]:
    """Give an instance whose own worker is asleep: the tests start theirs, which know the poison."""
    url = fresh_database(server.url(), DATABASE)
    instance = LiveInstance(tmp_path_factory.mktemp("poisoned"), database_url=url).start()
    seed(instance, TABLES)
    subprocess.run(["kill", "-STOP", str(instance.pids["worker"])], check=True)
    instance.flask("settings", "set", "limits.per_ip_factor", "1000")
    instance.flask("settings", "set", "limits.requests_per_minute", "100000")
    yield instance
    subprocess.run(["kill", "-CONT", str(instance.pids["worker"])], check=True)
    instance.stop()


@contextmanager
def workers(instance: LiveInstance, number: int) -> Iterator[None]:
    """Run workers that know the poison; they end well."""
    with (instance.folder / "log" / "poisoned.log").open("ab") as log:
        started = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.support.poison"],
                cwd=ROOT,
                env=instance.full_environment(),
                stdout=log,
                stderr=log,
            )
            for _ in range(number)
        ]
    try:
        yield
    finally:
        for process in started:
            process.send_signal(signal.SIGTERM)
        for process in started:
            assert process.wait(60) == 0


def asked(server: Postgresql, query: str, *values: object) -> list[tuple[object, ...]]:
    with psycopg.connect(host=str(server.home), user="postgres", dbname=DATABASE) as connection:
        return connection.execute(query.encode(), values).fetchall()


def waits(instance: LiveInstance, arrivals: Arrivals, seconds: float, every: float = 0.5) -> list[float]:
    """Register somebody at a steady pace; return how long each mail took."""
    ledger, call, began = Ledger(), Caller(instance.url), {}
    arrived: dict[str, float] = {}
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            now, found = time.monotonic(), arrivals.look()
            arrived.update({to: now for to in list(began) if to in found and to not in arrived})
            time.sleep(0.01)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    end, number = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        number += 1
        due = time.monotonic() + every
        began[ledger.address(number)] = time.monotonic()
        assert register(call, ledger.address(number)).status == 201
        time.sleep(max(0.0, due - time.monotonic()))
    deadline = time.monotonic() + 60
    while len(arrived) < len(began):
        assert time.monotonic() < deadline, f"{len(began) - len(arrived)} mails missing"
        time.sleep(0.05)
    done.set()
    return [arrived[to] - began[to] for to in began]


def p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[18]


def test_t06_poison_is_given_up_and_holds_nobody_up(
    server: Postgresql, poisoned: LiveInstance, tell: Tell
) -> None:
    arrivals = Arrivals(poisoned.folder / "mail")
    with workers(poisoned, 1):
        waits(poisoned, arrivals, 3)
        calm = waits(poisoned, arrivals, CALM)
        kinds = (BROKEN, DEADLY, GREEDY, ENDLESS)
        seed(poisoned, PROMISE, count=POISONED, kinds=kinds)
        ill = waits(poisoned, arrivals, ILL)
        deadline = time.monotonic() + 300
        while (left := asked(server, OPEN)[0][0]) != 0:
            assert time.monotonic() < deadline, f"{left} of the poison are not given up"
            poisoned.flask("clock", "+1800s")
            time.sleep(1.5)
        taken = asked(server, "SELECT max(attempts) FROM outbox WHERE kind LIKE 'poison%%'")[0][0]
        reasons = dict(asked(server, REASONS))
        traced = asked(server, "SELECT count(*) FROM audit_events WHERE kind = 'outbox.given_up'")[0][0]
    poisoned.move_clock(None)
    dead = poisoned.flask("outbox", "dead")
    tell(
        f"p95 {p95(calm):.2f} s before, {p95(ill):.2f} s with {POISONED} of four kinds; given up after "
        f"{taken} tries: {sorted(map(str, reasons.values()))}"
    )
    assert taken == TRIES
    assert traced == POISONED
    assert f"{POISONED} given up" in dead
    assert set(reasons) == set(kinds)
    assert p95(ill) <= max(2 * p95(calm), 1.0)


def test_t07_four_workers_race_and_each_effect_is_there_once(
    server: Postgresql, poisoned: LiveInstance, tell: Tell
) -> None:
    seed(poisoned, PROMISE, count=RACED, kinds=[COUNTED])
    with workers(poisoned, 4):
        began = time.monotonic()
        while left := asked(server, OPEN)[0][0]:
            assert time.monotonic() - began < 240, f"{left} left"
            time.sleep(0.5)
        took = time.monotonic() - began
        for _ in range(PERIODS):
            before = asked(server, RUNS)[0][0]
            poisoned.flask("clock", f"+{PERIOD.total_seconds() + 1:.0f}s")
            due = time.monotonic() + 10
            while asked(server, RUNS)[0][0] == before and time.monotonic() < due:
                time.sleep(0.1)
            time.sleep(1)  # whoever would run it once more does so now
    poisoned.move_clock(None)
    rows, names = asked(server, "SELECT count(*), count(DISTINCT what) FROM counted")[0]
    assert (rows, names) == (RACED, RACED)
    runs = [at for (at,) in asked(server, "SELECT at FROM runs ORDER BY at")]
    assert len(runs) >= PERIODS - 1
    assert all(after - before >= PERIOD for before, after in pairwise(runs)), runs
    tell(
        f"{RACED} of {RACED} effects, each once, by four workers in {took:.0f} s; "
        f"a job of theirs ran {len(runs)} times, never twice within {PERIOD.total_seconds():.0f} s"
    )
