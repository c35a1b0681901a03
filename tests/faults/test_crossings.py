"""Writes that cross and deadlock on PostgreSQL: tried again, never a 500, and what is left is right."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
import pytest

from tests.faults.conftest import Tell
from tests.support.live import LiveInstance
from tests.support.load import Caller
from tests.support.postgresql import Postgresql, fresh_database
from tests.support.seeding import seed

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

TOGETHER, ROUNDS = 30, 5
TWINS = ("castor", "pollux")
DATABASE = "portico_crossings"
FOUND = """
from tests.support.members import join, plan
from app.domains.tenants.models import MembershipStatus
told = {}
for slug in given["slugs"]:
    world.organization(world.person(f"owner@{slug}.example"), slug)
    plan(world, "enterprise", slug)
    ids = {name: join(world, f"{name}@{slug}.example", "admin", slug=slug) for name in ("ann", "bob")}
    off = {"slug": slug, "status": MembershipStatus.INACTIVE}
    idle = [join(world, f"idle{n}@people.example", **off) for n in range(30)]
    tokens = {name: world.token("api_v1", f"{name}@{slug}.example", slug) for name in ("owner", "ann", "bob")}
    told[slug] = {"ids": ids, "idle": idle, "tokens": tokens}
"""
Call = tuple[str, str, str, object]
"""Method, path, token and body."""


@pytest.fixture(scope="module")
def server() -> Iterator[Postgresql]:
    postgresql = Postgresql()
    postgresql.start()
    yield postgresql
    postgresql.stop()


@pytest.fixture(scope="module")
def crossing(server: Postgresql, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveInstance]:
    url = fresh_database(server.url(), DATABASE)
    instance = LiveInstance(tmp_path_factory.mktemp("crossing"), database_url=url).start()
    instance.flask("settings", "set", "limits.requests_per_minute", "100000")
    instance.flask("settings", "set", "limits.per_ip_factor", "1000")
    yield instance
    instance.stop()


@pytest.fixture(scope="module")
def there(crossing: LiveInstance) -> dict[str, dict[str, object]]:
    """Name two organizations' admins, and thirty people who are members of both, switched off."""
    found: dict[str, dict[str, object]] = seed(crossing, FOUND, slugs=TWINS)
    return found


def at_once(instance: LiveInstance, calls: list[Call]) -> Counter[int]:
    """Make all calls at the same moment; return how many were answered with which status."""
    start = threading.Barrier(len(calls))

    def run(call: Call) -> int:
        method, path, token, body = call
        with closing(Caller(instance.url)) as caller:
            start.wait()
            return caller(method, path, body, {"Authorization": f"Bearer {token}"}).status

    with ThreadPoolExecutor(len(calls)) as pool:
        return Counter(pool.map(run, calls))


def connection(server: Postgresql) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(host=str(server.home), user="postgres", dbname=DATABASE, autocommit=True)


def deadlocks(server: Postgresql) -> int:
    with connection(server) as given:
        given.execute("SELECT pg_stat_force_next_flush()")
        row = given.execute(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = %s", (DATABASE,)
        ).fetchone()
    assert row is not None
    return int(str(row[0]))


def test_t18_two_admins_take_each_others_role(
    server: Postgresql, crossing: LiveInstance, there: dict[str, dict[str, object]], tell: Tell
) -> None:
    castor = json.loads(json.dumps(there["castor"]))
    ids, tokens, statuses, both = castor["ids"], castor["tokens"], Counter[int](), 0
    for _ in range(ROUNDS):
        demote: list[Call] = []
        for who, whom in (("ann", "bob"), ("bob", "ann")):
            path = f"/api/v1/users/{ids[whom]}"
            demote += [("PUT", path, tokens[who], {"role": "user"})] * (TOGETHER // 2)
        statuses += at_once(crossing, demote)
        with connection(server) as given:
            rows = given.execute(
                "SELECT role FROM memberships WHERE id IN (%s, %s)", (ids["ann"], ids["bob"])
            ).fetchall()
        both += sorted(row[0] for row in rows) == ["member", "member"]
        for whom in ("ann", "bob"):
            path = f"/api/v1/users/{ids[whom]}"
            restored = at_once(crossing, [("PUT", path, tokens["owner"], {"role": "tenant_admin"})])
            assert set(restored) == {200}, restored
    assert set(statuses) <= {200, 401, 403, 409}, statuses
    assert both == 0, "whoever was first had taken the other's right to do the same"
    tell(f"{ROUNDS} rounds of {TOGETHER}: {dict(statuses)}; one of the two is left each time")


def test_t18_two_settings_in_opposite_order(
    crossing: LiveInstance, there: dict[str, dict[str, object]], tell: Tell
) -> None:
    tokens = json.loads(json.dumps(there["castor"]))["tokens"]
    keys = ("general.website", "general.legal_name")
    calls: list[Call] = []
    for number in range(TOGETHER):
        key = keys[number % 2]
        body = {"value": f"https://{number}.example" if key == keys[0] else f"Town {number}"}
        calls.append(("PUT", f"/api/v1/org-settings/{key}", tokens["owner"], body))
    statuses = at_once(crossing, calls) + at_once(crossing, calls[::-1])
    assert set(statuses) == {200}, statuses
    tell(f"{2 * TOGETHER} writers of two settings: {dict(statuses)}")


def cross(server: Postgresql, stop: threading.Event) -> None:
    """Take the organizations first and people after them, the other way round than the product does."""
    with connection(server) as given:
        given.execute("SET deadlock_timeout = '10s'")  # so that it is the product that has to give way
        while not stop.is_set():
            with given.transaction():
                given.execute("SELECT 1 FROM tenants WHERE slug = ANY(%s) FOR UPDATE", (list(TWINS),))
                time.sleep(0.1)
                given.execute("SELECT 1 FROM users WHERE email LIKE 'idle%' FOR UPDATE")
            time.sleep(0.2)


def test_t18_seats_in_two_organizations_with_deadlocks(
    server: Postgresql, crossing: LiveInstance, there: dict[str, dict[str, object]], tell: Tell
) -> None:
    made = json.loads(json.dumps(there))
    with connection(server) as given:
        given.execute("ALTER SYSTEM SET deadlock_timeout = '200ms'")
        given.execute("SELECT pg_reload_conf()")
    calls: list[Call] = []
    for number in range(TOGETHER // 2):
        for slug, which in (("castor", number), ("pollux", -1 - number)):
            idle, token = made[slug]["idle"][which], made[slug]["tokens"]["owner"]
            calls.append(("POST", f"/api/v1/users/{idle}/activate", token, None))
    before, stop = deadlocks(server), threading.Event()
    crosser = threading.Thread(target=cross, args=(server, stop))
    crosser.start()
    statuses = at_once(crossing, calls)
    stop.set()
    crosser.join(20)
    with connection(server) as given:
        given.execute("ALTER SYSTEM RESET deadlock_timeout")
        given.execute("SELECT pg_reload_conf()")
        active = given.execute(
            "SELECT count(*) FROM memberships m JOIN users u ON u.id = m.user_id"
            " WHERE u.email LIKE 'idle%' AND m.status = 'active'"
        ).fetchone()
    assert set(statuses) <= {200, 503}, statuses
    assert active is not None
    assert active[0] == statuses[200], "what was acknowledged is there, and nothing else"
    met = deadlocks(server) - before
    assert met > 0
    tell(f"{TOGETHER} at once, {met} deadlocks: {dict(statuses)}")
