"""What begins and ends with a plan."""

from datetime import timedelta

from app.core import clock
from app.core.access import Actor
from app.core.db import db
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.billing.models import Subscription, SubscriptionStatus
from app.domains.billing.plans import DEV
from app.domains.settings import queries as settings


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
