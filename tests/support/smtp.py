"""The SMTP sandbox within the test's process: a real server that can be told to misbehave."""

import asyncio
import threading
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.maildir import Mail, MailStore
from sandbox.rules import Rules
from sandbox.smtp import Sink, SmtpServer
from tests.support.live import free_port


@dataclass
class SmtpSandbox:
    """A mail server on the loopback address and the folder of what it took."""

    folder: Path
    port: int = field(default_factory=free_port)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def __post_init__(self) -> None:
        from sandbox import clock  # noqa: PLC0415 - the name is short, and only here is it the sandbox's

        self.store = MailStore(self.folder / "mail")
        self.store.create()
        self.rules = Rules(now=lambda: clock.now(self.folder))
        self.server = SmtpServer(port=self.port, sink=Sink(self.store, self.rules, self.folder))
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> None:
        """Listen."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.server.start(), self._loop).result(5)

    def stop(self) -> None:
        """Listen no more; a second time does nothing."""
        if not self._thread.is_alive():
            return
        asyncio.run_coroutine_threadsafe(self.server.stop(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def mails(self, to: str = "") -> list[Mail]:
        """Return what was taken, newest first."""
        return list(self.store.latest(to, limit=1000))
