"""Fixtures of all tests: a database, a running instance, a mailbox. A skipped test is a failed one."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.calls import Caller
from tests.support.canaries import CANARIES
from tests.support.dns import DnsServer
from tests.support.live import CHEAP_PASSWORDS, LiveInstance
from tests.support.mail import Mailbox
from tests.support.postgresql import Postgresql, database_name, fresh_database

pytest_plugins = ["tests.support.in_process", "tests.support.world"]

_SERVER_URL = pytest.StashKey[str]()
_SERVER = pytest.StashKey[Postgresql]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database", choices=["sqlite", "postgresql"], default="sqlite", help="which database to test on"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Start PostgreSQL once for a run, in the process that leads it."""
    if hasattr(config, "workerinput"):
        config.stash[_SERVER_URL] = config.workerinput["postgresql"]
        return
    config.stash[_SERVER_URL] = os.environ.get("TEST_DATABASE_URL", "")
    wanted = config.getoption("--database") == "postgresql"
    if wanted and not config.stash[_SERVER_URL] and not config.option.collectonly:
        config.stash[_SERVER] = Postgresql()
        config.stash[_SERVER].start()
        config.stash[_SERVER_URL] = config.stash[_SERVER].url()


def pytest_unconfigure(config: pytest.Config) -> None:
    server = config.stash.get(_SERVER, None)
    if server is not None:
        server.stop()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist where the server is."""
    node.workerinput["postgresql"] = node.config.stash[_SERVER_URL]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Count a skipped test as a failed one: what is not tried is not known to work."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which counts as failed: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Any:
    """Count a skipped file as a failed one."""
    report = yield
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped, which counts as failed: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def worker_name() -> str:
    """Name this test process: several share one machine."""
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


@pytest.fixture(scope="session")
def new_database(
    request: pytest.FixtureRequest, worker_name: str, tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """Return a function that makes an empty database and returns its address."""
    server_url = request.config.stash[_SERVER_URL]

    def make() -> str:
        if request.config.getoption("--database") == "sqlite":
            return f"sqlite:///{tmp_path_factory.mktemp('database') / 'portico.db'}"
        return fresh_database(server_url, database_name(worker_name))

    return make


@pytest.fixture(scope="session")
def database_url(new_database: Any) -> str:
    """Return the address of this process's database for tests within the process; it begins empty."""
    return str(new_database())


@pytest.fixture
def own_postgresql() -> Iterator[Postgresql]:
    """Give a PostgreSQL server that a test may break."""
    server = Postgresql()
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def live_server(
    new_database: Any, tmp_path_factory: pytest.TempPathFactory, dns_server: DnsServer
) -> Iterator[LiveInstance]:
    """Give a whole running instance, shared by the tests of this process: they use people of their own."""
    own_dns = {"DNS_SERVERS": f"127.0.0.1:{dns_server.port}"}
    folder = tmp_path_factory.mktemp("live")
    instance = LiveInstance(folder, new_database(), {**CHEAP_PASSWORDS, **own_dns})
    try:
        yield instance.start()
        assert CANARIES.found_in(instance) == [], "secrets lie where they must not"
    finally:
        if instance.process is not None:
            instance.stop()


@pytest.fixture
def live(live_server: LiveInstance) -> Iterator[LiveInstance]:
    """Give the running instance with a right clock, no mail rules and fresh rate limits."""
    live_server.move_clock(None)
    live_server.clear_rules()
    live_server.flask("limits", "reset")
    yield live_server
    live_server.move_clock(None)
    live_server.clear_rules()


@pytest.fixture
def caller(live: LiveInstance) -> Iterator[Caller]:
    """Give a client of the running instance's APIs, with a cookie jar of its own."""
    with Caller(live.url) as made:
        yield made


@pytest.fixture
def mailbox(live: LiveInstance) -> Mailbox:
    """Give the reader of what the running instance mailed."""
    return live.mail


@pytest.fixture
def own_instance(new_database: Any, tmp_path: Path) -> Iterator[LiveInstance]:
    """Give an instance that is not started yet, for a test that breaks it."""
    instance = LiveInstance(tmp_path / "own", database_url=new_database())
    try:
        yield instance
    finally:
        if instance.process is not None and instance.process.poll() is None:
            instance.stop()
