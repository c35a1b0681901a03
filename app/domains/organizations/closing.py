"""Closing an organization: asked for by its owner, thought over as long as the platform says, kept or erased.

Until the day it works on as before, under a banner. From the moment erasing begins there is no way back, and
nothing of it is reachable any more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.core import clock, outbox, waiting
from app.core.access import Access, Actor, check, operation, system
from app.core.db import Base, db, rows_changed
from app.core.errors import Conflict, ValidationFailed
from app.core.links import public_url
from app.core.outbox import Claimed
from app.core.signs import HERE, sign
from app.domains.accounts import emails
from app.domains.accounts.models import User
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.billing import operations as billing
from app.domains.billing.person_data import forget_addressees
from app.domains.email import mails
from app.domains.members import seats
from app.domains.members.ranks import as_of_now
from app.domains.organizations.exports import PAGE
from app.domains.organizations.holdings import erased_tables, own_rows
from app.domains.organizations.models import TenantClosing
from app.domains.privacy import files as export_files
from app.domains.sessions.proofs import require_strong
from app.domains.settings import queries as settings
from app.domains.storage import files
from app.domains.storage.models import StoragePlace, StoredFile
from app.domains.tenants import heads
from app.domains.tenants.listing import folded
from app.domains.tenants.models import Membership, MembershipStatus, Tenant, TenantStatus

TOMBSTONE = "Closed organization"
_JOB = "tenants.erase"
_STEP = "tenants.erase_step"
_ROWS_A_STEP = 1000


class AlreadyClosing(Conflict):
    code, message = "tenant:closing", "This organization is being closed already."


class NotClosing(Conflict):
    code, message = "tenant:not_closing", "This organization is not being closed."


@dataclass(frozen=True)
class Standing:
    """How an organization stands with closing."""

    closing: TenantClosing | None
    days: int
    """How long it can be thought over."""


sign("closing", sa.exists().where(TenantClosing.tenant_id == HERE))


@operation(Access.TENANT)
def due_at(actor: Actor) -> datetime | None:
    """Return when the organization is erased, None if nobody asked for it."""
    return db.session.scalar(
        sa.select(TenantClosing.due_at).where(TenantClosing.tenant_id == actor.tenant_id)
    )


@operation(Access.TENANT_ADMIN)
def standing(actor: Actor) -> Standing:
    """Return what owner and admins should know of it."""
    found = sa.select(TenantClosing).where(TenantClosing.tenant_id == actor.tenant_id)
    return Standing(db.session.scalar(found), settings.integer("tenants.deletion_days"))


@operation(Access.TENANT_OWNER)
def request(actor: Actor, *, name: str) -> datetime:
    """Have the organization erased after the waiting period; returns when.

    :param name: the organization's, typed: a second thought before it begins
    :raises ValidationFailed: at ``name``, if it is another
    :raises StepUpRequired: if the last proof of identity is too old or too weak
    :raises AlreadyClosing: if it was asked for already
    """
    if folded(name) != folded(actor.tenant_name):
        raise ValidationFailed({"name": ["This is not the organization's name."]})
    require_strong(actor)
    tenant = seats.hold(actor.tenant_id or 0)
    check(as_of_now(actor), Access.TENANT_OWNER)
    closing = TenantClosing(tenant_id=tenant.id, requested_by_user_id=actor.user_id)
    due = waiting.begin(closing, days=settings.integer("tenants.deletion_days"), or_else=AlreadyClosing)
    record(
        actor,
        AuditKind.TENANT_CLOSING_REQUESTED,
        subject=("tenant", tenant.id),
        changes={"due_at": due.isoformat()},
    )
    _tell(tenant, mails.closing_request, actor_name=actor.name or actor.email, due_at=due, link=_link())
    return due


@operation(Access.TENANT_OWNER)
def keep(actor: Actor) -> None:
    """Keep the organization after all.

    :raises NotClosing: if nobody asked to close it, or erasing has begun
    """
    tenant = seats.hold(actor.tenant_id or 0)
    check(as_of_now(actor), Access.TENANT_OWNER)
    taken = sa.delete(TenantClosing).where(
        TenantClosing.tenant_id == tenant.id, TenantClosing.begun_at.is_(None)
    )
    if not rows_changed(taken):
        raise NotClosing
    record(actor, AuditKind.TENANT_CLOSING_CANCELLED, subject=("tenant", tenant.id))
    _tell(tenant, mails.closing_stop, actor_name=actor.name or actor.email, at=clock.now(), link=_link())


def _link() -> str:
    return public_url(PAGE)


def _tell(tenant: Tenant, mail: Callable[..., None], **own: Any) -> None:
    """Mail owner and admins, and whoever gets the invoices, each once."""
    told = {emails.key_of(one.email): (one.email, one.greeting) for one in heads.to_tell(tenant.id)}
    if tenant.billing_email:
        told.setdefault(emails.key_of(tenant.billing_email), (tenant.billing_email, "there"))
    for address, name in told.values():
        mail(address, first_name=name, tenant_name=tenant.name, tenant_id=tenant.id, **own)


# ---- when the time has come -----------------------------------------------------------------------------


def remind() -> int:
    """Mail those who answer for organizations that are erased within a day, once; returns how many."""
    found = waiting.to_remind(TenantClosing)
    for closing in found:
        tenant = db.session.get_one(Tenant, closing.tenant_id)
        _tell(tenant, mails.closing_reminder, due_at=closing.due_at, link=_link())
    return len(found)


def promise_erasures() -> int:
    """Hand the organizations whose waiting period is over to the workers; returns how many."""
    return waiting.promise_due(TenantClosing.tenant_id, _STEP)


@outbox.effect(_STEP)
def _erase_a_step(claimed: Claimed) -> None:
    """Take one step: out of reach first, then table by table, the name and the short name last."""
    tenant = seats.hold(int(claimed.payload["tenant_id"]))
    closing = db.session.scalar(sa.select(TenantClosing).where(TenantClosing.tenant_id == tenant.id))
    if closing is None or closing.due_at > clock.now():
        return  # kept, or erased by a promise before this one
    if closing.begun_at is None:
        _take_out_of_reach(tenant, closing)
    elif not _erase_some(tenant):
        _bury(tenant, closing)
        return
    closing.promised_at = clock.now()
    outbox.promise(_STEP, {"tenant_id": tenant.id})


def _take_out_of_reach(tenant: Tenant, closing: TenantClosing) -> None:
    closing.begun_at = tenant.erased_at = clock.now()
    tenant.status, tenant.status_reason = TenantStatus.ARCHIVED, None
    billing.end(tenant_id=tenant.id)
    places = sa.update(StoragePlace).where(
        StoragePlace.tenant_id == tenant.id, StoragePlace.replaced_at.is_(None)
    )
    rows_changed(places.values(replaced_at=clock.now()))


def _erase_some(tenant: Tenant) -> bool:
    """Delete as many rows as one step may; say whether there were any."""
    room = _ROWS_A_STEP
    for table in erased_tables():
        before = _BEFORE.get(table.name)
        if before is not None:
            before(tenant, room)
        key = sa.tuple_(*table.primary_key.columns)
        some = sa.select(*table.primary_key.columns).where(*own_rows(table, tenant.id))
        some = some.order_by(*table.primary_key.columns).limit(room)
        room -= rows_changed(sa.delete(table).where(key.in_(some)))
        if room <= 0:
            return True
    return room < _ROWS_A_STEP


def _let_go_of_files(tenant: Tenant, room: int) -> None:
    query = sa.select(StoredFile).where(StoredFile.tenant_id == tenant.id).order_by(StoredFile.id)
    for file in db.session.scalars(query.limit(room)).all():
        files.discard(file)
    db.session.flush()  # rows and promises, before the table is looked at


def _tell_members(tenant: Tenant, room: int) -> None:
    """Mail the people whose memberships go with this step."""
    gone = sa.select(Membership.id).where(Membership.tenant_id == tenant.id).order_by(Membership.id)
    people = (
        sa.select(User)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.id.in_(gone.limit(room)), Membership.status == MembershipStatus.ACTIVE)
        .order_by(User.id)
    )
    for person in db.session.scalars(people).all():
        mails.closing_done(person.email, first_name=person.greeting, tenant_name=tenant.name, at=clock.now())


def _let_go_of_exports(tenant: Tenant, _room: int) -> None:
    table = Base.metadata.tables["tenant_exports"]
    for folder in db.session.scalars(sa.select(table.c.folder).where(table.c.tenant_id == tenant.id)):
        export_files.discard_after_commit(folder)


_BEFORE: dict[str, Callable[[Tenant, int], None]] = {
    "stored_files": _let_go_of_files,
    "memberships": _tell_members,
    "tenant_exports": _let_go_of_exports,
}
"""What is done about rows before they go."""


def _bury(tenant: Tenant, closing: TenantClosing) -> None:
    """Leave a tombstone without a name, and the short name to others."""
    record(system(_JOB), AuditKind.TENANT_ERASED, subject=("tenant", tenant.id), tenant_id=tenant.id)
    db.session.delete(closing)
    forget_addressees(tenant_id=tenant.id)
    tenant.name, tenant.slug = TOMBSTONE, f"closed-{tenant.uid.hex}"
    tenant.billing_email = tenant.setup_completed_at = None
