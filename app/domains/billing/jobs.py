"""What happens to plans by themselves: each organization's part is promised and done on its own."""

from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa

from app.core import clock, outbox
from app.core.access import system
from app.core.db import db
from app.core.jobs import job
from app.core.links import public_url
from app.core.outbox import Claimed
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.billing.customers import Customer, hold, readers
from app.domains.billing.models import Invoice, InvoiceStatus, Subscription, SubscriptionStatus
from app.domains.billing.operations import put_on_dev
from app.domains.billing.plans import DEV, PLANS
from app.domains.billing.queries import is_over
from app.domains.billing.renewing import COLLECT, RENEWED, chase, renew
from app.domains.email import mails
from app.domains.permissions.roles import HEADS

_EXPIRE = "trials.expire"
_AHEAD = timedelta(days=3)
_ENDING = (SubscriptionStatus.TRIALING, SubscriptionStatus.CANCELLED)


@job(COLLECT, every=timedelta(days=1))
def collect() -> int:
    """Have every organization looked at whose next month begins, or who owes something that is overdue."""
    now = clock.now()
    ending = sa.select(Subscription.tenant_id).where(
        Subscription.status.in_(RENEWED), Subscription.invoiced_until <= now
    )
    late = sa.select(Invoice.tenant_id).where(
        Invoice.status == InvoiceStatus.OPEN, Invoice.due_at < now, Invoice.tenant_id.is_not(None)
    )
    found: Sequence[int] = db.session.scalars(sa.union(ending, late)).all()
    for tenant_id in found:
        outbox.promise(COLLECT, {"tenant_id": tenant_id})
    return len(found)


@outbox.effect(COLLECT)
def _collect(claimed: Claimed) -> None:
    tenant_id = int(claimed.payload["tenant_id"])
    chase(tenant_id)
    renew(tenant_id)


@job(_EXPIRE, every=timedelta(hours=1))
def expire() -> int:
    """Have every organization looked at whose trial or cancelled plan ends, or is about to."""
    now = clock.now()
    over = sa.select(Subscription.tenant_id).where(
        Subscription.status.in_(_ENDING), Subscription.period_end <= now
    )
    near = sa.select(Subscription.tenant_id).where(
        Subscription.status == SubscriptionStatus.TRIALING,
        Subscription.period_end <= now + _AHEAD,
        Subscription.trial_notice_at.is_(None),
    )
    found: Sequence[int] = db.session.scalars(sa.union(over, near)).all()
    for tenant_id in found:
        outbox.promise(_EXPIRE, {"tenant_id": tenant_id})
    return len(found)


@outbox.effect(_EXPIRE)
def _expire(claimed: Claimed) -> None:
    customer, now = hold(int(claimed.payload["tenant_id"])), clock.now()
    query = sa.select(Subscription).where(Subscription.tenant_id == customer.tenant_id).with_for_update()
    subscription = db.session.scalar(query.execution_options(populate_existing=True))
    if subscription is None or subscription.period_end is None:
        return
    if is_over(subscription.status, subscription.period_end):
        _end(subscription)
    elif (
        subscription.status is SubscriptionStatus.TRIALING
        and subscription.trial_notice_at is None
        and subscription.period_end <= now + _AHEAD
    ):
        subscription.trial_notice_at = now
        _tell_ending(customer, subscription)


def _end(subscription: Subscription) -> None:
    before, over = subscription.plan_code, subscription.period_end or clock.now()
    put_on_dev(subscription, over)
    record(
        system(_EXPIRE),
        AuditKind.SUBSCRIPTION_CHANGED,
        subject=("tenant", subscription.tenant_id),
        tenant_id=subscription.tenant_id,
        changes={"plan": {"from": before, "to": DEV.code}, "ended_at": over.isoformat()},
    )


def _tell_ending(customer: Customer, subscription: Subscription) -> None:
    ends = subscription.period_end or clock.now()
    if not customer.is_active:
        return
    for reader in readers(customer, *HEADS):
        mails.trial_end_notice(
            reader.email,
            first_name=reader.first_name,
            tenant_name=customer.name,
            days_left=max(1, -((clock.now() - ends) // timedelta(days=1))),
            plan_name=PLANS[subscription.plan_code].name,
            ends_at=ends,
            link=public_url("/organization/plan"),
        )
