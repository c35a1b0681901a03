"""PostgreSQL restarted and its connections cut under load: no acknowledged write is lost, no answer a 500."""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence

import httpx
import psycopg
import pytest

from tests.faults.conftest import Tell
from tests.support.live import LiveInstance
from tests.support.load import Answer, Arrivals, Caller, Crew, Ledger, register
from tests.support.postgresql import Postgresql, fresh_database
from tests.support.seeding import seed

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

PER_SECOND = 50
THREADS = 50
"""Each calls once a second, so that one who has to wait does not make the others fewer."""
RESTARTS = 10
TWINS = ("castor", "pollux")

FOUND = """
for slug in given["slugs"]:
    world.organization(world.person(f"owner@{slug}.example"), slug)
told = [world.token("api_v1", f"owner@{slug}.example", slug) for slug in given["slugs"]]
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Postgresql]:
    postgresql = Postgresql()
    postgresql.start()
    yield postgresql
    postgresql.stop()


@pytest.fixture(scope="module")
def on_postgresql(server: Postgresql, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveInstance]:
    url = fresh_database(server.url(), "portico_faults")
    instance = LiveInstance(tmp_path_factory.mktemp("on-postgresql"), database_url=url)
    instance.start()
    instance.flask("settings", "set", "limits.per_ip_factor", "1000")
    instance.flask("settings", "set", "limits.requests_per_minute", "100000")
    yield instance
    instance.stop()


@pytest.fixture(scope="module")
def writers(on_postgresql: LiveInstance) -> list[str]:
    """Return what the owners of some organizations show, who change a setting of theirs again and again."""
    slugs = [f"writer-{number}" for number in range(10)]
    return list(seed(on_postgresql, FOUND, slugs=slugs))


def load(instance: LiveInstance, writers: Sequence[str]) -> tuple[Ledger, Crew]:
    """Keep fifty calls a second coming: five sign-ups with their mails, thirty changes, fifteen reads."""
    ledger, numbers, lock = Ledger(), iter(range(10**6)), threading.Lock()

    def change(call: Caller, number: int) -> None:
        shown = {"Authorization": f"Bearer {writers[number % len(writers)]}"}
        value = f"https://{ledger.address(number).partition('@')[0]}.example"
        answer = call("PUT", "/api/v1/org-settings/general.website", {"value": value}, shown)
        ledger.note_change(value, answer)

    def work(call: Caller, stop: threading.Event) -> None:
        while not stop.is_set():
            began = time.monotonic()
            with lock:
                number = next(numbers)
            if number % 10 == 0:
                ledger.note(ledger.address(number), register(call, ledger.address(number)))
            elif number % 10 < 7:
                change(call, number)
            else:
                answer = call("GET", "/platform/api/global/tenants/check-availability?slug=acme-corp")
                ledger.note("", Answer(answer.status or 0, answer.seconds, answer.headers))
            stop.wait(max(0.0, THREADS / PER_SECOND - (time.monotonic() - began)))

    return ledger, Crew(instance.url, work, THREADS)


def missing(server: Postgresql, ledger: Ledger) -> set[str]:
    """Return the acknowledged registrations and changes that are not in the database."""
    with psycopg.connect(host=str(server.home), user="postgres", dbname="portico_faults") as connection:
        found = {row[0] for row in connection.execute("SELECT email FROM users")}
        found |= {row[0] for row in connection.execute("SELECT after #>> '{}' FROM setting_changes")}
    assert len(ledger.changes) > len(ledger.acknowledged) > 0
    return {*ledger.acknowledged, *ledger.changes} - found


def check(server: Postgresql, ledger: Ledger) -> None:
    """Hold the ledger against the database, and the answers against what may be said."""
    assert missing(server, ledger) == set()
    unexpected = {status for status in ledger.statuses if status not in (200, 201, 404, 503)}
    assert unexpected == set(), ledger.statuses
    refused = [answer for answer in ledger.answers if answer.status == 503]
    assert all("retry-after" in answer.headers for answer in refused)


def test_t13_restarted_at_once_under_50_calls_a_second(
    server: Postgresql, on_postgresql: LiveInstance, writers: list[str], tell: Tell
) -> None:
    began = time.monotonic()
    ledger, crew = load(on_postgresql, writers)
    call, healthy = Caller(on_postgresql.url), []
    time.sleep(4)
    for _ in range(RESTARTS):
        server.restart()
        ready = time.monotonic()
        while call("GET", "/health-check").status != 204:
            assert time.monotonic() - ready < 5, "not healthy within five seconds"
            time.sleep(0.05)
        healthy.append(time.monotonic() - ready)
        time.sleep(2)
    crew.stop()
    rate = len(ledger.answers) / (time.monotonic() - began)
    check(server, ledger)
    took = Arrivals(on_postgresql.folder / "mail").wait_for(ledger.acknowledged, 120)
    tell(
        f"{RESTARTS} restarts, {len(ledger.answers)} calls, {rate:.0f}/s, {ledger.statuses}, each write that "
        f"was acknowledged is there; healthy after {max(healthy):.1f} s at most; "
        f"the last mail {took:.0f} s after the end"
    )
    assert ledger.statuses.get(503), "nobody noticed the restarts"
    assert rate >= 0.8 * PER_SECOND, "the calls themselves were too slow"


def readers_of(instance: LiveInstance) -> tuple[Ledger, Crew, list[str]]:
    """Let two organizations ask for themselves all the time; whoever is told of the other is written down."""
    tokens = seed(instance, FOUND, slugs=TWINS)
    ledger, mistaken, turns, lock = Ledger(), [], iter(range(10**6)), threading.Lock()

    def work(call: Caller, stop: threading.Event) -> None:
        while not stop.is_set():
            with lock:
                which = next(turns) % 2
            shown = {"Authorization": f"Bearer {tokens[which]}"}
            answer = call("GET", "/api/v1/tenants/me", headers=shown)
            ledger.note("", answer)
            if answer.status == 200 and json.loads(answer.body)["data"]["slug"] != TWINS[which]:
                mistaken.append(TWINS[which])
            time.sleep(0.05)

    return ledger, Crew(instance.url, work, 4), mistaken


def cut_connections(server: Postgresql, seconds: float) -> int:
    """End a random connection of the instance's every half second; return how many."""
    cut, end = 0, time.monotonic() + seconds
    with psycopg.connect(
        host=str(server.home), user="postgres", dbname="postgres", autocommit=True
    ) as connection:
        while time.monotonic() < end:
            rows = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = 'portico_faults'"
            ).fetchall()
            if rows:
                connection.execute("SELECT pg_terminate_backend(%s)", random.choice(rows))
                cut += 1
            time.sleep(0.5)
    return cut


