"""Starting, stopping and losing a whole instance, as a person at a terminal does."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.domains.demo import people
from sandbox import supervisor, valkey
from sandbox.instance import CannotStart, open_instance
from tests.support.live import ROOT, LiveInstance, free_port

pytestmark = [pytest.mark.live, pytest.mark.once]


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def family(pids: list[int]) -> list[int]:
    """Return the processes and all that they started."""
    parents = {
        int(entry.name): int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and (entry / "stat").exists()
    }
    found = list(pids)
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid and child not in found]
    return found


def wait_until(true: Callable[[], bool], seconds: float = 15) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_it_is_stopped_without_orphans_or_tracebacks_and_keeps_its_data(own_instance: LiveInstance) -> None:
    own_instance.start()
    everyone = family(list(own_instance.pids.values()))
    assert len(everyone) >= 5
    secrets = own_instance.settings["SIGNING_KEYS"]
    mailbox = own_instance.mailbox_url
    assert own_instance.stop() == 0
    assert not [pid for pid in everyone if is_alive(pid)]
    logs = [own_instance.folder / "supervisor.log", *(own_instance.folder / "log").iterdir()]
    assert not [log.name for log in logs if "Traceback" in log.read_text()]
    own_instance.start()
    assert (own_instance.settings["SIGNING_KEYS"], own_instance.mailbox_url) == (secrets, mailbox)


def test_a_killed_supervisor_takes_everyone_with_it(own_instance: LiveInstance) -> None:
    own_instance.start()
    everyone = family(list(own_instance.pids.values()))
    os.kill(own_instance.pids["supervisor"], signal.SIGKILL)
    assert own_instance.process is not None
    own_instance.process.wait(5)
    assert wait_until(lambda: not any(is_alive(pid) for pid in everyone))
    own_instance.start()


@pytest.mark.parametrize("name", ["valkey", "worker", "web"])
def test_what_falls_is_started_again(own_instance: LiveInstance, name: str) -> None:
    own_instance.start()
    fallen = own_instance.pids[name]
    left_behind = family([fallen])
    os.kill(fallen, signal.SIGKILL)
    assert wait_until(lambda: own_instance.pids[name] != fallen and is_alive(own_instance.pids[name]))
    assert wait_until(lambda: not any(is_alive(pid) for pid in left_behind))
    assert "is started again" in (own_instance.folder / "supervisor.log").read_text()


def test_a_second_start_in_the_same_folder_says_where_the_first_is(own_instance: LiveInstance) -> None:
    own_instance.start()
    second = subprocess.run(
        [sys.executable, "-m", "sandbox"], cwd=ROOT, env=own_instance.full_environment(), capture_output=True,
        text=True, check=False, timeout=20,
    )  # fmt: skip
    assert second.returncode == 1
    assert f"runs already at {own_instance.url}" in second.stderr


def test_a_port_that_was_asked_for_and_is_taken_is_refused(tmp_path: Path) -> None:
    port = free_port()
    first = open_instance(tmp_path / "one", {"PORT": str(port)})
    with pytest.raises(CannotStart, match=f"Port {port} is taken"):
        open_instance(tmp_path / "two", {"PORT": str(port)})
    first.close()
    open_instance(tmp_path / "two", {"PORT": str(port)}).close()


def test_two_copies_share_no_port(tmp_path: Path) -> None:
    first = open_instance(tmp_path / "one", {})
    second = open_instance(tmp_path / "two", {})
    names = ("PORT", "SMTP_PORT", "SANDBOX_URL")
    assert not {first.values[name] for name in names} & {second.values[name] for name in names}
    first.close()
    second.close()


def test_the_settings_file_is_its_owners_alone(tmp_path: Path) -> None:
    instance = open_instance(tmp_path / "one", {})
    assert instance.settings_file.stat().st_mode & 0o077 == 0
    instance.close()


def test_a_long_folder_name_still_has_a_socket(tmp_path: Path) -> None:
    folder = tmp_path / ("deep" * 30)
    folder.mkdir()
    socket = valkey.socket_path(folder)
    assert len(str(socket)) <= 100
    socket.parent.rmdir()


def test_whom_the_greeting_names_is_in_the_demo_organization() -> None:
    acme = next(o for o in people.ORGANIZATIONS if o.name == "Acme Corp")
    members = {person.email: str(person.role) for person in acme.people}
    assert members.items() >= supervisor.DEMO_PEOPLE.items()
    assert people.PASSWORD == supervisor.DEMO_PASSWORD
    assert people.ADA.email == supervisor.DEMO_ADMIN
