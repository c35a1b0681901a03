"""Asking for a copy of one's data, seeing how far it is, and fetching it."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.core import clock, stepwise
from app.core.access import Access, Actor, operation
from app.core.buckets import DATA_EXPORTS
from app.core.db import db, read, rows_changed
from app.core.errors import Conflict, NotFound
from app.core.personal import Leaver, on_erasure
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.privacy import files, making
from app.domains.privacy.models import UNDER_WAY, DataExport, ExportState
from app.domains.sessions.proofs import require_strong
from app.domains.settings import budgets

_SHOWN = 5


class ExportNotFound(NotFound):
    code, message = "export:not_found", "There is no such export."


class ExportUnderWay(Conflict):
    code, message = "export:under_way", "An export is being made already."


@dataclass(frozen=True)
class ExportSheet:
    """An export as its person sees it."""

    export: DataExport
    given_up: bool
    """Whether nobody goes on with it, though it is not marked so yet."""

    @property
    def state(self) -> ExportState:
        """Return how it is; one that has run out is over before the files are gone."""
        over = self.export.expires_at is not None and self.export.expires_at <= clock.now()
        if self.export.state is ExportState.READY and over:
            return ExportState.EXPIRED
        return ExportState.FAILED if self.given_up else self.export.state

    @property
    def is_under_way(self) -> bool:
        """Say whether it is being made."""
        return self.state in UNDER_WAY


@dataclass(frozen=True)
class Fetched:
    """A finished export on its way to the person."""

    path: Path
    size: int
    made_at: datetime

    def stream(self) -> Iterator[bytes]:
        """Yield the file piece by piece."""
        return files.stream(self.path)


def visible(actor: Actor) -> sa.Select[tuple[DataExport]]:
    """Select the actor's own exports: nobody sees another's."""
    return sa.select(DataExport).where(DataExport.user_id == actor.user_id)


@operation(Access.INTERACTIVE)
def my_exports(actor: Actor) -> Sequence[ExportSheet]:
    """Return the actor's latest exports, the newest first."""
    latest = (
        visible(actor)
        .add_columns(stepwise.nobody_goes_on(DataExport))
        .order_by(DataExport.id.desc())
        .limit(_SHOWN)
    )
    return [ExportSheet(export, bool(given_up)) for export, given_up in db.session.execute(latest).all()]


@operation(Access.INTERACTIVE)
def request_export(actor: Actor) -> DataExport:
    """Have a copy made of all that is kept about the actor; a mail says when it can be fetched.

    :raises StepUpRequired: if the last proof of identity is too old or too weak
    :raises ExportUnderWay: while another is being made
    :raises RateLimited: after three in a day
    """
    require_strong(actor)
    if read(
        sa.select(DataExport.id).where(
            DataExport.user_id == actor.user_id, stepwise.is_being_made(DataExport)
        )
    ):
        raise ExportUnderWay
    budgets.spend(DATA_EXPORTS, user=actor.user_id)
    give_up_stuck(user_id=actor.user_id)
    export = DataExport(user_id=actor.user_id, folder=files.new_folder(), requested_at=clock.now())
    try:
        with db.session.begin_nested():
            db.session.add(export)
            db.session.flush()  # one under way a person: of two at once one is made; also generates the id
    except IntegrityError as error:
        raise ExportUnderWay from error
    making.begin(export)
    record(actor, AuditKind.USER_EXPORT_REQUESTED, subject=("user", actor.user_id))
    return export


@operation(Access.INTERACTIVE)
def fetch_export(actor: Actor, *, uid: UUID) -> Fetched:
    """Hand an export out, and keep in the trail that it was.

    :raises ExportNotFound: if it is another's, not finished, or has run out
    :raises StepUpRequired: if the last proof of identity is too old or too weak
    """
    export = db.session.scalar(visible(actor).where(DataExport.uid == uid))
    if export is None or export.state is not ExportState.READY:
        raise ExportNotFound
    if export.expires_at is None or export.expires_at <= clock.now():
        raise ExportNotFound
    require_strong(actor)
    path = files.archive_of(export.folder)
    if not path.is_file():
        raise ExportNotFound
    record(
        actor, AuditKind.USER_EXPORT_DOWNLOADED, subject=("user", actor.user_id), changes={"export": str(uid)}
    )
    return Fetched(path, path.stat().st_size, export.finished_at or clock.now())


def give_up_stuck(*, user_id: int | None = None) -> int:
    """Mark exports failed whose step was given up, so that another can be asked for; returns how many."""
    stuck = sa.select(DataExport).where(stepwise.nobody_goes_on(DataExport))
    if user_id is not None:
        stuck = stuck.where(DataExport.user_id == user_id)
    found = db.session.scalars(stuck).all()
    for export in found:
        stepwise.give_up(export)
        files.discard_after_commit(export.folder)
    db.session.flush()  # before another is added beside them
    return len(found)


def expire() -> int:
    """Mark exports that have run out and let go of their files; returns how many."""
    now = clock.now()
    over = sa.update(DataExport).where(DataExport.state == ExportState.READY, DataExport.expires_at <= now)
    found = db.session.scalars(
        over.values(state=ExportState.EXPIRED)
        .returning(DataExport.folder)
        .execution_options(synchronize_session=False)
    ).all()
    for folder in found:
        files.discard_after_commit(folder)
    old = sa.delete(DataExport).where(DataExport.requested_at < now - files.REMEMBERED)
    rows_changed(old.where(DataExport.state.not_in((*UNDER_WAY, ExportState.READY))))
    return len(found)


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
    of_person = sa.select(DataExport.folder).where(DataExport.user_id == leaver.user_id)
    for folder in db.session.scalars(of_person).all():
        files.discard_after_commit(folder)
