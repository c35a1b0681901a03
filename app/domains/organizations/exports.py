"""A copy of all that is an organization's, for its owner and admins: made as a person's export is.

It is made on our disk and lies there for a week, or in the organization's own storage where it has one.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa

from app.core import clock, outbox, stepwise
from app.core.access import Access, Actor, operation
from app.core.buckets import TENANT_EXPORTS
from app.core.db import db
from app.core.links import public_url
from app.core.outbox import Act, Claimed, Payload
from app.core.stepwise import ExportNotFound, ExportState, Sheet
from app.domains.accounts.models import User
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.email import mails
from app.domains.organizations import export_parts
from app.domains.organizations.export_parts import Moved
from app.domains.organizations.holdings import HOLDINGS, parts
from app.domains.organizations.models import TenantExport
from app.domains.privacy import archive, files
from app.domains.privacy.archive import Position
from app.domains.sessions.proofs import require_strong
from app.domains.settings import budgets
from app.domains.tenants.models import Tenant

PAGE = "/organization/closing"
_STEP = "tenant_exports.step"


@dataclass(frozen=True)
class Fetched:
    """A finished export on its way to who asks for it."""

    name: str
    size: int
    source: Path | Moved
    media_type: str = "application/zip"

    def stream(self) -> Iterator[bytes]:
        """Yield the file piece by piece.

        :raises StoreFailed: if the organization's own storage does not give it
        """
        return files.stream(self.source) if isinstance(self.source, Path) else self.source.stream()


def visible(actor: Actor) -> sa.Select[tuple[TenantExport]]:
    """Select the exports of the actor's organization, whoever of its heads asked for them."""
    return sa.select(TenantExport).where(TenantExport.tenant_id == actor.tenant_id)


@operation(Access.TENANT_ADMIN)
def latest(actor: Actor) -> Sequence[Sheet[TenantExport]]:
    """Return the organization's latest exports, the newest first."""
    return stepwise.latest(TenantExport, visible(actor))


@operation(Access.TENANT_ADMIN)
def request(actor: Actor) -> TenantExport:
    """Have a copy made of all that is the organization's; a mail says when it can be fetched.

    :raises StepUpRequired: if the last proof of identity is too old or too weak
    :raises ExportUnderWay: while another is being made
    :raises RateLimited: after three in a day
    """
    require_strong(actor)
    own = TenantExport.tenant_id == actor.tenant_id
    stepwise.require_none_under_way(TenantExport, own)
    budgets.spend(TENANT_EXPORTS, tenant=actor.tenant_id)
    stepwise.give_up_stuck(TenantExport, _discard, own)
    export = TenantExport(
        tenant_id=actor.tenant_id,
        requested_by_user_id=actor.user_id,
        folder=files.new_folder(),
        requested_at=clock.now(),
    )
    stepwise.add(_STEP, export)
    record(actor, AuditKind.TENANT_EXPORT_REQUESTED, subject=("tenant", actor.tenant_id))
    return export


@operation(Access.TENANT_ADMIN)
def fetch(actor: Actor, *, uid: UUID) -> Fetched:
    """Hand an export out, and keep in the trail that it was.

    :raises ExportNotFound: if it is another organization's, not finished, or has run out
    :raises StepUpRequired: if the last proof of identity is too old or too weak
    """
    export = stepwise.finished(TenantExport, visible(actor), uid)
    require_strong(actor)
    source = export_parts.moved(export) or files.archive_of(export.folder)
    if isinstance(source, Path) and not source.is_file():
        raise ExportNotFound
    record(
        actor,
        AuditKind.TENANT_EXPORT_DOWNLOADED,
        subject=("tenant", actor.tenant_id),
        changes={"export": str(uid)},
    )
    return Fetched(f"organization-{export.finished_at:%Y-%m-%d}.zip", export.size or 0, source)


# ---- making it


@outbox.handler(_STEP)
def _make_a_step(claimed: Claimed) -> Act:
    export = stepwise.current(TenantExport, claimed)
    if export is None:
        return dict  # erased, given up, or taken by another promise
    if export_parts.is_moving(export):
        return export_parts.move_one(export)
    folder, position, all_parts = export.folder, Position.read(export.position), parts()
    if position.is_end(all_parts):
        about = _contents(db.session.get_one(Tenant, export.tenant_id), export)
        place_id = export_parts.place_of(export.tenant_id)
        return lambda: {"finished": archive.seal_up(folder, position, about), "place": place_id}
    part = all_parts[position.part]
    rows = part.read(export.tenant_id, position.after, archive.BATCH)
    return lambda: archive.step(folder, position, rows, part).kept()


@outbox.sequel(_STEP)
def _write_progress_down(claimed: Claimed, kept: Payload) -> None:
    export = stepwise.current(TenantExport, claimed)
    if export is None or not kept:
        return
    if "moved" in kept:
        if export_parts.keep_one(export, kept):
            files.discard_after_commit(export.folder)
            export.position = {}
            _finish(export, export.size or 0)
            return
    elif "finished" in kept:
        if kept["place"] is None:
            _finish(export, int(kept["finished"]))
            return
        export_parts.begin(export, place_id=int(kept["place"]), size=int(kept["finished"]))
    else:
        position = Position.read(dict(kept))
        export.state, export.position = ExportState.MAKING, position.kept()
        export.progress = position.progress(parts())
    stepwise.begin(_STEP, export)


@outbox.on_failure(_STEP)
def _note_failure(claimed: Claimed, error: Exception, is_given_up: bool) -> None:
    export = stepwise.current(TenantExport, claimed)
    if export is not None and is_given_up:
        moving = export_parts.is_moving(export) and isinstance(error, outbox.NotNow)
        export.why = "storage:unreachable" if moving else "internal"
        stepwise.give_up(export)
        _discard(export)


def _finish(export: TenantExport, size: int) -> None:
    until = stepwise.finish(export, size=size)
    person = db.session.get(User, export.requested_by_user_id) if export.requested_by_user_id else None
    if person is None:
        return
    mails.organization_export_ready(
        person.email,
        first_name=person.greeting,
        tenant_name=db.session.get_one(Tenant, export.tenant_id).name,
        tenant_id=export.tenant_id,
        expires_at=until,
        link=public_url(PAGE),
    )


def _contents(tenant: Tenant, export: TenantExport) -> str:
    missing = [f"{name}: {one.hidden_because}" for name, one in HOLDINGS.items() if one.hidden_because]
    lines = [
        f"This is what is kept of {tenant.name} ({tenant.slug}).",
        f"Asked for: {export.requested_at.isoformat()}",
        f"Made: {clock.now().isoformat()}",
        "",
        "Times are UTC. Lists are there twice: as JSON, and as CSV for a spreadsheet.",
        "Passwords, codes, keys and tokens are not in here: only their hashes are kept, or they are sealed.",
        "",
        *(f"{part.name}: {part.about}" for part in parts()),
        "",
        "Not in here:",
        *missing,
    ]
    return "\n".join(lines) + "\n"


# ---- what ends by itself


def prune() -> int:
    """Let go of exports that nobody goes on with and of those that have run out; returns how many."""
    return stepwise.give_up_stuck(TenantExport, _discard) + stepwise.expire(TenantExport, _discard)


def _discard(export: TenantExport) -> None:
    files.discard_after_commit(export.folder)
    export_parts.discard(export)


@files.owns_folders
def _of_organizations(there: Collection[str]) -> Collection[str]:
    return db.session.scalars(sa.select(TenantExport.folder).where(TenantExport.folder.in_(there))).all()
