"""What an organization is given back for time it paid and did not use, and the invoices it settles."""

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.domains.billing.models import Credit, Invoice, InvoiceStatus, Subscription
from app.domains.billing.periods import part_of


def balance(tenant_id: int, currency: str) -> int:
    """Return how much credit an organization has in a currency."""
    total = sa.select(sa.func.coalesce(sa.func.sum(Credit.amount), 0))
    mine = (Credit.tenant_id == tenant_id, Credit.currency == currency)
    return int(db.session.scalar(total.where(*mine)) or 0)


def unused_of(subscription: Subscription) -> tuple[Invoice, int] | None:
    """Return the invoice of the running time and what of it lies ahead; None where nothing was owed."""
    now = clock.now()
    query = (
        sa.select(Invoice)
        .where(
            Invoice.subscription_uid == subscription.uid,
            Invoice.period_start <= now,
            Invoice.period_end > now,
            Invoice.status.in_((InvoiceStatus.OPEN, InvoiceStatus.PAID)),
        )
        .order_by(Invoice.id.desc())
        .limit(1)
    )
    found = db.session.scalar(query)
    if found is None:
        return None
    whole = (found.period_start, found.period_end)
    return found, part_of(found.total, (now, found.period_end), whole)


def give_back_unused(subscription: Subscription) -> int:
    """Credit what of the running time lies ahead; what is open is settled by it first. Returns the amount."""
    found = unused_of(subscription)
    if found is None or found[1] == 0:
        return 0
    invoice, amount = found
    _note(invoice, subscription.tenant_id, amount)
    for one in _open_invoices(subscription.tenant_id, invoice):
        use(one, subscription.tenant_id)
    return amount


def use(invoice: Invoice, tenant_id: int) -> None:
    """Settle an open invoice as far as the organization's credit goes."""
    available = balance(tenant_id, invoice.currency)
    used = min(available, invoice.due)
    if used <= 0:
        return
    _note(invoice, tenant_id, -used)
    invoice.credited += used
    if invoice.due == 0:
        invoice.status, invoice.closed_at = InvoiceStatus.PAID, clock.now()


def return_used(invoice: Invoice, tenant_id: int) -> None:
    """Give the credit back that an invoice used which is void now."""
    if invoice.credited:
        _note(invoice, tenant_id, invoice.credited)


def _note(invoice: Invoice, tenant_id: int, amount: int) -> None:
    db.session.add(
        Credit(tenant_id=tenant_id, currency=invoice.currency, amount=amount, invoice_id=invoice.id)
    )
    db.session.flush()  # the balance is summed up by the database


def _open_invoices(tenant_id: int, first: Invoice) -> list[Invoice]:
    """Return what is open in the currency of an invoice: that one first, then the oldest."""
    query = sa.select(Invoice).where(
        Invoice.tenant_id == tenant_id,
        Invoice.status == InvoiceStatus.OPEN,
        Invoice.currency == first.currency,
    )
    return list(db.session.scalars(query.order_by(Invoice.id != first.id, Invoice.id)))
