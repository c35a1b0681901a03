"""What happens to a paid plan by itself: a month more and its invoice, and what is not paid in time."""

from datetime import datetime

import sqlalchemy as sa

from app.core import clock
from app.core.access import Actor, system
from app.core.db import db
from app.core.links import public_url
from app.core.money import smallest
from app.domains.billing.customers import Customer, hold, readers
from app.domains.billing.invoices import change_status, follow_debts, issue, money
from app.domains.billing.models import Invoice, InvoiceStatus, Subscription, SubscriptionStatus
from app.domains.billing.periods import next_month, part_of
from app.domains.billing.plans import PLANS
from app.domains.email import mails
from app.domains.permissions.roles import Role

COLLECT = "billing.collect"
RENEWED = (SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE)


def price_of(subscription: Subscription) -> int:
    """Return what a subscription costs each month, in the smallest unit of its currency."""
    if subscription.price is not None:
        return subscription.price
    return smallest(PLANS[subscription.plan_code].monthly or 0, str(subscription.currency))


def invoice_next(actor: Actor, customer: Customer, subscription: Subscription) -> None:
    """Write the invoice for the time after what is invoiced: a month, or less up to an agreed end."""
    start, anchor = subscription.invoiced_until, subscription.anchored_at
    if start is None or anchor is None:
        return
    if subscription.period_end is None or start >= subscription.period_end:
        anchor = _renewed(subscription, start, anchor)
    month = (start, next_month(anchor, start))
    end = min(month[1], subscription.period_end or month[1])
    amount = price_of(subscription)
    if end < month[1]:
        amount = part_of(amount, (start, end), month)
    subscription.invoiced_until = end
    if amount > 0:
        issue(actor, customer, subscription, period=(start, end), amount=amount)


def _renewed(subscription: Subscription, start: datetime, anchor: datetime) -> datetime:
    """Begin a new month; after an agreed end they are counted from there on."""
    if subscription.period_end is not None and next_month(anchor, _just_before(start)) != start:
        anchor = subscription.anchored_at = start
    subscription.period_start, subscription.period_end = start, next_month(anchor, start)
    return anchor


def _just_before(moment: datetime) -> datetime:
    return moment - datetime.resolution


def renew(tenant_id: int) -> None:
    """Write the invoices that are due to be written; who is suspended or closed gets none."""
    customer = hold(tenant_id)
    query = sa.select(Subscription).where(Subscription.tenant_id == tenant_id).with_for_update()
    subscription = db.session.scalar(query.execution_options(populate_existing=True))
    if subscription is None or not customer.is_active or subscription.status not in RENEWED:
        return
    now = clock.now()
    while subscription.invoiced_until is not None and subscription.invoiced_until <= now:
        invoice_next(system(COLLECT), customer, subscription)


def chase(tenant_id: int) -> None:
    """Mark what was not paid in time, say so once, and let those look who suspend for it."""
    customer, now = hold(tenant_id), clock.now()
    late = sa.select(Invoice).where(
        Invoice.tenant_id == tenant_id,
        Invoice.status == InvoiceStatus.OPEN,
        Invoice.due_at < now,
        Invoice.overdue_at.is_(None),
    )
    found = db.session.scalars(late.order_by(Invoice.id)).all()
    for invoice in found:
        invoice.overdue_at = now
        _tell_overdue(customer, invoice)
    subscription = db.session.scalar(sa.select(Subscription).where(Subscription.tenant_id == tenant_id))
    if found and subscription is not None and subscription.status is SubscriptionStatus.ACTIVE:
        change_status(system(COLLECT), subscription, SubscriptionStatus.PAST_DUE)
    follow_debts(tenant_id)


def _tell_overdue(customer: Customer, invoice: Invoice) -> None:
    for reader in readers(customer, Role.OWNER):
        mails.payment_failure(
            reader.email,
            first_name=reader.first_name,
            tenant_name=customer.name,
            amount=money(invoice, invoice.due),
            failed_at=invoice.due_at.date(),
            link=public_url("/organization/plan"),
        )
