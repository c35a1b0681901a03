"""The authenticated read, ``GET /api/v1/auth/me``, beside a bare application with the same one SELECT."""

import itertools
import json
import statistics
from collections.abc import Iterator
from pathlib import Path

from benchmarks import load
from benchmarks.report import Ratio
from benchmarks.servers import (
    REAL_PASSWORDS,
    bare_server,
    driver_address,
    instance,
    post,
    set_platform_value,
)
from benchmarks.statements import application, recorded
from tests.support.live import LiveInstance
from tests.support.postgresql import Postgresql

SESSIONS = 8
ROUNDS = 7
SECONDS = 3.0


def measure(server: Postgresql, folder: Path) -> Ratio:
    """Measure both in turns, each warmed up first; the limiter counts, but its limit is out of the way."""
    with instance(folder, server, "reads", REAL_PASSWORDS) as running:
        set_platform_value(running, "limits.requests_per_minute", 100_000)
        tokens = [sign_in(running) for _ in range(SESSIONS)]
        calls = me_calls(running.url, tokens)
        query = folder / "query.json"
        query.write_text(json.dumps(captured_query(running, tokens[0]), default=str))
        environment = {"BARE_QUERY": str(query), "BARE_DATABASE": driver_address(running)}
        with bare_server("benchmarks.bare:app", environment) as floor:
            floor_calls = itertools.repeat(load.call("GET", floor))
            load.rate(running.url, calls, seconds=2)
            load.rate(floor, floor_calls, seconds=2)
            ours, bare = [], []
            for _ in range(ROUNDS):
                ours.append(load.rate(running.url, calls, seconds=SECONDS))
                bare.append(load.rate(floor, floor_calls, seconds=SECONDS))
    ratio = statistics.median(mine / floor for mine, floor in zip(ours, bare, strict=True))
    return Ratio("GET /api/v1/auth/me", ratio, 0.40, statistics.median(ours), statistics.median(bare))


def sign_in(running: LiveInstance) -> str:
    """Sign the demo organization's owner in and return the access token."""
    who = {"email": "jane@acme.example", "password": "portico-demo-2026", "tenantSlug": "acme-corp"}
    return str(post(f"{running.url}/api/v1/auth/login", who)["data"]["accessToken"])


def me_calls(url: str, tokens: list[str]) -> Iterator[bytes]:
    """Yield calls by several sessions in turn, for ever."""
    calls = [
        load.call("GET", f"{url}/api/v1/auth/me", headers=[f"Authorization: Bearer {token}"])
        for token in tokens
    ]
    return itertools.cycle(calls)


def captured_query(running: LiveInstance, token: str) -> dict[str, object]:
    """Return the one statement that the read makes, as PostgreSQL gets it, with its values."""
    app = application(running)
    client, headers = app.test_client(), {"Authorization": f"Bearer {token}"}
    client.get("/api/v1/auth/me", headers=headers)
    with recorded(app) as statements:
        answer = client.get("/api/v1/auth/me", headers=headers)
    if answer.status_code != 200 or len(statements) != 1:
        raise RuntimeError(f"{answer.status_code}, {len(statements)} statements instead of one")
    return {"sql": statements[0].sql, "parameters": statements[0].values}
