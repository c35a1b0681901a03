"""Sign-ins beside bare verifications of the same hash by as many threads."""

import itertools
import json
import os
import statistics
import threading
import time
from pathlib import Path

from argon2 import PasswordHasher

from benchmarks import load
from benchmarks.report import Ratio
from benchmarks.servers import REAL_PASSWORDS, instance
from tests.support.postgresql import Postgresql

ROUNDS = 5
SECONDS = 4.0
CONNECTIONS = 8
PEOPLE = ("jane@acme.example", "marcus@acme.example", "priya@acme.example", "tomas@acme.example")
PASSWORD = "portico-demo-2026"


def measure(server: Postgresql, folder: Path) -> Ratio:
    """Measure both in turns."""
    with instance(folder, server, "logins", REAL_PASSWORDS) as running:
        calls = itertools.cycle([login_call(running.url, email) for email in PEOPLE])
        load.rate(running.url, calls, seconds=2, connections=CONNECTIONS)
        ours, bare = [], []
        for _ in range(ROUNDS):
            ours.append(load.rate(running.url, calls, seconds=SECONDS, connections=CONNECTIONS))
            bare.append(verifications(SECONDS))
    ratio = statistics.median(mine / floor for mine, floor in zip(ours, bare, strict=True))
    return Ratio("POST /api/v1/auth/login", ratio, 0.85, statistics.median(ours), statistics.median(bare))


def login_call(url: str, email: str) -> bytes:
    """Return a sign-in of one of the demo organization's people."""
    body = {"email": email, "password": PASSWORD, "tenantSlug": "acme-corp"}
    return load.call("POST", f"{url}/api/v1/auth/login", body=json.dumps(body).encode())


def verifications(seconds: float) -> float:
    """Verify with as many threads as the product hashes with, and return how many a second."""
    hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
    hashed = hasher.hash(PASSWORD)
    end = time.perf_counter() + seconds
    counts: list[int] = []

    def work() -> None:
        count = 0
        while time.perf_counter() < end:
            hasher.verify(hashed, PASSWORD)
            count += 1
        counts.append(count)

    threads = [threading.Thread(target=work) for _ in range(os.cpu_count() or 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds
