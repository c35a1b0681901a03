"""The people of an organization of a hundred thousand beside one of ten: list, search and filter.

Both are in one database, seeded by COPY, and are asked in turns, so that a slow machine shows in both.
"""

import http.client
import json
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
from uuid_utils.compat import uuid7

from app.domains.tenants.listing import listing_of
from benchmarks.reads import sign_in
from benchmarks.report import Bound
from benchmarks.servers import REAL_PASSWORDS, driver_address, instance, set_platform_value
from tests.support.live import LiveInstance
from tests.support.postgresql import Postgresql

Connection = psycopg.Connection[tuple[Any, ...]]
Asker = Callable[[str], tuple[float, bytes]]

FEW, MANY = 10, 100_000
ROUNDS = 60
AIM = 1.5

FIRST = ("Ada", "Ben", "Cleo", "Dora", "Emil", "Frida", "Gus", "Hana", "Ida", "Jon", "Kim", "Lea", "Max")
LAST = (
    "Abel",
    "Berg",
    "Cohn",
    "Dahl",
    "Ende",
    "Funk",
    "Graf",
    "Holm",
    "Ihle",
    "Jung",
    "Kern",
    "Lenz",
    "Moor",
)
ROLES = ("admin", "manager", "member", "member", "member", "viewer", "viewer")

WAYS = {
    "the first page": "/api/v1/users?limit=10",
    "the first page by e-mail": "/api/v1/users?limit=10&sort=email",
    "the latest sign-ins": "/api/v1/users?limit=10&sort=-lastLoginAt",
    "somebody by their name": f"/api/v1/users?limit=10&search={quote('kim lenz 7')}",
    "somebody by their address": "/api/v1/users?limit=10&search=person7@",
    "a part of a name that many have": "/api/v1/users?limit=1&search=graf",
    "those deactivated": "/api/v1/users?limit=1&status=inactive",
    "the managers": "/api/v1/users?limit=1&role=manager",
    "the members of one profile": "/api/v1/users?limit=1&profileId=3",
    "platform_api's list": "/platform/api/service/members?limit=10",
}
"""What is asked; each answers as many rows for ten as for a hundred thousand."""


def measure(server: Postgresql, folder: Path) -> list[Bound]:
    """Return the ratio of the median times of each way, a hundred thousand to ten."""
    with instance(folder, server, "members", REAL_PASSWORDS) as running:
        set_platform_value(running, "limits.requests_per_minute", 100_000)
        tokens = _seeded(running)
        few, many = (asker(running.url, bearer) for bearer in tokens)
        return [compared(name, path, few, many) for name, path in WAYS.items()]


def compared(name: str, path: str, few: Asker, many: Asker, *, rows: int | None = None) -> Bound:
    """Ask both in turns and hold the median times against each other.

    :param rows: how many each has to answer with
    """
    for ask in (few, many) * 5:
        _, body = ask(path)
        if rows is not None and len(json.loads(body)["data"]) != rows:
            raise RuntimeError(f"{path}: {body[:300]!r}")
    pairs = [(few(path)[0], many(path)[0]) for _ in range(ROUNDS)]
    small, large = (statistics.median(times) for times in zip(*pairs, strict=True))
    return Bound(name, large / small, AIM, "x", f"{large * 1000:.1f} of {small * 1000:.1f} ms")


def asker(url: str, bearer: str) -> Asker:
    """Return what asks with a token, over one connection, and says how long it took."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)

    def ask(path: str) -> tuple[float, bytes]:
        began = time.perf_counter()
        connection.request("GET", path, headers={"Authorization": f"Bearer {bearer}"})
        answer = connection.getresponse()
        body = answer.read()
        took = time.perf_counter() - began
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {body[:200]!r}")
        return took, body

    return ask


def _seeded(running: LiveInstance) -> list[str]:
    """Let the demo's owner own two more organizations, of ten and of many; returns tokens for them."""
    sign_in(running)  # makes the owner known by their session
    with psycopg.connect(driver_address(running), autocommit=True) as connection:
        (owner,) = one(connection, "SELECT user_id FROM sessions ORDER BY id DESC LIMIT 1")
        for slug, number in (("few-corp", FEW), ("many-corp", MANY)):
            tenant = organization(connection, slug, owner)
            _people(connection, tenant, slug, number - 1)
        connection.execute("VACUUM ANALYZE")
    return [token(running, slug) for slug in ("few-corp", "many-corp")]


def token(running: LiveInstance, slug: str) -> str:
    """Sign the demo's owner in to one of their organizations."""
    parts = urlsplit(running.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    who = {"email": "jane@acme.example", "password": "portico-demo-2026", "tenantSlug": slug}
    connection.request("POST", "/api/v1/auth/login", json.dumps(who), {"Content-Type": "application/json"})
    return str(json.load(connection.getresponse())["data"]["accessToken"])


def one(connection: Connection, query: str) -> tuple[int, ...]:
    """Return the one row that a query has."""
    row = connection.execute(query.encode()).fetchone()
    if row is None:
        raise RuntimeError(query)
    return tuple(row)


def organization(connection: Connection, slug: str, owner: int) -> int:
    """Make an organization with its owner and return its id."""
    now = datetime.now(UTC)
    row = connection.execute(
        "INSERT INTO tenants (slug, name, status, uid, created_at, updated_at)"
        " VALUES (%s, %s, 'active', %s, %s, %s) RETURNING id",
        (slug, slug, uuid7(), now, now),
    ).fetchone()
    if row is None:
        raise RuntimeError("no organization")
    connection.execute(
        "INSERT INTO memberships (tenant_id, user_id, role, profile_id, status, joined_at, uid, created_at,"
        " updated_at, listing, address) VALUES (%s, %s, 'owner', 1, 'active', %s, %s, %s, %s, %s, %s)",
        (row[0], owner, now, uuid7(), now, now, listing_of("Jane", "Doe", "jane@acme.example"), "jane"),
    )
    return int(row[0])


def _people(connection: Connection, tenant: int, slug: str, number: int) -> None:
    (after,) = one(connection, "SELECT max(id) FROM users")
    now = datetime.now(UTC)
    with connection.cursor() as cursor:
        columns = (
            "id, uid, email, email_key, first_name, last_name, is_public, is_platform_admin, preferences,"
        )
        columns += " first_seen_in, created_at, updated_at"
        with cursor.copy(f"COPY users ({columns}) FROM STDIN") as copy:
            for n, first, last, email in _named(slug, number):
                about = (first, last, True, False, "{}", "portal", now, now)
                copy.write_row((after + 1 + n, uuid7(), email, email, *about))
        columns = "tenant_id, user_id, role, profile_id, status, joined_at, last_login_at, uid, created_at,"
        columns += " updated_at, listing, address"
        with cursor.copy(f"COPY memberships ({columns}) FROM STDIN") as copy:
            for n, first, last, email in _named(slug, number):
                role = "manager" if n == 1 else ROLES[n % len(ROLES)]
                status, profile = "inactive" if n % 1000 == 2 else "active", 3 if n % 500 == 3 else 1
                seen = now if n % 3 == 0 else None
                listing = listing_of(first, last, email)
                kind = (tenant, after + 1 + n, role, profile, status)
                copy.write_row((*kind, now, seen, uuid7(), now, now, listing, email))
        cursor.execute("SELECT setval(pg_get_serial_sequence('users', 'id'), (SELECT max(id) FROM users))")


def _named(slug: str, number: int) -> Iterator[tuple[int, str, str, str]]:
    """Yield people with names that repeat, each with a number of their own; number 7 is in both."""
    for n in range(number):
        first, last = ("Kim", "Lenz") if n == 7 else (FIRST[n % len(FIRST)], LAST[n // 13 % len(LAST)])
        if n == 5:
            last = "Graf"
        yield n, first, f"{last} {n}", f"person{n}@{slug}.example"
