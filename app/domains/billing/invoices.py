"""Writing invoices, and closing them: each has the next number of its year, and none is missing."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from app.core import clock, signed
from app.core.access import Actor
from app.core.db import db, is_sqlite
from app.core.errors import Conflict, NotFound
from app.core.links import public_url
from app.core.money import Money
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.billing import crediting
from app.domains.billing.customers import Customer, hold, on_invoices, payers
from app.domains.billing.models import (
    Invoice,
    InvoiceNumber,
    InvoiceStatus,
    Subscription,
    SubscriptionStatus,
)
from app.domains.email import mails
from app.domains.settings import queries as settings

LINK = "invoice"
"""What signed texts that lead to an invoice are for."""
_KINDS = {
    InvoiceStatus.PAID: AuditKind.INVOICE_PAID,
    InvoiceStatus.VOID: AuditKind.INVOICE_VOIDED,
    InvoiceStatus.WRITTEN_OFF: AuditKind.INVOICE_WRITTEN_OFF,
}


class InvoiceNotFound(NotFound):
    code, message = "invoice:not_found", "There is no such invoice."


class InvoiceClosed(Conflict):
    code, message = "invoice:closed", "This invoice is not open any more."


Follower = Callable[[int], None]
_followers: list[Follower] = []


def follows_debts(function: Follower) -> Follower:
    """Register who looks at what an organization owes, each time that it changed or a day went by."""
    _followers.append(function)
    return function


def follow_debts(tenant_id: int) -> None:
    """Let those look who do something about what is overdue, or was."""
    db.session.flush()  # they ask the database
    for follower in _followers:
        follower(tenant_id)


def issue(
    actor: Actor,
    customer: Customer,
    subscription: Subscription,
    *,
    period: tuple[datetime, datetime],
    amount: int,
) -> Invoice:
    """Write an invoice for a time and send it; credit is used for it first. The organization is held."""
    now = clock.now()
    number, currency = _next_number(now.year), str(subscription.currency)
    line = {"plan": subscription.plan_code, "from": period[0].isoformat(), "to": period[1].isoformat()}
    invoice = Invoice(
        tenant_id=customer.tenant_id,
        number=f"INV-{now.year}-{number:06}",
        year=now.year,
        sequence=number,
        subscription_uid=subscription.uid,
        plan_code=subscription.plan_code,
        period_start=period[0],
        period_end=period[1],
        currency=currency,
        lines=[{**line, "amount": amount}],
        total=amount,
        credited=0,
        customer=on_invoices(customer),
        status=InvoiceStatus.OPEN,
        issued_at=now,
        due_at=now + timedelta(days=settings.integer("billing.invoice_due_days")),
    )
    db.session.add(invoice)
    db.session.flush()  # generate its id
    crediting.use(invoice, customer.tenant_id)
    changes = {"number": invoice.number, "total": amount, "currency": currency, "credited": invoice.credited}
    _record(actor, AuditKind.INVOICE_ISSUED, invoice, changes)
    if invoice.due:
        _send(customer, invoice)
    return invoice


def close(
    actor: Actor, *, found: Invoice | None, status: InvoiceStatus, reason: str | None = None
) -> Invoice:
    """Mark an open invoice paid, void or written off; what was suspended or past due for it goes on.

    :raises InvoiceNotFound: if there is none
    :raises InvoiceClosed: if it is not open, also if another was quicker
    """
    if found is None:
        raise InvoiceNotFound
    if found.tenant_id is not None:
        hold(found.tenant_id)
    held = sa.select(Invoice).where(Invoice.id == found.id).with_for_update()
    invoice = db.session.scalars(held.execution_options(populate_existing=True)).one()
    if invoice.status is not InvoiceStatus.OPEN:
        raise InvoiceClosed
    due = invoice.due
    if invoice.tenant_id is not None and status is InvoiceStatus.VOID:
        crediting.return_used(invoice, invoice.tenant_id)
    invoice.status, invoice.closed_at, invoice.reason = status, clock.now(), reason or None
    changes = {"number": invoice.number, "amount": due, "currency": invoice.currency, "reason": reason}
    _record(actor, _KINDS[status], invoice, changes)
    if invoice.tenant_id is not None:
        settle(actor, invoice.tenant_id)
    return invoice


def settle(actor: Actor, tenant_id: int) -> None:
    """Let a subscription go on whose organization owes nothing overdue any more."""
    db.session.flush()  # the invoice just closed is none of those asked for
    if overdue_since(tenant_id) is None:
        query = sa.select(Subscription).where(
            Subscription.tenant_id == tenant_id, Subscription.status == SubscriptionStatus.PAST_DUE
        )
        late = db.session.scalar(query)
        if late is not None:
            change_status(actor, late, SubscriptionStatus.ACTIVE)
    follow_debts(tenant_id)


def change_status(actor: Actor, subscription: Subscription, status: SubscriptionStatus) -> None:
    """Give a subscription another status, and say so in the trail."""
    changes = {"status": [str(subscription.status), str(status)]}
    subscription.status = status
    record(
        actor,
        AuditKind.SUBSCRIPTION_CHANGED,
        subject=("tenant", subscription.tenant_id),
        tenant_id=subscription.tenant_id,
        changes=changes,
    )


def overdue_since(tenant_id: int, *, unenforced: bool = False) -> datetime | None:
    """Return since when the oldest overdue invoice is known to be; None where nothing is overdue.

    :param unenforced: only of those for which the organization was not suspended yet
    """
    late = [
        Invoice.tenant_id == tenant_id,
        Invoice.status == InvoiceStatus.OPEN,
        Invoice.overdue_at.is_not(None),
    ]
    if unenforced:
        late.append(Invoice.enforced_at.is_(None))
    return db.session.scalar(sa.select(sa.func.min(Invoice.overdue_at)).where(*late))


def mark_enforced(tenant_id: int) -> None:
    """Note that the organization is suspended for what is overdue now: it is so once for each invoice."""
    late = (Invoice.tenant_id == tenant_id, Invoice.overdue_at.is_not(None), Invoice.enforced_at.is_(None))
    done = (
        sa.update(Invoice).where(*late, Invoice.status == InvoiceStatus.OPEN).values(enforced_at=clock.now())
    )
    db.session.execute(done.execution_options(synchronize_session=False))


def link_to(invoice: Invoice) -> str:
    """Return the address at which whoever has it sees the invoice and how to pay it."""
    return public_url(f"/invoices/{signed.sign(LINK, [invoice.uid.hex])}")


def money(invoice: Invoice, amount: int) -> Money:
    """Return an amount of an invoice with its currency."""
    return Money(amount, invoice.currency)


def _send(customer: Customer, invoice: Invoice) -> None:
    for reader in payers(customer):
        mails.invoice(
            reader.email,
            first_name=reader.first_name,
            tenant_name=customer.name,
            number=invoice.number,
            amount=money(invoice, invoice.due),
            due_at=invoice.due_at.date(),
            pay_url=link_to(invoice),
        )


def _record(actor: Actor, kind: AuditKind, invoice: Invoice, changes: dict[str, Any]) -> None:
    record(actor, kind, subject=("invoice", invoice.id), tenant_id=invoice.tenant_id, changes=changes)


def _next_number(year: int) -> int:
    """Take the next number of a year: held until the transaction ends, and given back if it fails."""
    insert: Any = (sqlite_insert if is_sqlite() else postgresql_insert)(InvoiceNumber)
    taken = insert.values(year=year, last=1).on_conflict_do_update(
        index_elements=["year"], set_={"last": InvoiceNumber.last + 1}
    )
    return int(db.session.execute(taken.returning(InvoiceNumber.last)).scalar_one())
