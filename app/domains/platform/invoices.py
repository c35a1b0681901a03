"""Every invoice of the instance, for the platform's admins, and what became of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from app.core.access import Access, Actor, operation
from app.core.db import db
from app.core.errors import ValidationFailed
from app.core.languages import Sentence
from app.core.lines import one_line
from app.core.paging import CursorPage, CursorWindow, keyset
from app.domains.billing.invoice_queries import Shown, shown
from app.domains.billing.invoices import close
from app.domains.billing.models import Invoice, InvoiceStatus
from app.domains.sessions.proofs import require_strong
from app.domains.tenants.former_slugs import goes_by
from app.domains.tenants.models import Tenant

REASON_LENGTH = 500


@dataclass(frozen=True)
class Found:
    """A part of the list, and whose each invoice is."""

    page: CursorPage[Invoice]
    tenants: Mapping[int, Tenant]


@operation(Access.PLATFORM_ADMIN)
def find(
    actor: Actor,
    *,
    window: CursorWindow,
    status: InvoiceStatus | None = None,
    overdue: bool = False,
    search: str = "",
) -> Found:
    """Return the invoices of the instance, the newest first: two queries, however many there are.

    :param search: any part of a number, or the short name of an organization
    :raises BadCursor: if the cursor was not given out for this list
    """
    query = sa.select(Invoice)
    if status is not None:
        query = query.where(Invoice.status == status)
    if overdue:
        query = query.where(Invoice.status == InvoiceStatus.OPEN, Invoice.overdue_at.is_not(None))
    if search:
        named = sa.select(Tenant.id).where(goes_by(search.lower()))
        number = Invoice.number.icontains(search, autoescape=True)
        query = query.where(sa.or_(number, Invoice.tenant_id.in_(named)))
    found = keyset(query, window, name="platform.invoices", newest_first=[Invoice.id])
    whose = {invoice.tenant_id for invoice in found.items}
    tenants = db.session.scalars(sa.select(Tenant).where(Tenant.id.in_(whose))) if whose else ()
    return Found(found, {tenant.id: tenant for tenant in tenants})


@operation(Access.PLATFORM_ADMIN)
def one(actor: Actor, *, invoice_uid: UUID) -> tuple[Shown, Tenant | None]:
    """Return an invoice and whose it is.

    :raises InvoiceNotFound: if there is none
    """
    found = shown(db.session.scalar(_named(invoice_uid)))
    tenant_id = found.invoice.tenant_id
    return found, None if tenant_id is None else db.session.get(Tenant, tenant_id)


@operation(Access.PLATFORM_ADMIN)
def settle(actor: Actor, *, invoice_uid: UUID, status: InvoiceStatus, reason: str | None = None) -> Invoice:
    """Mark an open invoice paid, void or written off; the last two ask for a reason.

    :raises StepUpRequired: by who asks
    :raises ValidationFailed: at status, reason
    :raises InvoiceNotFound, InvoiceClosed: if there is none, or it is not open
    """
    require_strong(actor)
    if status is InvoiceStatus.OPEN:
        raise ValidationFailed({"status": [Sentence("Choose one.")]})
    reason = one_line(reason or "", field="reason", most=REASON_LENGTH)
    if status is not InvoiceStatus.PAID and not reason:
        raise ValidationFailed({"reason": [Sentence("Say why.")]})
    return close(actor, found=db.session.scalar(_named(invoice_uid)), status=status, reason=reason)


def _named(invoice_uid: UUID) -> sa.Select[tuple[Invoice]]:
    return sa.select(Invoice).where(Invoice.uid == invoice_uid)
