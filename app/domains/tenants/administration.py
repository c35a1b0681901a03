"""Every organization of the instance, for the platform's admins, and what state each is in."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from app.core.access import Access, Actor, operation
from app.core.db import db, is_named
from app.core.ids import Ref
from app.core.lines import one_line
from app.core.paging import CursorPage, CursorWindow, Page, Window, keyset, paginate
from app.domains.accounts import emails
from app.domains.accounts.models import User
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.billing import operations as billing
from app.domains.billing.models import Subscription
from app.domains.billing.queries import Standing, standing_of
from app.domains.email import mails
from app.domains.permissions.roles import Role
from app.domains.tenants import standing
from app.domains.tenants.models import Membership, MembershipStatus, Tenant, TenantStatus
from app.domains.tenants.queries import TenantNotFound

REASON_LENGTH = 500


@dataclass(frozen=True)
class TenantRow:
    """One organization as the platform's admins see it in their list."""

    tenant: Tenant
    standing: Standing
    member_count: int


@dataclass(frozen=True)
class TenantDetails:
    """One organization as its page in the console tells of it."""

    row: TenantRow
    owners: Sequence[User]


@operation(Access.PLATFORM_ADMIN)
def all_tenants(
    actor: Actor, *, window: Window, status: TenantStatus | None = None, search: str = ""
) -> Page[TenantRow]:
    """Return the organizations of the instance, newest first.

    :param search: any part of name, slug or billing address, regardless of case
    """
    found = paginate(_rows().where(*_narrowed(status, search)).order_by(Tenant.id.desc()), window)
    return Page([_row(row) for row in found.items], found.total, window)


@operation(Access.PLATFORM_ADMIN)
def find(
    actor: Actor, *, window: CursorWindow, status: TenantStatus | None = None, search: str = ""
) -> CursorPage[TenantRow]:
    """Return the same list by cursor: two queries, however many there are.

    :raises BadCursor: if the cursor was not given out for this list
    """
    query = sa.select(Tenant).where(*_narrowed(status, search))
    found = keyset(query, window, name="platform.tenants", newest_first=[Tenant.id])
    chosen = _rows().where(Tenant.id.in_([tenant.id for tenant in found.items]))
    rows = db.session.execute(chosen.order_by(Tenant.id.desc())).all() if found.items else ()
    return CursorPage([_row(row) for row in rows], found.next_cursor)


@operation(Access.PLATFORM_ADMIN)
def sheet(actor: Actor, *, tenant: Ref) -> TenantDetails:
    """Return one organization with its owners: two queries.

    :raises TenantNotFound: if there is none
    """
    found = db.session.execute(_rows().where(is_named(Tenant, tenant))).one_or_none()
    if found is None:
        raise TenantNotFound
    return TenantDetails(_row(found), db.session.scalars(_owners_of(found[0].id)).all())


def _narrowed(status: TenantStatus | None, search: str) -> Sequence[sa.ColumnElement[bool]]:
    narrowed: list[sa.ColumnElement[bool]] = [Tenant.erased_at.is_(None)]
    if status is not None:
        narrowed.append(Tenant.status == status)
    if search:
        columns = (Tenant.name, Tenant.slug, Tenant.billing_email)
        narrowed.append(sa.or_(*(column.icontains(search, autoescape=True) for column in columns)))
    return narrowed


@operation(Access.PLATFORM_ADMIN)
def set_status(actor: Actor, *, tenant: Ref, status: TenantStatus, reason: str | None = None) -> TenantRow:
    """Suspend, close or open an organization; its people feel it at their next call there.

    Closing ends its subscription with the period, opening it again begins on dev without a new trial.
    The same status again keeps the newer reason and mails nobody.

    :raises TenantNotFound: if there is none
    :raises ValidationFailed: at reason
    """
    if reason is not None:
        reason = one_line(reason, field="reason", most=REASON_LENGTH)
    found = db.session.scalar(
        sa.select(Tenant).where(is_named(Tenant, tenant), Tenant.erased_at.is_(None)).with_for_update()
    )
    if found is None:
        raise TenantNotFound
    before, changed = found.status, status is not found.status
    if changed or reason:
        found.status, found.status_reason = status, reason or None
        record(
            actor,
            AuditKind.TENANT_STATUS_CHANGED,
            subject=("tenant", found.id),
            tenant_id=found.id,
            changes={"status": {"from": str(before), "to": str(status)}, "reason": reason},
        )
    if changed:
        _follow(found, before)
        _tell(found)
    db.session.flush()  # the row is read anew with what hangs on it
    return _row(db.session.execute(_rows().where(Tenant.id == found.id)).one())


def _follow(tenant: Tenant, before: TenantStatus) -> None:
    if tenant.status is TenantStatus.ARCHIVED:
        billing.end(tenant_id=tenant.id)
    elif before is TenantStatus.ARCHIVED:
        billing.fall_back(tenant_id=tenant.id)
    elif before is TenantStatus.SUSPENDED and tenant.is_active:
        db.session.flush()  # billing looks at the row
        billing.go_on(tenant_id=tenant.id)
    standing.changed(tenant, before)


def _tell(tenant: Tenant) -> None:
    owners = db.session.scalars(_owners_of(tenant.id))
    told = {emails.key_of(owner.email): (owner.email, owner.greeting) for owner in owners}
    if tenant.billing_email:
        told.setdefault(emails.key_of(tenant.billing_email), (tenant.billing_email, "there"))
    for address, name in told.values():
        mails.organization_status(
            address,
            first_name=name,
            tenant_name=tenant.name,
            status=str(tenant.status),
            reason=tenant.status_reason or "none",
        )


def _owners_of(tenant_id: int) -> sa.Select[tuple[User]]:
    return (
        sa.select(User)
        .join(Membership, Membership.user_id == User.id)
        .where(
            Membership.tenant_id == tenant_id,
            Membership.role == Role.OWNER,
            Membership.status == MembershipStatus.ACTIVE,
        )
        .order_by(User.id)
    )


def _rows() -> sa.Select[tuple[Tenant, Subscription, int]]:
    members = (
        sa.select(sa.func.count())
        .where(Membership.tenant_id == Tenant.id, Membership.status == MembershipStatus.ACTIVE)
        .correlate(Tenant)
        .scalar_subquery()
    )
    return sa.select(Tenant, Subscription, members).outerjoin(
        Subscription, Subscription.tenant_id == Tenant.id
    )


def _row(row: sa.Row[tuple[Tenant, Subscription, int]]) -> TenantRow:
    tenant, subscription, members = row
    return TenantRow(tenant, standing_of(subscription), members)
