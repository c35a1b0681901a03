"""A whole running instance of one's own: web, worker, Valkey, mailbox, as `make run` starts it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.authenticator import code_at
from tests.support.mail import Mailbox

ROOT = Path(__file__).resolve().parents[2]
_SECONDS_TO_START = 60

CHEAP_PASSWORDS = {"PASSWORD_MEMORY_KIB": "8", "PASSWORD_ROUNDS": "1"}
"""The least that argon2 takes: tests check that a password is checked, not how dear it is."""


@dataclass
class LiveInstance:
    """An instance in a folder; ``start`` and ``stop`` may be repeated, data stays."""

    folder: Path
    database_url: str | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: CHEAP_PASSWORDS)
    process: subprocess.Popen[bytes] | None = None
    commands: subprocess.Popen[str] | None = None

    def start(self) -> "LiveInstance":
        """Start the supervisor and wait until the portal answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "run.json").unlink(missing_ok=True)
        output = (self.folder / "supervisor.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sandbox"],
            cwd=ROOT,
            env=self.full_environment(PORT=str(free_port())),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        output.close()
        deadline = time.monotonic() + _SECONDS_TO_START
        while not self._state().get("ready"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"No instance:\n{(self.folder / 'supervisor.log').read_text()[-3000:]}")
            time.sleep(0.05)
        return self

    def stop(self) -> int:
        """Stop everything as Ctrl-C does; return the supervisor's exit code."""
        if self.commands is not None:
            self.commands.communicate()
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(40)

    def full_environment(self, **more: str) -> dict[str, str]:
        """Return the environment of this instance's processes, free of what the tester's own shell sets."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        own = {"INSTANCE": str(self.folder), **self.environment, **more}
        return {**kept, **own, **({"DATABASE_URL": self.database_url} if self.database_url else {})}

    @property
    def url(self) -> str:
        """Return the address of the portal and the APIs, without a slash at its end."""
        return str(self._state()["portal"])

    @property
    def mailbox_url(self) -> str:
        """Return the address of the sandbox's mailbox page."""
        return str(self._state()["mailbox"])

    @property
    def pids(self) -> Mapping[str, int]:
        """Return the process ids by name: supervisor, valkey, web, worker."""
        pids: Mapping[str, int] = self._state()["pids"]
        return pids

    @property
    def mail(self) -> Mailbox:
        """Return the reader of what was mailed."""
        return Mailbox(self.folder / "mail")

    @property
    def settings(self) -> Mapping[str, str]:
        """Return what instance.env says: secrets, ports, the metrics token."""
        lines = (self.folder / "instance.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))

    def flask(self, *words: str) -> str:
        """Run a flask command on this instance and return what it printed."""
        if self.commands is None or self.commands.poll() is not None:
            self.commands = subprocess.Popen(
                [sys.executable, "-m", "tests.support.flask_commands"],
                cwd=ROOT,
                env=self.full_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        assert self.commands.stdin is not None
        assert self.commands.stdout is not None
        self.commands.stdin.write(json.dumps(words) + "\n")
        self.commands.stdin.flush()
        answer = self.commands.stdout.readline()
        assert answer, f"flask {' '.join(words)}: no answer"
        code, text = json.loads(answer)
        assert code == 0, f"flask {' '.join(words)}: {text}"
        return str(text)

    def move_clock(self, seconds: int | None) -> None:
        """Move the instance's time by seconds, or back to real time with None."""
        if seconds is not None:
            self.flask("clock", f"{seconds:+d}s")
        elif (self.folder / "clock").exists():
            self.flask("clock", "reset")

    def totp(self, secret: str, steps: int = 0) -> str:
        """Return what an authenticator app shows at the instance's time, or so many steps later."""
        clock = self.folder / "clock"
        offset = int(clock.read_text() or 0) if clock.exists() else 0
        return code_at(secret, time.time() + offset, steps)

    def add_rule(self, **rule: Any) -> None:
        """Tell the SMTP sandbox to do something wrong (see sandbox/rules.py)."""
        self._send("POST", json.dumps(rule).encode())

    def clear_rules(self) -> None:
        """Let the SMTP sandbox take every mail again."""
        self._send("DELETE", None)

    def _send(self, method: str, body: bytes | None) -> None:
        request = urllib.request.Request(
            f"{self.mailbox_url}/rules", body, {"Content-Type": "application/json"}, method=method
        )
        urllib.request.urlopen(request, timeout=10).close()

    def _state(self) -> dict[str, Any]:
        try:
            state: dict[str, Any] = json.loads((self.folder / "run.json").read_text())
        except FileNotFoundError:
            return {}
        return state


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