def halves(server: Postgresql, prefix: str) -> list[str]:
    """Return the people of a ledger who are not there as a whole: with one trace and one mail promised."""
    whole = """
        SELECT u.email, (SELECT count(*) FROM audit_events a WHERE a.subject_type = 'user'
                         AND a.subject_id = u.id AND a.kind = 'user.registered'),
               (SELECT count(*) FROM mail_deliveries d WHERE d.address = u.email)
        FROM users u WHERE u.email LIKE %s
    """
    with psycopg.connect(host=str(server.home), user="postgres", dbname="portico_faults") as connection:
        return [str(row) for row in connection.execute(whole, (f"{prefix}-%",)) if row[1:] != (1, 1)]


def left_behind(server: Postgresql) -> Counter[str]:
    """Return what connections of the instance still hold when nobody calls: nothing, if all is well."""
    held = """
        SELECT coalesce(state, '') FROM pg_stat_activity
        WHERE datname = 'portico_faults' AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'
    """
    with psycopg.connect(host=str(server.home), user="postgres", dbname="portico_faults") as connection:
        return Counter(str(row[0]) for row in connection.execute(held))


def test_t14_connections_cut_at_random(
    server: Postgresql, on_postgresql: LiveInstance, writers: list[str], tell: Tell
) -> None:
    read, readers, mistaken = readers_of(on_postgresql)
    ledger, crew = load(on_postgresql, writers)
    cut = cut_connections(server, 20)
    crew.stop()
    readers.stop()
    check(server, ledger)
    assert cut > 20
    assert set(read.statuses) <= {200, 503}, read.statuses
    assert read.statuses[200] > 20, "too few were told anything at all"
    assert mistaken == []
    assert halves(server, ledger.prefix) == []
    time.sleep(1)
    assert left_behind(server) == {}
    tell(
        f"{cut} connections cut, {len(ledger.answers)} calls {ledger.statuses}, every acknowledged write is "
        f"there and none is half; {len(read.answers)} reads of two organizations {read.statuses}, "
        "none mistaken"
    )


def read_only(server: Postgresql, wanted: str) -> None:
    """Let the server take no writes, as a replica or a full disk does, or take them again."""
    with psycopg.connect(host=str(server.home), user="postgres", dbname="postgres", autocommit=True) as given:
        given.execute("SET default_transaction_read_only = off")
        given.execute(f"ALTER SYSTEM SET default_transaction_read_only = {wanted}")
        given.execute("SELECT pg_reload_conf()")


def test_t15_read_only(server: Postgresql, on_postgresql: LiveInstance) -> None:
    who = {"email": "jane@read-only.example", "password": "correct horse battery 7"}
    with httpx.Client(base_url=f"{on_postgresql.url}/platform/api/global", timeout=10) as client:
        person = who | {"first_name": "Jane", "last_name": "Doe"}
        assert client.post("/auth/register", json=person).status_code == 201
        token = client.post("/auth/login", json=who).json()["access_token"]
        on_postgresql.move_clock(120)  # so that the next call would note when the session was last used
        read_only(server, "on")
        try:
            time.sleep(1)
            answer = client.get("/auth/me", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 200, answer.text
            for path, body in (("register", person | {"email": "kim@read-only.example"}), ("login", who)):
                refused = client.post(f"/auth/{path}", json=body)
                assert (refused.status_code, "retry-after" in refused.headers) == (503, True), refused.text
        finally:
            read_only(server, "off")
            on_postgresql.move_clock(None)
        time.sleep(1)
        assert client.post("/auth/login", json=who).status_code == 200
