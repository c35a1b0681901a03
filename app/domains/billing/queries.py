"""What an organization may use now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.db import db
from app.domains.billing.models import Subscription, SubscriptionStatus
from app.domains.billing.periods import next_month
from app.domains.billing.plans import DEV, IN_ORDER, PLANS, Plan

_ENDING = (SubscriptionStatus.TRIALING, SubscriptionStatus.CANCELLED)
"""Those that fall back to dev when their period is over."""


@dataclass(frozen=True)
class Standing:
    """The plan in force at this moment; a trial that is over has fallen back to dev."""

    plan: Plan
    status: SubscriptionStatus
    ends_at: datetime | None
    trial_ends_at: datetime | None

    @property
    def trial_days_left(self) -> int:
        """Return the days left of a running trial, begun ones counted as whole; 0 where none runs."""
        if self.status is not SubscriptionStatus.TRIALING or self.trial_ends_at is None:
            return 0
        return max(0, -((clock.now() - self.trial_ends_at) // timedelta(days=1)))


@dataclass(frozen=True)
class Running:
    """A subscription as whoever has it sees it."""

    uid: UUID
    starts_at: datetime
    standing: Standing

    @property
    def plan(self) -> Plan:
        """Return the plan in force."""
        return self.standing.plan


def visible(actor: Actor) -> sa.Select[tuple[Subscription]]:
    """Select the subscription of the organization the actor works in."""
    return sa.select(Subscription).where(Subscription.tenant_id == actor.tenant_id)


@operation(Access.TENANT)
def standing(actor: Actor) -> Standing:
    """Return what the actor's organization has now."""
    return standing_of(db.session.scalar(visible(actor)))


def standing_of(subscription: Subscription | None) -> Standing:
    """Return what a subscription amounts to at this moment."""
    if subscription is None:
        return Standing(DEV, SubscriptionStatus.NONE, None, None)
    over = subscription.period_end
    if over is not None and is_over(subscription.status, over):
        return Standing(DEV, SubscriptionStatus.NONE, end_of_month(over), subscription.trial_ends_at)
    return Standing(
        PLANS[subscription.plan_code],
        subscription.status,
        subscription.period_end or end_of_month(subscription.period_start),
        subscription.trial_ends_at,
    )


def running(subscription: Subscription) -> Running:
    """Return a subscription as it stands at this moment; one that is over began anew, on dev, at its end."""
    found, over = standing_of(subscription), subscription.period_end
    fell_back = over is not None and is_over(subscription.status, over)
    return Running(subscription.uid, over if over and fell_back else subscription.period_start, found)


@operation(Access.TENANT)
def plans(actor: Actor) -> Sequence[Plan]:
    """Return the plans an organization can have: cheapest first, those by agreement last."""
    return IN_ORDER


def plan_of(code: str | None, status: SubscriptionStatus | None, period_end: datetime | None) -> Plan:
    """Return the plan in force, of what a subscription says: dev where there is none or its end has come."""
    return DEV if code is None or is_over(status, period_end) else PLANS[code]


def is_over(status: SubscriptionStatus | None, period_end: datetime | None) -> bool:
    """Say whether a subscription's time has ended, so that it counts as dev."""
    return status in _ENDING and period_end is not None and period_end <= clock.now()


def limit_of(tenant_id: int, name: str) -> int | None:
    """Return a limit of an organization's plan now; None is no bound."""
    subscription = db.session.scalar(sa.select(Subscription).where(Subscription.tenant_id == tenant_id))
    return standing_of(subscription).plan.limits[name]


def end_of_month(start: datetime) -> datetime:
    """Return when the running month ends, of those that roll on from ``start``: 31 January, 28 February."""
    return next_month(start, clock.now())
