"""A copy of all that is an organization's, for its owner and admins: made as a person's export is."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.core import clock, outbox
from app.core.access import Access, Actor, operation
from app.core.buckets import TENANT_EXPORTS
from app.core.db import db, read, rows_changed
from app.core.links import public_url
from app.core.outbox import Act, Claimed, OutboxRow, Payload
from app.core.stepwise import ExportNotFound, ExportUnderWay
from app.domains.accounts.models import User
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.email import mails
from app.domains.organizations.holdings import HOLDINGS, parts
from app.domains.organizations.models import TenantExport
from app.domains.privacy import archive, files
from app.domains.privacy.archive import Position
from app.domains.privacy.exports import Fetched
from app.domains.privacy.models import UNDER_WAY, ExportState
from app.domains.sessions.proofs import require_strong
from app.domains.settings import budgets
from app.domains.tenants.models import Tenant

PAGE = "/organization/closing"
_STEP = "tenant_exports.step"
_SHOWN = 5


@dataclass(frozen=True)
class Sheet:
    """An export as owner and admins see it."""

    export: TenantExport
    given_up: bool

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


@operation(Access.TENANT_ADMIN)
def latest(actor: Actor) -> Sequence[Sheet]:
    """Return the organization's latest exports, the newest first."""
    query = sa.select(TenantExport, _given_up()).where(TenantExport.tenant_id == actor.tenant_id)
    rows = db.session.execute(query.order_by(TenantExport.id.desc()).limit(_SHOWN)).all()
    return [Sheet(export, bool(given_up)) for export, given_up in rows]


@operation(Access.TENANT_ADMIN)
def request(actor: Actor) -> TenantExport:
    """Have a copy made of all that is the organization's; a mail says when it can be fetched.

    :raises StepUpRequired: if the last proof of identity is too old or too weak
    :raises ExportUnderWay: while another is being made
    :raises RateLimited: after three in a day
    """
    require_strong(actor)
    under_way = sa.and_(TenantExport.state.in_(UNDER_WAY), ~_given_up())
    if read(sa.select(TenantExport.id).where(TenantExport.tenant_id == actor.tenant_id, under_way)):
        raise ExportUnderWay
    budgets.spend(TENANT_EXPORTS, tenant=actor.tenant_id)
    give_up_stuck(tenant_id=actor.tenant_id)
    export = TenantExport(
        tenant_id=actor.tenant_id,
        requested_by_user_id=actor.user_id,
        folder=files.new_folder(),
        requested_at=clock.now(),
    )
    try:
        with db.session.begin_nested():
            db.session.add(export)
            db.session.flush()  # one under way: of two at once one is made; also generates the id
    except IntegrityError as error:
        raise ExportUnderWay from error
    _promise_step(export)
    record(actor, AuditKind.TENANT_EXPORT_REQUESTED, subject=("tenant", actor.tenant_id))
    return export


@operation(Access.TENANT_ADMIN)
def fetch(actor: Actor, *, uid: UUID) -> Fetched:
    """Hand an export out, and keep in the trail that it was.

    :raises ExportNotFound: if it is another organization's, not finished, or has run out
    :raises StepUpRequired: if the last proof of identity is too old or too weak
    """
    export = db.session.scalar(
        sa.select(TenantExport).where(
            TenantExport.tenant_id == actor.tenant_id,
            TenantExport.uid == uid,
            TenantExport.state == ExportState.READY,
            TenantExport.expires_at > clock.now(),
        )
    )
    if export is None:
        raise ExportNotFound
    require_strong(actor)
    path = files.archive_of(export.folder)
    if not path.is_file():
        raise ExportNotFound
    record(
        actor,
        AuditKind.TENANT_EXPORT_DOWNLOADED,
        subject=("tenant", actor.tenant_id),
        changes={"export": str(uid)},
    )
    return Fetched(f"organization-{export.finished_at:%Y-%m-%d}.zip", path, path.stat().st_size)


