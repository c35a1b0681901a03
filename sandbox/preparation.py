"""Migrations and demo data: done when something is to be done, and remembered in the instance."""

import asyncio
import hashlib
import json
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.instance import CannotStart, Instance
from sandbox.processes import Child

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Preparation:
    """Brings the database of an instance to the newest shape and puts the demo organization into it once."""

    instance: Instance
    environment: Mapping[str, str]

    @property
    def _stamp(self) -> Path:
        return self.instance.folder / "prepared.json"

    def is_due(self) -> bool:
        """Say whether the database may be without a migration or the demo data.

        Only the instance's own SQLite file can be known without asking: nobody else changes it.
        """
        return not self._has_own_file() or self._read() != self._state()

    async def carry_out(self) -> None:
        """Run the migrations and, the first time, the seed.

        :raises CannotStart: with the end of the log, if one fails
        """
        seeded = self._read().get("database") == self._state()["database"] and (
            bool(self._database) or self._has_own_file()
        )
        self._stamp.unlink(missing_ok=True)
        await self._flask("db upgrade", *([] if seeded else ["seed"]))
        self._stamp.write_text(json.dumps(self._state()), encoding="utf-8")

    def _has_own_file(self) -> bool:
        return not self._database and (self.instance.folder / "portico.db").exists()

    async def _flask(self, *commands: str) -> None:
        child = Child(
            name="prepare",
            command=[sys.executable, "-m", "sandbox.commands", *commands],
            environment=self.environment,
            log=self.instance.logs / "prepare.log",
            folder=ROOT,
            dies_by=signal.SIGTERM,
        )
        await child.start()
        try:
            code = await child.process.wait() if child.process else 1
        except asyncio.CancelledError:
            await child.stop()
            raise
        if code != 0:
            raise CannotStart(f"The database could not be prepared:\n{child.last_lines()}")

    @property
    def _database(self) -> str:
        return self.environment.get("DATABASE_URL", "") or self.instance.values.get("DATABASE_URL", "")

    def _state(self) -> dict[str, str]:
        names = sorted(file.name for file in (ROOT / "migrations").glob("versions/*.py"))
        return {
            "migrations": hashlib.sha256("\n".join(names).encode()).hexdigest(),
            "database": hashlib.sha256(self._database.encode()).hexdigest(),
        }

    def _read(self) -> dict[str, str]:
        try:
            values = json.loads(self._stamp.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return values if isinstance(values, dict) else {}
