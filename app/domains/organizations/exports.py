"""A copy of all that is an organization's, for its owner and admins: made as a person's export is.

It is made on our disk and lies there for a week, or in the organization's own storage where it has one.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa

from app.core import clock, outbox, stepwise
from app.core.access import Access, Actor, operation
from app.core.buckets import TENANT_EXPORTS
from app.core.db import db
from app.core.environments import Environment
from app.core.links import public_url
from app.core.outbox import Act, Claimed, Payload
from app.core.stepwise import ExportNotFound, Sheet
from app.domains.accounts.models import User
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.email import mails
from app.domains.organizations import export_parts
from app.domains.organizations.export_parts import Moved
from app.domains.organizations.holdings import HOLDINGS, parts
from app.domains.organizations.models import TenantExport
from app.domains.privacy import archive, files
from app.domains.sessions.proofs import require_strong
from app.domains.settings import budgets
from app.domains.storage import stores
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
    about = partial(_contents, export)
    return archive.next_step(export, whose=export.tenant_id, parts=parts(), about=about)


@outbox.sequel(_STEP)
def _write_progress_down(claimed: Claimed, kept: Payload) -> None:
    export = stepwise.current(TenantExport, claimed)
    if export is None or not kept:
        return
    size = _moved_on(export, kept) if "moved" in kept else _written_on(export, kept)
    if size is None:
        stepwise.begin(_STEP, export)
    else:
        _finish(export, size)


def _written_on(export: TenantExport, kept: Payload) -> int | None:
    """Note a step of the archive; returns its size once it is whole and stays with us."""
    size = archive.note(export, kept, parts())
    place_id = None if size is None else stores.place_now(export.tenant_id, Environment.PROD)
    if size is None or place_id is None:
        return size
    export_parts.begin(export, place_id=place_id, size=size)
    return None


def _moved_on(export: TenantExport, kept: Payload) -> int | None:
    """Note a part that was moved; returns the archive's size once that was the last."""
    if not export_parts.keep_one(export, kept):
        return None
    files.discard_after_commit(export.folder)
    export.position = {}
    return export.size or 0


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


def _contents(export: TenantExport) -> str:
    tenant = db.session.get_one(Tenant, export.tenant_id)
    missing = [f"{name}: {one.hidden_because}" for name, one in HOLDINGS.items() if one.hidden_because]
    return archive.contents(
        f"This is what is kept of {tenant.name} ({tenant.slug}).", export, parts(), missing
    )


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
