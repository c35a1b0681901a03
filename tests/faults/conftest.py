"""An instance to break, and the figures that are told at the end."""

from collections.abc import Callable, Iterator

import pytest
import redis

from tests.support.live import LiveInstance
from tests.support.load import Arrivals
from tests.support.processes import OwnValkey

_FIGURES = pytest.StashKey[list[str]]()

Tell = Callable[[str], None]


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Tell:
    """Return a function that puts a figure under the case's name into the summary."""
    figures = request.config.stash.setdefault(_FIGURES, [])
    return lambda text: figures.append(f"{request.node.name.removeprefix('test_'):<70.70}  {text}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the figures of all cases."""
    figures = config.stash.get(_FIGURES, [])
    if figures:
        terminalreporter.section("what was measured")
        for line in figures:
            terminalreporter.write_line(line)


@pytest.fixture(scope="module")
def bell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnValkey]:
    """Give a Valkey of this module's own."""
    server = OwnValkey(tmp_path_factory.mktemp("valkey")).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def victim(
    bell: OwnValkey, new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveInstance]:
    """Give an instance for this module to break, whose limits are out of the way."""
    instance = LiveInstance(tmp_path_factory.mktemp("victim"), database_url=new_database())
    instance.environment = {**instance.environment, "REDIS_URL": bell.url}
    instance.start()
    instance.flask("settings", "set", "limits.per_ip_factor", "1000")
    instance.flask("settings", "set", "limits.requests_per_minute", "100000")
    yield instance
    instance.stop()


@pytest.fixture
def whole(victim: LiveInstance, bell: OwnValkey) -> Iterator[LiveInstance]:
    """Give the instance with all that it stands on in order."""
    victim.clear_rules()
    yield victim
    victim.clear_rules()
    victim.move_clock(None)
    if bell.process is None or bell.process.poll() is not None:
        bell.start()


@pytest.fixture
def arrivals(whole: LiveInstance) -> Arrivals:
    """Give the reader of what arrives."""
    return Arrivals(whole.folder / "mail")


@pytest.fixture
def keys(bell: OwnValkey) -> Iterator[redis.Redis]:
    """Give a client of the instance's Valkey."""
    client = redis.Redis(unix_socket_path=str(bell.socket))
    yield client
    client.close()
