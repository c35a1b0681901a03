"""Statements a request: of every endpoint, and of lists with few and with a hundred rows more."""

import json
import os
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
from flask.testing import FlaskClient

from benchmarks import counting, servers
from benchmarks.report import Bound, Result, show
from benchmarks.statements import application, recorded
from tests.support.live import LiveInstance

TESTS = ("tests/surfaces", "tests/portal", "tests/architecture/test_audit.py")
MOST = 30
"""A call with more statements than this deserves a look."""

JANE = "jane@acme.example"
LISTS: Mapping[str, tuple[str, str]] = {
    "/services/platforms/v1/active-sessions/list?per_page=100": ("person", "sessions"),
    "/platform/api/global/tenants": ("person", "tenants"),
    "/platform/api/admin/tenants?limit=100": ("person", "tenants"),
    "/platform/api/admin/users?limit=100": ("person", "users"),
}
"""Every list that is built: whose token asks, and of what there are to be more."""

GROW: Mapping[str, str] = {
    "sessions": (
        "INSERT INTO sessions (uid, user_id, kind, dialect, method, factors, proven_at, name, device_key,"
        " user_agent, persistent, last_used_at, expires_at, created_at, updated_at)"
        " SELECT gen_random_uuid(), id, 'app', 'api_v1', 'password', 1, now(), 'curl', '', '', false, now(),"
        " now() + interval '1 day', now(), now() FROM users, generate_series(1, 100) WHERE email = %s"
    ),
    "tenants": (
        "WITH made AS (INSERT INTO tenants (uid, slug, name, status, created_at, updated_at)"
        " SELECT gen_random_uuid(), 'more-' || n, 'More ' || n, 'active', now(), now()"
        " FROM generate_series(1, 100) AS n RETURNING id)"
        " INSERT INTO memberships (uid, tenant_id, user_id, role, profile_id, status, created_at, updated_at)"
        " SELECT gen_random_uuid(), made.id, users.id, 'member', 1, 'active', now(), now()"
        " FROM made, users WHERE email = %s"
    ),
    "users": (
        "INSERT INTO users (uid, email, email_key, first_name, last_name, is_public, is_platform_admin,"
        " preferences, first_seen_in, created_at, updated_at)"
        " SELECT gen_random_uuid(), 'm' || n || %s, 'm' || n || '@more.example', '', '', true, false, '{}',"
        " 'portal', now(), now() FROM generate_series(1, 100) AS n"
    ),
}


def report(folder: Path) -> None:
    """Print both."""
    with (
        servers.postgresql() as server,
        servers.instance(folder, server, "queries", servers.CHEAP_PASSWORDS) as running,
    ):
        show("Lists: statements with a hundred rows more, PostgreSQL", growth(running))
    counts = every_endpoint(folder / "counts")
    show("Statements a request, most of all good answers in the test suite", [_most(counts)])
    for endpoint, found in sorted(counts.items()):
        print(f"       {endpoint:64} {statistics.median(found):5.0f}  at most {max(found):3d}")


def growth(running: LiveInstance) -> list[Result]:
    """Count each list's statements before and after there is more of what it lists."""
    app = application(running)
    client = app.test_client()
    with psycopg.connect(servers.driver_address(running), autocommit=True) as connection:
        connection.execute("UPDATE users SET is_platform_admin = true WHERE email = %s", (JANE,))
        headers = {"Authorization": f"Bearer {_person_token(running)}"}
        before = {path: _statements(app, client, path, headers) for path in LISTS}
        for statement in GROW.values():
            connection.execute(statement, (JANE,))
        after = {path: _statements(app, client, path, headers) for path in LISTS}
    return [
        Bound(path.partition("?")[0], after[path] - before[path], 0, "more", f"{after[path]} statements")
        for path in LISTS
    ]


def _person_token(running: LiveInstance) -> str:
    who = {"email": JANE, "password": "portico-demo-2026"}
    return str(servers.post(f"{running.url}/platform/api/global/auth/login", who)["access_token"])


def _statements(app: Any, client: FlaskClient, path: str, headers: Mapping[str, str]) -> int:
    client.get(path, headers=headers)
    with recorded(app) as statements:
        answer = client.get(path, headers=headers)
    if answer.status_code != 200:
        raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:300]}")
    return len(statements)


def every_endpoint(folder: Path) -> dict[str, list[int]]:
    """Run the tests of the ways in and return what each good answer took, by endpoint."""
    folder.mkdir()
    command = [
        sys.executable, "-m", "pytest", "-q", "-p", "benchmarks.counting", "-p", "no:cacheprovider",
        "-m", "not browser and not live and not faults", *TESTS,
    ]  # fmt: skip
    done = subprocess.run(
        command,
        cwd=servers.ROOT,
        env={**os.environ, counting.FOLDER: str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    counts: dict[str, list[int]] = defaultdict(list)
    for file in folder.glob("*.json"):
        for endpoint, found in json.loads(file.read_text()).items():
            counts[endpoint] += found
    if done.returncode not in (0, 1) or not counts:
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    return counts


def _most(counts: Mapping[str, list[int]]) -> Bound:
    endpoint, found = max(counts.items(), key=lambda item: max(item[1]))
    return Bound("the most of all endpoints", max(found), MOST, "statements", endpoint)
