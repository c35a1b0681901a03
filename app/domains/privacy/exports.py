"""Asking for a copy of one's data, seeing how far it is, and fetching it."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa

from app.core import clock, stepwise
from app.core.access import Access, Actor, operation
from app.core.buckets import DATA_EXPORTS
from app.core.db import db
from app.core.personal import Leaver, on_erasure
from app.core.stepwise import ExportNotFound, Sheet
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.privacy import files, making
from app.domains.privacy.models import DataExport
from app.domains.sessions.proofs import require_strong
from app.domains.settings import budgets


@dataclass(frozen=True)
class Fetched:
    """A finished export on its way to the person."""

    name: str
    """What it is saved as."""
    path: Path
    size: int
    media_type: str = "application/zip"

    def stream(self) -> Iterator[bytes]:
        """Yield the file piece by piece."""
        return files.stream(self.path)


def visible(actor: Actor) -> sa.Select[tuple[DataExport]]:
    """Select the actor's own exports: nobody sees another's."""
    return sa.select(DataExport).where(DataExport.user_id == actor.user_id)


@operation(Access.INTERACTIVE)
def my_exports(actor: Actor) -> Sequence[Sheet[DataExport]]:
    """Return the actor's latest exports, the newest first."""
    return stepwise.latest(DataExport, visible(actor))


@operation(Access.INTERACTIVE)
def request_export(actor: Actor) -> DataExport:
    """Have a copy made of all that is kept about the actor; a mail says when it can be fetched.

    :raises StepUpRequired: if the last proof of identity is too old or too weak
    :raises ExportUnderWay: while another is being made
    :raises RateLimited: after three in a day
    """
    require_strong(actor)
    own = DataExport.user_id == actor.user_id
    stepwise.require_none_under_way(DataExport, own)
    budgets.spend(DATA_EXPORTS, user=actor.user_id)
    stepwise.give_up_stuck(DataExport, _discard, own)
    export = DataExport(user_id=actor.user_id, folder=files.new_folder(), requested_at=clock.now())
    stepwise.add(making.STEP, export)
    record(actor, AuditKind.USER_EXPORT_REQUESTED, subject=("user", actor.user_id))
    return export


@operation(Access.INTERACTIVE)
def fetch_export(actor: Actor, *, uid: UUID) -> Fetched:
    """Hand an export out, and keep in the trail that it was.

    :raises ExportNotFound: if it is another's, not finished, or has run out
    :raises StepUpRequired: if the last proof of identity is too old or too weak
    """
    export = stepwise.finished(DataExport, visible(actor), uid)
    require_strong(actor)
    path = files.archive_of(export.folder)
    if not path.is_file():
        raise ExportNotFound
    record(
        actor, AuditKind.USER_EXPORT_DOWNLOADED, subject=("user", actor.user_id), changes={"export": str(uid)}
    )
    return Fetched(f"portico-data-{export.finished_at:%Y-%m-%d}.zip", path, path.stat().st_size)


# ---- Its end


def prune() -> int:
    """Let go of exports that nobody goes on with and of those that have run out; returns how many."""
    return stepwise.give_up_stuck(DataExport, _discard) + stepwise.expire(DataExport, _discard)


def _discard(export: DataExport) -> None:
    files.discard_after_commit(export.folder)


@files.owns_folders
def _of_people(there: Collection[str]) -> Collection[str]:
    return db.session.scalars(sa.select(DataExport.folder).where(DataExport.folder.in_(there))).all()


def sweep() -> int:
    """Delete folders that belong to no export any more (a step outlived its person); returns how many."""
    there = files.folders_older_than(files.ABANDONED.total_seconds())
    known = {folder for owner in files.OWNERS for folder in owner(there)}
    lost = [folder for folder in there if folder not in known]
    for folder in lost:
        files.discard_after_commit(folder)
    return len(lost)


@on_erasure
def let_go_of_exports(leaver: Leaver) -> None:
    """Delete the person's exports with their files."""
    for export in db.session.scalars(sa.select(DataExport).where(DataExport.user_id == leaver.user_id)):
        _discard(export)
