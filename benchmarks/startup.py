"""How long ``make run`` takes until a page answers, and what it then holds in memory."""

import json
import os
import signal
import statistics
import subprocess
import time
from pathlib import Path

from benchmarks.report import Bound, Result
from benchmarks.servers import ROOT
from tests.support.live import free_port
from tests.support.processes import children_of

ROUNDS = 5
IDLE_SECONDS = 5


def measure(folder: Path) -> list[Result]:
    """Start once to install and prepare, then measure starts on the data that are there."""
    _Run(folder).stop()
    seconds, memory = [], 0.0
    for number in range(ROUNDS):
        run = _Run(folder)
        seconds.append(run.seconds)
        if number == ROUNDS - 1:
            time.sleep(IDLE_SECONDS)
            memory = sum(_pss(pid) for pid in _family(run.process.pid)) / 1024
        run.stop()
    floor = f"python alone: {_python_seconds():.2f} s"
    return [
        Bound("make run until a page answers", statistics.median(seconds), 3, "s", floor),
        Bound("memory of all processes when idle (PSS)", memory, 300, "MB"),
    ]


class _Run:
    """One ``make run``, from the command to the page."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "run.json"
        self.state.unlink(missing_ok=True)
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        began = time.perf_counter()
        self.process = subprocess.Popen(
            ["make", "run"],
            cwd=ROOT,
            env={**kept, "INSTANCE": str(folder), "PORT": str(free_port())},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        while not self._is_ready():
            if self.process.poll() is not None or time.perf_counter() - began > 300:
                raise RuntimeError("make run did not come up")
            time.sleep(0.005)
        self.seconds = time.perf_counter() - began

    def _is_ready(self) -> bool:
        try:
            return bool(json.loads(self.state.read_text())["ready"])
        except (OSError, ValueError):
            return False

    def stop(self) -> None:
        """Stop it as Ctrl-C in its terminal does."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(40)


def _family(pid: int) -> list[int]:
    return [pid, *(member for child in children_of(pid) for member in _family(child))]


def _pss(pid: int) -> int:
    """Return a process's part of memory in KiB: what it shares is divided among those who share it."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _python_seconds() -> float:
    began = time.perf_counter()
    subprocess.run([ROOT / ".venv/bin/python", "-c", "pass"], check=True)
    return time.perf_counter() - began
