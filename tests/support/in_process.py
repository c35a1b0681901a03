"""Fixtures of tests within the process: the application, a client, a database that forgets each test."""

import gc
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.core import clock
from app.core.db import db
from app.core.settings import Settings, current_settings, read_settings
from tests.support.dns import DnsServer

KEY = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"  # zeros would be the empty key to an HMAC


@pytest.fixture(scope="session")
def dns_server() -> Iterator[DnsServer]:
    """Give the DNS that all of this process asks."""
    server = DnsServer()
    yield server
    server.stop()


@pytest.fixture
def dns(dns_server: DnsServer) -> Iterator[DnsServer]:
    """Give the DNS, in which nothing stands at first."""
    dns_server.clear()
    yield dns_server
    dns_server.clear()


@pytest.fixture(scope="session")
def settings(database_url: str, tmp_path_factory: pytest.TempPathFactory, dns_server: DnsServer) -> Settings:
    """Return settings as a test wants them: cheap passwords, a Redis that is not there."""
    folder = tmp_path_factory.mktemp("instance")
    return read_settings(
        {
            "INSTANCE": str(folder),
            "APP_ENV": "test",
            "DATABASE_URL": database_url,
            "REDIS_URL": f"unix://{folder / 'nobody.sock'}",
            "SECRET_KEY": "only for tests, and long enough to be taken",
            "SIGNING_KEYS": KEY,
            "SEALING_KEYS": KEY,
            "PUBLIC_URL": "http://localhost",
            "DNS_SERVERS": f"127.0.0.1:{dns_server.port}",
            "METRICS_TOKEN": "metrics-token-of-the-tests",
            "PASSWORD_MEMORY_KIB": "8",
            "PASSWORD_ROUNDS": "1",
        }
    )


@pytest.fixture(scope="session")
def app(settings: Settings) -> Iterator[Flask]:
    """Return the application on a database that the migrations made."""
    from app import create_app  # noqa: PLC0415 - tests of parts need not build the whole

    application = create_app(settings)
    with application.app_context():
        flask_migrate.upgrade(directory=str(Path(__file__).resolve().parents[2] / "migrations"))
        db.session.session_factory.configure(join_transaction_mode="create_savepoint")
    gc.freeze()  # what is there now stays: looking through it again and again takes a tenth of the time
    gc.set_threshold(50_000, 20, 100)
    yield application
    with application.app_context():
        db.engine.dispose()


@dataclass(frozen=True)
class Ground:
    """The one transaction that the tests of a file are in; nothing of it is ever committed."""

    engines: dict[str | None, Any]
    connection: sa.Connection

    @contextmanager
    def used(self) -> Iterator[None]:
        """Let the product use it: its commits are savepoints within."""
        from app.surfaces.shared import throttles  # noqa: PLC0415 - tests of parts need not build the whole

        throttles.forget()
        engine = self.engines[None]
        self.engines[None] = self.connection
        try:
            yield
        finally:
            self.engines[None] = engine


@pytest.fixture(scope="module")
def ground(app: Flask) -> Iterator[Ground]:
    """Give what the tests of a file have in common: what is made on it stands in each of them."""
    with app.app_context():
        engines: dict[str | None, Any] = db.engines
    with engines[None].connect() as connection:
        outer = connection.begin()
        yield Ground(engines, connection)
        outer.rollback()


@pytest.fixture
def database(ground: Ground) -> Iterator[sa.Connection]:
    """Give the connection that everything in this test uses; all it did is rolled back at the end.

    Calls counted in this process are forgotten as well, and files that no row names any more are deleted.
    """
    inner = ground.connection.begin_nested()
    try:
        with ground.used():
            yield ground.connection
    finally:
        inner.rollback()
        shutil.rmtree(current_settings().instance / "files", ignore_errors=True)


@pytest.fixture
def in_app(app: Flask, database: sa.Connection) -> Iterator[Flask]:
    """Let a test call operations itself: the application's context is there. Not for use with a client."""
    with app.app_context():
        yield app
        db.session.remove()


@pytest.fixture
def client(app: Flask, database: sa.Connection) -> FlaskClient:
    """Return a client of the application whose changes are rolled back after the test."""
    return app.test_client()


@pytest.fixture
def move_clock(settings: Settings) -> Iterator[Callable[[int], None]]:
    """Return a function that moves the application's time by seconds; it is right again after the test."""

    def move(seconds: int) -> None:
        clock.move(seconds)

    yield move
    clock.move(None)
