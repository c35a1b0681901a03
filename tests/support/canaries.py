"""Every secret that the tests type or are given, and the search for it wherever it must not be.

Calls note what they send and get by the names of the fields. At the end a running instance is searched: its
files, its logs, its database, its Valkey, and every mail but the one that carries the secret.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import redis
import sqlalchemy as sa

from tests.support.live import LiveInstance

_TYPED = frozenset(
    {"password", "new_password", "current_password", "admin_password", "password_confirmation"}
)
_TOKENS = frozenset(
    {"token", "access_token", "refresh_token", "temp_token", "login_token", "verification_token"}
    | {"batch_token", "secret"}
)
_CODES = frozenset({"code", "otp", "two_factor_code", "codes", "backup_codes"})
_NAMES = frozenset({"code"})
"""What is called so in an answer is the name of something: a permission, a task, a plan."""
_LEAST = 8
"""Shorter ones (six digits) stand in times and numbers by chance: they are looked for as whole values."""
_ELSEWHERE = frozenset({"mail", "instance.env", "run.json"})
"""Where secrets belong: the mailbox itself, the instance's own keys."""


@dataclass
class Canaries:
    """Secrets by value, each with the name it was seen under."""

    seen: dict[str, str] = field(default_factory=dict)

    def note(self, sent: Any, answered: Any = None) -> None:
        """Note what is secret in the body of a request and in that of its answer."""
        for body, secrets in (
            (sent, _TYPED | _TOKENS | _CODES),
            (answered, _TYPED | _TOKENS | _CODES - _NAMES),
        ):
            for name, value in _leaves(body):
                if name == "qr_code_uri" and (secret := re.search(r"secret=([A-Z2-7]+)", value)):
                    self.seen[secret[1]] = "secret"
                elif name in secrets:
                    self.seen[value if len(value) >= _LEAST else f'"{value}"'] = name

    def note_cookie(self, header: str) -> None:
        """Note a session's cookie."""
        if found := re.search(r"session_id=([^;]{20,})", header):
            self.seen[found[1]] = "session_id"

    def found_in(self, instance: LiveInstance) -> list[str]:
        """Search an instance; returns where which kind of secret was found, never its value."""
        found = [f"{where}: {name}" for where, text in _places(instance) for name in self._names_in(text)]
        return sorted({*found, *self._in_mails(instance)})

    def _names_in(self, text: str) -> list[str]:
        written = (
            (name, {value, quote(value)}) for value, name in self.seen.items()
        )  # mostly one and the same
        return [name for name, ways in written if any(way in text for way in ways)]

    def _in_mails(self, instance: LiveInstance) -> Iterator[str]:
        carriers: dict[str, list[str]] = defaultdict(list)
        for mail in instance.mail.all():
            text = f"{mail.text}\n{unquote(mail.text)}"
            for value in self.seen:
                if value in text:
                    carriers[value].append(mail.subject)
        for value, subjects in carriers.items():
            name = self.seen[value]
            if name in _TYPED or name in ("secret", "access_token", "session_id") or len(subjects) > 1:
                yield f"mails {subjects}: {name}"


CANARIES = Canaries()
"""Those of this process: its tests share one running instance."""


def _leaves(body: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(body, Mapping):
        for key, value in body.items():
            yield from _leaves(value, _snake(str(key)))
    elif isinstance(body, list | tuple):
        for value in body:
            yield from _leaves(value, name)
    elif isinstance(body, str) and body:
        yield name, body


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])[A-Z]", lambda found: "_" + found[0].lower(), name)


def _places(instance: LiveInstance) -> Iterator[tuple[str, str]]:
    yield from _files(instance.folder)
    yield from _tables(instance)
    yield from _keys(instance)


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield logs, a SQLite database as it lies on the disk, Valkey's files, whatever else is kept."""
    for path in folder.rglob("*"):
        place = path.relative_to(folder)
        if path.is_file() and place.parts[0] not in _ELSEWHERE:
            yield f"file {place}", path.read_bytes().decode("latin-1")


def _tables(instance: LiveInstance) -> Iterator[tuple[str, str]]:
    address = instance.database_url or f"sqlite:///{instance.folder / 'portico.db'}"
    engine = sa.create_engine(re.sub("^postgresql:", "postgresql+psycopg:", address))
    with engine.connect() as connection:
        for table in sa.inspect(connection).get_table_names():
            rows = connection.execute(sa.text(f'SELECT * FROM "{table}"')).mappings()
            yield f"table {table}", "\n".join(json.dumps(dict(row), default=_plain) for row in rows)
    engine.dispose()


def _plain(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes | memoryview) else str(value)


def _keys(instance: LiveInstance) -> Iterator[tuple[str, str]]:
    address = instance.settings.get("REDIS_URL") or f"unix://{instance.folder / 'valkey.sock'}"
    if urlsplit(address).scheme == "unix" and not Path(urlsplit(address).path).exists():
        return
    client = redis.Redis.from_url(address)
    for key in client.scan_iter(count=1000):
        yield "valkey", f"{key!r} {client.dump(key)!r}"
    client.close()
