"""Finding and hurting processes of an instance."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sandbox import valkey


def children_of(pid: int) -> Sequence[int]:
    """Return the direct children of a process."""
    try:
        lines = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return ()
    return [int(word) for word in lines.split()]


def kill(*pids: int, sign: int = signal.SIGKILL) -> None:
    """Send a signal to processes, those that are gone already left out."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, sign)


def wait_until_gone(pid: int, seconds: float) -> float:
    """Wait until a process has ended; return how long it took."""
    began = time.monotonic()
    while Path(f"/proc/{pid}").exists() and "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text():
        assert time.monotonic() - began < seconds, f"{pid} lives on after {seconds} s"
        time.sleep(0.05)
    return time.monotonic() - began


@dataclass
class OwnValkey:
    """A Valkey that a test may stop, freeze, kill and empty."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        """Return its address."""
        return valkey.socket_path(self.folder)

    @property
    def url(self) -> str:
        """Return its address as REDIS_URL takes it."""
        return f"unix://{self.socket}"

    def start(self) -> "OwnValkey":
        """Start it and wait until it takes connections."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.socket.unlink(missing_ok=True)
        with (self.folder / "valkey.log").open("ab") as log:
            self.process = subprocess.Popen(valkey.command(self.folder, self.socket), stdout=log, stderr=log)
        deadline = time.monotonic() + 10
        while not self.socket.exists():
            assert time.monotonic() < deadline, "Valkey did not start"
            time.sleep(0.02)
        return self

    def send(self, sign: int) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(sign)
        if sign in (signal.SIGKILL, signal.SIGTERM):
            self.process.wait(10)

    def stop(self) -> None:
        """End it, frozen or not."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
