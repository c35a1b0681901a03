"""Child processes: they die with their parent, speak into a log, and are started again when they fall."""

import asyncio
import ctypes
import io
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(
    None, use_errno=True
)  # loaded before any fork: nothing may be imported between fork and exec
_LOG_BOUND = 20_000_000
_LONGEST_WAIT = 5.0
_STEADY_SECONDS = 30.0


def die_with_parent(sign: int, parent: int) -> None:
    """Ask the kernel to send this process a signal when its parent is gone (prctl(2), Linux)."""
    prctl = getattr(_libc, "prctl", None)
    if prctl is None:
        return
    prctl(_PR_SET_PDEATHSIG, sign)
    if os.getppid() != parent:
        os._exit(1)


@dataclass
class Child:
    """One program of the instance.

    ``dies_by`` is what the kernel sends it when the supervisor is killed: SIGTERM where it has children of
    its own or work to finish, SIGKILL where nothing is lost by it.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    folder: Path
    dies_by: int = signal.SIGTERM
    changed: Callable[[], None] = lambda: None
    process: asyncio.subprocess.Process | None = None
    _watcher: asyncio.Task[None] | None = field(default=None, repr=False)

    async def start(self) -> None:
        """Start the program in a session of its own: Ctrl-C in a terminal reaches the supervisor alone."""
        parent = os.getpid()
        with self._open_log() as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=dict(self.environment),
                start_new_session=True,
                preexec_fn=lambda: die_with_parent(self.dies_by, parent),
            )
        self.changed()

    def watch(self, say: Callable[[str], None]) -> None:
        """Start the program again whenever it ends without having been told to."""
        self._watcher = asyncio.create_task(self._keep_alive(say))

    async def _keep_alive(self, say: Callable[[str], None]) -> None:
        wait = 0.0
        while self.process is not None:
            since = time.monotonic()
            code = await self.process.wait()
            self.kill()  # what it left behind of its own children
            say(f"{self.name} ended unexpectedly ({describe(code)}) and is started again; see {self.log}")
            wait = 0.0 if time.monotonic() - since > _STEADY_SECONDS else min(_LONGEST_WAIT, wait + 0.5)
            await asyncio.sleep(wait)
            await self.start()

    async def stop(self, patience: float = 10.0) -> None:
        """Ask the program to end, wait for it, and kill it and its children when it does not."""
        if self._watcher is not None:
            self._watcher.cancel()
        process = self.process
        if process is None:
            return
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), patience)
            except TimeoutError:
                pass  # it is killed below
        self.kill()
        await process.wait()

    def kill(self) -> None:
        """Kill whatever is left of the program's session."""
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass  # nothing is left

    def last_lines(self, count: int = 15) -> str:
        """Return the end of the program's log."""
        try:
            return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:])
        except OSError:
            return ""

    def _open_log(self) -> io.FileIO:
        if self.log.exists() and self.log.stat().st_size > _LOG_BOUND:
            self.log.replace(self.log.with_suffix(".old.log"))
        return self.log.open("ab", buffering=0)


def describe(code: int) -> str:
    """Say in words how a process ended."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
