"""An instance: its folder, the file of its settings and secrets, its ports and its lock."""

import base64
import fcntl
import io
import json
import os
import secrets
import socket
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_PORT = 8000
_LOOPBACK = "127.0.0.1"
_FIRST_SANDBOX_PORT = 8025
_FIRST_SMTP_PORT = 2525
_PORTS_TRIED = 200


class CannotStart(Exception):
    """The instance cannot be started; the text is for the person at the terminal."""


@dataclass
class Instance:
    """Where an instance keeps its data, and what its settings file says."""

    folder: Path
    values: dict[str, str] = field(default_factory=dict)
    _locks: list[io.TextIOWrapper] = field(default_factory=list, repr=False)

    @property
    def settings_file(self) -> Path:
        """Return the file that the product reads below the process environment."""
        return self.folder / "instance.env"

    @property
    def state_file(self) -> Path:
        """Return the file that tells addresses and process ids while the instance runs."""
        return self.folder / "run.json"

    @property
    def logs(self) -> Path:
        """Return the folder of the children's logs."""
        return self.folder / "log"

    @property
    def mail(self) -> Path:
        """Return the Maildir of the SMTP sandbox."""
        return self.folder / "mail"

    def save(self) -> None:
        """Write the settings file anew, readable by its owner alone."""
        lines = [f"{name}={value}" for name, value in self.values.items()]
        _write_private(
            self.settings_file,
            "# Made at the first start; the process environment wins.\n" + "\n".join(lines) + "\n",
        )

    def write_state(self, state: Mapping[str, object]) -> None:
        """Tell other programs of this machine where the instance is and which processes it has."""
        _write_private(self.state_file, json.dumps(state, indent=1) + "\n")

    def close(self) -> None:
        """Forget what was true while it ran, and let another supervisor have the folder."""
        self.state_file.unlink(missing_ok=True)
        for lock in self._locks:
            if Path(lock.name).parent != self.folder:
                Path(lock.name).unlink(missing_ok=True)  # a port's; it leaves nothing in the temp folder
            lock.close()

    def claim(self, port: int) -> bool:
        """Take a port of the loopback address for this instance; say whether it was to be had.

        The lock keeps two copies that start at the same moment from choosing the same one.
        """
        lock = _lock(Path(tempfile.gettempdir()) / f"portico-{os.getuid()}-port-{port}.lock")
        if lock is None:
            return False
        if not port_is_free(port):
            lock.close()
            return False
        self._locks.append(lock)
        return True


def open_instance(folder: Path, environment: Mapping[str, str]) -> Instance:
    """Make or open the instance in folder and settle its ports.

    :raises CannotStart: if it runs already, or its port is taken
    """
    instance = Instance(folder=folder.resolve())
    try:
        for part in (instance.folder, instance.logs):
            part.mkdir(mode=0o700, parents=True, exist_ok=True)
        _take_folder(instance)
    except OSError as error:
        raise CannotStart(f"The data folder {instance.folder} cannot be used: {error.strerror}.") from error
    instance.values = {**_fresh_secrets(), **_read(instance.settings_file)}
    _settle_ports(instance, environment)
    instance.save()
    return instance


def port_is_free(port: int) -> bool:
    """Say whether nobody listens on this port of the loopback address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_LOOPBACK, port))
        except OSError:
            return False
    return True


def _lock(file: Path) -> io.TextIOWrapper | None:
    lock = file.open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _take_folder(instance: Instance) -> None:
    lock = _lock(instance.folder / "lock")
    if lock is not None:
        instance._locks.append(lock)
        return
    where = ""
    try:
        where = f" at {json.loads(instance.state_file.read_text())['portal']}"
    except (OSError, ValueError, KeyError):
        pass  # it is just starting
    raise CannotStart(
        f"The instance in {instance.folder} runs already{where}. "
        "For a second one beside it: INSTANCE=another-folder make run"
    )


def _fresh_secrets() -> dict[str, str]:
    def key() -> str:
        return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")

    return {
        "APP_ENV": "development",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "SIGNING_KEYS": f"k1:{key()}",
        "SEALING_KEYS": f"k1:{key()}",
        "METRICS_TOKEN": secrets.token_urlsafe(32),
        "SMTP_HOST": _LOOPBACK,
        "SMTP_SECURITY": "none",
        "MAIL_FROM": "Portico <portico@portico.example>",
    }


def _settle_ports(instance: Instance, environment: Mapping[str, str]) -> None:
    values = instance.values
    port = _web_port(instance, environment.get("PORT", ""))
    values["PORT"] = str(port)
    values["PUBLIC_URL"] = f"http://localhost:{port}"  # a name: passkeys belong to no bare address
    values["SMTP_PORT"] = str(_kept_or_free(instance, values.get("SMTP_PORT", ""), _FIRST_SMTP_PORT))
    kept = values.get("SANDBOX_URL", "").rpartition(":")[2]
    values["SANDBOX_URL"] = f"http://{_LOOPBACK}:{_kept_or_free(instance, kept, _FIRST_SANDBOX_PORT)}"


def _web_port(instance: Instance, wanted: str) -> int:
    if not wanted:
        return _first_free(instance, DEFAULT_PORT)
    if not wanted.isdigit() or not 0 < int(wanted) < 65536:
        raise CannotStart(f"PORT={wanted} is no port number.")
    if not instance.claim(int(wanted)):
        raise CannotStart(
            f"Port {wanted} is taken or may not be used. Choose another one: PORT=8001 make run"
        )
    return int(wanted)


def _kept_or_free(instance: Instance, kept: str, first: int) -> int:
    return int(kept) if kept.isdigit() and instance.claim(int(kept)) else _first_free(instance, first)


def _first_free(instance: Instance, first: int) -> int:
    for port in range(first, first + _PORTS_TRIED):
        if instance.claim(port):
            return port
    raise CannotStart(f"No free port between {first} and {first + _PORTS_TRIED}.")


def _read(file: Path) -> dict[str, str]:
    if not file.exists():
        return {}
    lines = (line.strip() for line in file.read_text(encoding="utf-8").splitlines())
    pairs = (line.split("=", 1) for line in lines if line and not line.startswith("#") and "=" in line)
    return {name.strip(): value.strip() for name, value in pairs}


def _write_private(file: Path, text: str) -> None:
    scratch = file.with_name(file.name + ".new")
    scratch.touch(mode=0o600)
    scratch.write_text(text, encoding="utf-8")
    scratch.replace(file)
