"""A client that writes down what it was promised, and a reader of what arrived: nothing may lie between."""

import http.client
import itertools
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PASSWORD = "a sentence that nobody guesses"
_MESSAGE_ID = re.compile(rb"^message-id:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_ENVELOPE_TO = re.compile(rb"^x-envelope-to:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Answer:
    """One answer of the server; status 0 when the connection broke."""

    status: int
    seconds: float
    headers: Mapping[str, str] = field(default_factory=dict)
    """Their names in lower case."""
    body: bytes = b""


class Caller:
    """One connection that is kept open, and made anew when it broke."""

    def __init__(self, url: str) -> None:
        self._host = urlsplit(url).netloc
        self._connection = http.client.HTTPConnection(self._host, timeout=30)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def __del__(self) -> None:
        self.close()

    def __call__(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request and return what came of it."""
        began = time.perf_counter()
        sent = None if body is None else json.dumps(body)
        try:
            self._connection.request(
                method, path, sent, {"Content-Type": "application/json", **(headers or {})}
            )
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return Answer(0, time.perf_counter() - began)
        found = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status, time.perf_counter() - began, found, content)


def register(call: Caller, email: str) -> Answer:
    """Register somebody: one write, one mail."""
    person = {"email": email, "password": PASSWORD, "first_name": "Kim", "last_name": "Roe"}
    return call("POST", "/platform/api/global/auth/register", person)


@dataclass
class Ledger:
    """What clients were told: every answer, and the addresses whose registration was acknowledged."""

    prefix: str = field(default_factory=lambda: f"l{next(_numbers)}t{time.time_ns() % 10**9}")
    answers: list[Answer] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    """The values of settings whose change was acknowledged."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def statuses(self) -> Mapping[int, int]:
        """Return how many answers had which status."""
        return dict(sorted(Counter(answer.status for answer in self.answers).items()))

    def note(self, email: str, answer: Answer) -> bool:
        """Write an answer down; say whether the registration is known to have been made."""
        with self._lock:
            self.answers.append(answer)
            # 400 after a broken answer: it was made, only the answer was lost.
            made = answer.status == 201 or (answer.status == 400 and b"user:email_taken" in answer.body)
            if made:
                self.acknowledged.append(email)
        return made

    def note_change(self, value: str, answer: Answer) -> None:
        """Write down what was answered to a change of a setting."""
        with self._lock:
            self.answers.append(answer)
            if answer.status == 200:
                self.changes.append(value)

    def address(self, number: int) -> str:
        """Return the address of the so-manieth person."""
        return f"{self.prefix}-{number}@people.example"


def register_all(url: str, count: int, *, threads: int = 6, pause: float = 0.0) -> tuple[Ledger, "Crew"]:
    """Begin to register ``count`` people, each until it is acknowledged."""
    ledger, numbers = Ledger(), iter(range(count))
    lock = threading.Lock()

    def work(call: Caller, stop: threading.Event) -> None:
        while not stop.is_set():
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            while not stop.is_set() and not ledger.note(
                ledger.address(number), register(call, ledger.address(number))
            ):
                time.sleep(0.2)
            time.sleep(pause)

    return ledger, Crew(url, work, threads)


class Crew:
    """Threads that call a server until they are done or told to stop."""

    def __init__(self, url: str, work: Callable[[Caller, threading.Event], None], threads: int) -> None:
        self.stopped = threading.Event()

        def run() -> None:
            with closing(Caller(url)) as call:
                work(call, self.stopped)

        self._threads = [threading.Thread(target=run, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    @property
    def is_busy(self) -> bool:
        """Say whether somebody still works."""
        return any(thread.is_alive() for thread in self._threads)

    def wait(self, seconds: float) -> None:
        """Wait until all are done."""
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        assert not self.is_busy, f"not done within {seconds} s"

    def stop(self) -> None:
        """Tell all to stop and wait for it."""
        self.stopped.set()
        self.wait(35)


class Arrivals:
    """What has arrived in a Maildir, read once each: Message-IDs by recipient, with repeats."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "new"
        self._seen: set[str] = set()
        self._by_recipient: dict[str, list[str]] = {}

    def look(self) -> Mapping[str, Sequence[str]]:
        """Return the Message-IDs of all mails so far by recipient."""
        for file in self._folder.iterdir() if self._folder.exists() else ():
            if file.name in self._seen:
                continue
            head = file.read_bytes()[:4000]
            name, to = _MESSAGE_ID.search(head), _ENVELOPE_TO.search(head)
            if name is None or to is None:
                continue  # being written
            self._seen.add(file.name)
            self._by_recipient.setdefault(to[1].decode(), []).append(name[1].decode())
        return self._by_recipient

    def wait_for(self, addresses: Sequence[str], seconds: float) -> float:
        """Wait until each address has a mail; return how long it took."""
        began = time.monotonic()
        while missing := [address for address in addresses if address not in self.look()]:
            waited = time.monotonic() - began
            assert waited < seconds, f"{len(missing)} of {len(addresses)} mails missing after {seconds} s"
            time.sleep(0.1)
        return time.monotonic() - began

    def repeats(self, addresses: Sequence[str]) -> int:
        """Return how many mails came more than once; a repeat under another name is an error."""
        found = self.look()
        for address in addresses:
            names = set(found.get(address, ()))
            assert len(names) == 1, f"{address} got {len(names)} different mails"
        return sum(len(found[address]) - 1 for address in addresses)
