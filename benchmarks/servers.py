"""PostgreSQL, an instance as ``make run`` starts it, and bare servers to hold it against."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa

from tests.support.live import LiveInstance, free_port
from tests.support.postgresql import Postgresql, fresh_database

ROOT = Path(__file__).resolve().parent.parent
REAL_PASSWORDS = {"PASSWORD_MEMORY_KIB": "19456", "PASSWORD_ROUNDS": "2"}
"""What the product hashes with where nothing else is set."""
CHEAP_PASSWORDS = {"PASSWORD_MEMORY_KIB": "1024", "PASSWORD_ROUNDS": "1"}
"""A millisecond: little noise, and still seen when it is missing."""


@contextmanager
def postgresql() -> Iterator[Postgresql]:
    """Give a PostgreSQL server of its own."""
    server = Postgresql()
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def instance(
    folder: Path, server: Postgresql, name: str, environment: Mapping[str, str]
) -> Iterator[LiveInstance]:
    """Give a whole running instance with its demo people, on an empty database of the server."""
    address = fresh_database(server.url(), name)
    made = LiveInstance(folder / name, database_url=address, environment=environment)
    try:
        yield made.start()
    finally:
        if made.process is not None and made.process.poll() is None:
            made.stop()


@contextmanager
def bare_server(target: str, environment: Mapping[str, str]) -> Iterator[str]:
    """Serve a bare application with the same server and settings; gives its address."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox.web", str(port), target],
        cwd=ROOT,
        env={**os.environ, **environment},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}/"
    try:
        _wait(url)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def _wait(url: str, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def post(url: str, body: Mapping[str, Any]) -> Any:
    """Make one call and return what it answered."""
    data = json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def driver_address(running: LiveInstance) -> str:
    """Return the address of an instance's database as psycopg takes it."""
    url = sa.make_url(running.database_url or "").set(drivername="postgresql")
    return url.render_as_string(hide_password=False)


def set_platform_value(running: LiveInstance, key: str, value: Any) -> None:
    """Give a setting the platform's value."""
    with psycopg.connect(driver_address(running)) as connection:
        connection.execute(
            "INSERT INTO setting_values (key, environment, value, locked, updated_at)"
            " VALUES (%s, '', %s, false, now())",
            (key, json.dumps(value)),
        )
