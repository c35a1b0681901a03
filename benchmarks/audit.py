"""A trail of five million rows beside one of ten thousand: its newest page, filtered, searched.

Both are in one table with a partition a month, seeded by COPY, and are asked in turns.
"""

import json
import os
import signal
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from urllib.parse import quote

import psycopg
from uuid_utils.compat import uuid7

from app.core import partitions
from app.domains.audit.search import WALK
from benchmarks.members import Connection, asker, compared, one, organization, token
from benchmarks.reads import sign_in
from benchmarks.report import Bound
from benchmarks.servers import REAL_PASSWORDS, driver_address, instance, set_platform_value
from tests.support.live import LiveInstance
from tests.support.postgresql import Postgresql

FEW, MANY = WALK, 5_000_000
"""The small trail is as long as the longest walk for one page."""
FEW_SLUG, MANY_SLUG = "few-events", "many-events"

KINDS = ("session.stepped_up", "setting.updated", "member.updated")
RARE, ONE_IP, ONE_WORD = "tenant.status_changed", "203.0.113.77", "zebra"
RARELY = 100
"""One row in so many of the newest is of the rare kind, person, address and word; no older one is."""

_PAGE = 10
_LIST = f"/services/platforms/v1/audit-logs/list?scope=tenant&per_page={_PAGE}"
WAYS = {
    "the newest page": ("", _PAGE),
    "of the last hour": ("&from={hour}", _PAGE),
    "a kind that is common": ("&action=setting.updated", _PAGE),
    "a kind that is rare": (f"&action={RARE}", _PAGE),
    "a group of kinds": ("&action=member.", _PAGE),
    "by somebody busy": ("&actor_id={owner}", _PAGE),
    "by somebody else": ("&actor_id={actor}", _PAGE),
    "from an address": (f"&ip={ONE_IP}", _PAGE),
    "from an address, of a kind": (f"&ip={ONE_IP}&action={RARE}", _PAGE),
    "a text that is in every row": ("&search=firefox", _PAGE),
    "a text that is rare": (f"&search={ONE_WORD}", _PAGE),
    "a text that is nowhere": ("&search=unicorn", 0),
}
"""What is asked, and how many rows each of the two answers."""

COLUMNS = (
    *("at", "kind", "tenant_id", "actor_kind", "actor_user_id", "subject_type", "subject_id", "dialect"),
    *("ip", "user_agent", "request_id", "ok", "changes", "uid"),
)
_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_EVERY_SECONDS = 2


def measure(server: Postgresql, folder: Path) -> list[Bound]:
    """Return the ratio of the median times of each way, five million rows to ten thousand."""
    with instance(folder, server, "audit", REAL_PASSWORDS) as running:
        set_platform_value(running, "limits.requests_per_minute", 100_000)
        os.kill(running.pids["worker"], signal.SIGSTOP)  # it would seal five million rows meanwhile
        try:
            return _asked(running, _seeded(running))
        finally:
            os.kill(running.pids["worker"], signal.SIGCONT)


def _asked(running: LiveInstance, people: tuple[int, int]) -> list[Bound]:
    hour = quote((datetime.now(UTC) - timedelta(hours=1)).isoformat())
    told = {"owner": people[0], "actor": people[1], "hour": hour}
    few, many = (asker(running.url, token(running, slug)) for slug in (FEW_SLUG, MANY_SLUG))
    return [
        compared(name, _LIST + asked.format(**told), few, many, rows=rows)
        for name, (asked, rows) in WAYS.items()
    ]


def _seeded(running: LiveInstance) -> tuple[int, int]:
    """Let the demo's owner own two more organizations with their trails; returns them, and who did little."""
    sign_in(running)  # makes the owner known by their session
    with psycopg.connect(driver_address(running), autocommit=True) as connection:
        (owner,) = one(connection, "SELECT user_id FROM sessions ORDER BY id DESC LIMIT 1")
        (actor,) = one(connection, f"SELECT min(id) FROM users WHERE id <> {owner}")
        indexes = _without_indexes(connection)
        _make_months(connection)
        for slug, number in ((MANY_SLUG, MANY), (FEW_SLUG, FEW)):
            _trail(connection, organization(connection, slug, owner), number, (owner, actor))
        for index in indexes:
            connection.execute(index.encode())
        connection.execute("VACUUM ANALYZE")
    return owner, actor


def _without_indexes(connection: Connection) -> Sequence[str]:
    """Drop what makes a COPY slow; returns how it is made again."""
    query = (
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'audit_events' AND indexname ~ '^ix_'"
    )
    found = connection.execute(query.encode()).fetchall()
    for name, _ in found:
        connection.execute(f"DROP INDEX {name}".encode())
    return [str(made).replace(" ON ONLY ", " ON ") for _, made in found]


def _make_months(connection: Connection) -> None:
    """Make the partitions that would be there, had the instance run for as long as its trail is."""
    connection.execute("DELETE FROM audit_events_rest")
    first = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    oldest = datetime.now(UTC) - timedelta(seconds=_EVERY_SECONDS * MANY)
    while first > oldest:
        first, until = (first - timedelta(days=1)).replace(day=1), first
        name = partitions.name_of("audit_events", first)
        made = f"CREATE TABLE {name} PARTITION OF audit_events FOR VALUES FROM ('{first}') TO ('{until}')"
        connection.execute(made.encode())


def _trail(connection: Connection, tenant: int, number: int, people: tuple[int, int]) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY audit_events ({', '.join(COLUMNS)}) FROM STDIN".encode()) as copy,
    ):
        lines = _lines(tenant, number, people)
        while batch := "".join(islice(lines, 5000)):
            copy.write(batch)


def _lines(tenant: int, number: int, people: tuple[int, int]) -> Iterator[str]:
    """Yield rows as COPY takes them, the oldest first."""
    now = datetime.now(UTC)
    for n in range(number, 0, -1):
        rare = n <= FEW and n % RARELY == 0
        who, kind = (people[1], RARE) if rare else (people[0], KINDS[n % len(KINDS)])
        at = now - timedelta(seconds=n * _EVERY_SECONDS)
        ip = ONE_IP if rare else f"198.51.{n % 100}.{n % 250}"
        changes = json.dumps({"name": {"from": n, "to": ONE_WORD if rare else "horse"}})
        yield (
            f"{at}\t{kind}\t{tenant}\tsession\t{who}\tuser\t{people[0]}\tapi_v1\t{ip}\t{_BROWSER}\tr{n}\tt"
            f"\t{changes}\t{uuid7()}\n"
        )
