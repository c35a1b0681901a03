"""Where an export lies while it is made and until it runs out: a folder of its own, closed to all others."""

import os
import secrets
import shutil
from collections.abc import Callable, Collection, Iterator
from datetime import timedelta
from pathlib import Path

from app.core import clock, outbox, stepwise
from app.core.settings import current_settings

_DISCARD = "exports.discard"
KEPT, REMEMBERED = stepwise.KEPT, stepwise.REMEMBERED
ABANDONED = timedelta(hours=1)
ARCHIVE = "export.zip"
_STREAMED_BYTES = 128 * 1024


Owner = Callable[[Collection[str]], Collection[str]]
OWNERS: list[Owner] = []


def owns_folders(owner: Owner) -> Owner:
    """Register what says which of some folders are an export's still; the others are swept."""
    OWNERS.append(owner)
    return owner


def new_folder() -> str:
    """Return a name that nobody can guess."""
    return secrets.token_hex(24)


def folder_of(name: str) -> Path:
    """Return an export's folder, whether it is there or not."""
    return _root() / name


def archive_of(name: str) -> Path:
    """Return the finished file of an export."""
    return folder_of(name) / ARCHIVE


def make(name: str) -> Path:
    """Make an export's folder, for nobody but us."""
    _root().mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = folder_of(name)
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all, readable by us alone."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def stream(path: Path) -> Iterator[bytes]:
    """Yield a file piece by piece."""
    with path.open("rb") as file:
        while piece := file.read(_STREAMED_BYTES):
            yield piece


def discard_after_commit(name: str) -> None:
    """Promise to delete an export's files once the transaction that lets go of them is committed."""
    outbox.promise(_DISCARD, {"folder": name})


def folders_older_than(seconds: float) -> list[str]:
    """Return the names of folders that were not touched for a while."""
    root = _root()
    if not root.is_dir():
        return []
    before = clock.of_machine() - seconds
    return [entry.name for entry in root.iterdir() if entry.stat().st_mtime < before]


def _root() -> Path:
    return current_settings().instance / "files" / "exports"


@outbox.handler(_DISCARD)
def _discard(claimed: outbox.Claimed) -> outbox.Act:
    folder = folder_of(Path(str(claimed.payload["folder"])).name)

    def act() -> outbox.Payload:
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            raise outbox.NotNow("the folder is still there")
        return {}

    return act
