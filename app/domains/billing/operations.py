"""What begins and ends with a plan."""

from datetime import timedelta

import sqlalchemy as sa

from app.core import clock
from app.core.access import Actor
from app.core.db import db
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.billing.models import Subscription, SubscriptionStatus
from app.domains.billing.plans import DEV
from app.domains.settings import queries as settings


def end(*, tenant_id: int) -> None:
    """End an organization's subscription with its period: it is closed, nothing is renewed."""
    subscription = _of(tenant_id)
    if subscription is not None and subscription.status is not SubscriptionStatus.NONE:
        subscription.status = SubscriptionStatus.CANCELLED


def fall_back(*, tenant_id: int) -> None:
    """Put an organization that comes back on dev, without a new trial."""
    subscription = _of(tenant_id)
    if subscription is not None:
        subscription.plan_code, subscription.status = DEV.code, SubscriptionStatus.NONE
        subscription.period_start, subscription.period_end = clock.now(), None


def _of(tenant_id: int) -> Subscription | None:
    return db.session.scalar(sa.select(Subscription).where(Subscription.tenant_id == tenant_id))


def begin(actor: Actor, *, tenant_id: int) -> Subscription:
    """Put a new organization on its trial, or on dev where ``billing.trial_days`` is 0."""
    wanted = settings.values(["billing.trial_days", "billing.trial_plan"])
    days, now = int(str(wanted["billing.trial_days"])), clock.now()
    if days == 0:
        subscription = Subscription(
            tenant_id=tenant_id, plan_code=DEV.code, status=SubscriptionStatus.NONE, period_start=now
        )
        db.session.add(subscription)
        return subscription
    ends = now + timedelta(days=days)
    subscription = Subscription(
        tenant_id=tenant_id,
        plan_code=str(wanted["billing.trial_plan"]),
        status=SubscriptionStatus.TRIALING,
        trial_started_at=now,
        trial_ends_at=ends,
        period_start=now,
        period_end=ends,
    )
    db.session.add(subscription)
    record(
        actor,
        AuditKind.SUBSCRIPTION_TRIAL_STARTED,
        subject=("tenant", tenant_id),
        tenant_id=tenant_id,
        changes={"plan": subscription.plan_code, "ends_at": ends.isoformat()},
    )
    return subscription
