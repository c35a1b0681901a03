"""Files that the product keeps: under names of its own, written whole or not at all, deleted after a commit.

The rest of the product knows only ``Store``; another one (S3, Azure) takes the disk's place here.
"""

import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from app.core import clock, outbox
from app.core.settings import current_settings

_KEY = re.compile(r"[a-z]{3,20}/[0-9a-f]{2}/[0-9a-f]{32}\.[a-z0-9]{1,8}")
_DELETE = "file.delete"


@dataclass(frozen=True)
class Stored:
    """One file that is there."""

    key: str
    age_seconds: float


class StoreFailed(Exception):
    """A store did not do what was asked; ``why`` is one word.

    unreachable, no_such_bucket, access_denied, wrong_region or timeout.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Store(Protocol):
    """Where files are kept. A key is made by ``new_key``: no caller's name is ever part of one."""

    def put(self, key: str, content: bytes) -> None:
        """Keep a file; once this returns it outlives a loss of power."""

    def get(self, key: str) -> bytes | None:
        """Return a file's content, None if it is not there."""

    def delete(self, key: str) -> None:
        """Delete a file; one that is not there is deleted already."""

    def listed(self, folder: str) -> Iterator[Stored]:
        """Yield the files of a folder."""


class LocalStore:
    """Files on this machine's disk."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, key: str, content: bytes) -> None:
        """Write beside the place, make it durable, then move it there in one step."""
        path = self._path(key)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)

    def get(self, key: str) -> bytes | None:
        """Read a file."""
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError:
            return None

    def delete(self, key: str) -> None:
        """Unlink a file."""
        self._path(key).unlink(missing_ok=True)

    def listed(self, folder: str) -> Iterator[Stored]:
        """Walk a folder; a file begun and never finished is taken away on the way."""
        now = clock.now().timestamp()
        for path in (self._root / folder).rglob("*"):
            with suppress(FileNotFoundError):
                if not path.is_file():
                    continue
                age = now - path.stat().st_mtime
                if not path.name.startswith(".new-"):
                    yield Stored(path.relative_to(self._root).as_posix(), age)
                elif age > _ABANDONED_SECONDS:
                    path.unlink()

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError("not a key of ours")
        return self._root / key


_ABANDONED_SECONDS = 3600


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def store() -> Store:
    """Return where this instance keeps its files."""
    return LocalStore(current_settings().instance / "files")


def new_key(folder: str, ending: str) -> str:
    """Return a name that nobody can guess, e.g. ``pictures/3f/3f…c1.webp``."""
    name = secrets.token_hex(16)
    return f"{folder}/{name[:2]}/{name}.{ending}"


def delete_after_commit(key: str) -> None:
    """Promise to delete a file once the running transaction, which lets go of it, is committed."""
    outbox.promise(_DELETE, {"key": key})


@outbox.handler(_DELETE)
def _delete(claimed: outbox.Claimed) -> outbox.Act:
    key = str(claimed.payload["key"])

    def act() -> outbox.Payload:
        store().delete(key)
        return {"key": key}

    return act