# ---- making it


def _promise_step(export: TenantExport) -> None:
    export.step_uid = outbox.promise(_STEP, {"export_id": export.id}).uid


@outbox.handler(_STEP)
def _make_a_step(claimed: Claimed) -> Act:
    export = _current(claimed)
    if export is None:
        return dict  # erased, given up, or taken by another promise
    folder, position, all_parts = export.folder, Position.read(export.position), parts()
    if position.is_end(all_parts):
        about = _contents(db.session.get_one(Tenant, export.tenant_id), export)
        return lambda: {"size": archive.seal_up(folder, position, about)}
    part = all_parts[position.part]
    rows = part.read(export.tenant_id, position.after, archive.BATCH)
    return lambda: archive.step(folder, position, rows, part).kept()


@outbox.sequel(_STEP)
def _write_progress_down(claimed: Claimed, kept: Payload) -> None:
    export = _current(claimed)
    if export is None or not kept:
        return
    if "size" in kept:
        _finish(export, int(kept["size"]))
        return
    position = Position.read(dict(kept))
    export.state, export.position = ExportState.MAKING, position.kept()
    export.progress = position.progress(parts())
    _promise_step(export)


def _current(claimed: Claimed) -> TenantExport | None:
    export = db.session.get(TenantExport, claimed.payload["export_id"])
    if export is None or export.step_uid != claimed.uid or export.state not in UNDER_WAY:
        return None
    return export


def _finish(export: TenantExport, size: int) -> None:
    now = clock.now()
    export.state, export.progress, export.size, export.step_uid = ExportState.READY, 100, size, None
    export.finished_at, export.expires_at = now, now + files.KEPT
    person = db.session.get(User, export.requested_by_user_id) if export.requested_by_user_id else None
    if person is None:
        return
    mails.organization_export_ready(
        person.email,
        first_name=person.greeting,
        tenant_name=db.session.get_one(Tenant, export.tenant_id).name,
        tenant_id=export.tenant_id,
        expires_at=export.expires_at,
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


def _given_up() -> sa.ColumnElement[bool]:
    """Say of an export under way that nobody goes on with it."""
    step = sa.select(OutboxRow.id).where(OutboxRow.uid == TenantExport.step_uid, OutboxRow.dead_at.is_(None))
    return sa.and_(TenantExport.state.in_(UNDER_WAY), ~sa.exists(step))


def give_up_stuck(*, tenant_id: int | None = None) -> int:
    """Mark exports failed whose step was given up, so that another can be asked for; returns how many."""
    stuck = sa.select(TenantExport).where(_given_up())
    if tenant_id is not None:
        stuck = stuck.where(TenantExport.tenant_id == tenant_id)
    found = db.session.scalars(stuck).all()
    for export in found:
        export.state, export.finished_at, export.step_uid = ExportState.FAILED, clock.now(), None
        files.discard_after_commit(export.folder)
    db.session.flush()  # before another is added beside them
    return len(found)


def expire() -> int:
    """Mark exports that have run out and let go of their files; returns how many."""
    now = clock.now()
    over = sa.update(TenantExport).where(
        TenantExport.state == ExportState.READY, TenantExport.expires_at <= now
    )
    found = db.session.scalars(
        over.values(state=ExportState.EXPIRED)
        .returning(TenantExport.folder)
        .execution_options(synchronize_session=False)
    ).all()
    for folder in found:
        files.discard_after_commit(folder)
    old = sa.delete(TenantExport).where(TenantExport.requested_at < now - files.REMEMBERED)
    rows_changed(old.where(TenantExport.state.not_in((*UNDER_WAY, ExportState.READY))))
    return len(found)


@files.owns_folders
def _of_organizations(there: Collection[str]) -> Collection[str]:
    return db.session.scalars(sa.select(TenantExport.folder).where(TenantExport.folder.in_(there))).all()
