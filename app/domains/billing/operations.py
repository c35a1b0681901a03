"""What begins, changes and ends with a plan."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from app.core import clock, ids
from app.core.access import Access, Actor, NotOnBehalf, operation
from app.core.db import db
from app.core.errors import Conflict, Refused, ValidationFailed
from app.core.languages import Sentence
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.billing import crediting
from app.domains.billing.capacity import require_room
from app.domains.billing.customers import Customer, hold, readers
from app.domains.billing.invoices import overdue_since
from app.domains.billing.models import Subscription, SubscriptionStatus
from app.domains.billing.periods import after_months
from app.domains.billing.plans import DEV, Plan, plan_named
from app.domains.billing.queries import Running, running
from app.domains.billing.renewing import invoice_next, renew
from app.domains.email import mails
from app.domains.permissions.roles import Role
from app.domains.settings import queries as settings

MOST_AGREED = 100_000_000_00
"""The dearest month that can be agreed on, in the smallest unit."""
_LONGEST_TERM = timedelta(days=3660)
_RUNNING = (SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE, SubscriptionStatus.NONE)


class NotPurchasable(Refused):
    code, message = "plan:not_purchasable", "This plan cannot be bought online."


class PaymentOverdue(Conflict):
    code, message = "subscription:payment_overdue", "Pay the overdue invoice first."


# ---- what its people choose


@operation(Access.TENANT_ADMIN)
def subscribe(actor: Actor, *, plan_code: str) -> Running:
    """Put the actor's organization on a plan; a paid one is invoiced at once, what is unused is credited.

    The plan it is on already changes nothing. Of many at once one changes it.

    :raises NotOnBehalf: support buys nothing in anybody's name
    :raises PlanNotFound: if there is none
    :raises NotPurchasable: if it is by agreement only
    :raises PaymentOverdue: while an older invoice is past due
    :raises OverLimit: if more is in use than it allows
    """
    if actor.impersonator is not None:
        raise NotOnBehalf(layer="platform")
    plan, customer = plan_named(plan_code), hold(actor.tenant_id or 0)
    subscription = _held(customer.tenant_id)
    now = running(subscription)
    if now.plan is plan and now.standing.status in _RUNNING:
        return now
    if not (plan.purchasable or plan is DEV):
        raise NotPurchasable
    if overdue_since(customer.tenant_id) is not None:
        raise PaymentOverdue
    require_room(customer.tenant_id, plan)
    return _change(actor, customer, subscription, plan)


# ---- what the platform's admins agree on


def agree(
    actor: Actor, *, tenant_id: int, plan_code: str, until: datetime | None = None, price: int | None = None
) -> Running:
    """Put an organization on any plan, until a day and for a price a month; the same again changes nothing.

    :param until: one month on if nothing is said; afterwards it goes on from month to month
    :param price: in the smallest unit of ``billing.currency``; None for the plan's own
    :raises PlanNotFound: if there is none
    :raises ValidationFailed: at end_date, price
    :raises OverLimit: if more is in use than it allows
    """
    plan = plan_named(plan_code)
    _check_terms(plan, until, price)
    customer = hold(tenant_id)
    subscription = _held(tenant_id)
    now = running(subscription)
    same = now.plan is plan and now.standing.status in _RUNNING and subscription.price == price
    if same and until in (None, subscription.period_end):
        return now
    require_room(tenant_id, plan)
    return _change(actor, customer, subscription, plan, until=until, price=price)


def _check_terms(plan: Plan, until: datetime | None, price: int | None) -> None:
    now = clock.now()
    if until is not None and not now < until <= now + _LONGEST_TERM:
        raise ValidationFailed({"end_date": [Sentence("Give a moment to come, within ten years.")]})
    if price is not None and not 0 <= price <= MOST_AGREED:
        raise ValidationFailed({"price": [Sentence("Give a price from 0 on.")]})
    if plan is DEV and (until is not None or price):
        field = "price" if price else "end_date"
        raise ValidationFailed({field: [Sentence("The free plan has neither price nor end.")]})


# ---- what happens to it


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


def end(*, tenant_id: int) -> None:
    """End an organization's subscription with its period: it is closed, nothing is renewed."""
    subscription = _of(tenant_id)
    if subscription is not None and subscription.status is not SubscriptionStatus.NONE:
        subscription.status = SubscriptionStatus.CANCELLED


def fall_back(*, tenant_id: int) -> None:
    """Put an organization that comes back on dev, without a new trial."""
    subscription = _of(tenant_id)
    if subscription is not None:
        put_on_dev(subscription, clock.now())


def go_on(*, tenant_id: int) -> None:
    """Let a suspended organization's subscription go on: what it could not use is not invoiced."""
    subscription = _of(tenant_id)
    now = clock.now()
    if subscription is None or subscription.invoiced_until is None or subscription.invoiced_until >= now:
        return
    subscription.anchored_at = subscription.period_start = now
    subscription.period_end, subscription.invoiced_until = after_months(now, 1), now
    renew(tenant_id)


def put_on_dev(subscription: Subscription, since: datetime) -> None:
    """Make a subscription one of the free plan, from a moment on; it is another one then."""
    subscription.uid = ids.new_uid()
    subscription.plan_code, subscription.status = DEV.code, SubscriptionStatus.NONE
    subscription.period_start, subscription.period_end = since, None
    subscription.anchored_at = subscription.invoiced_until = subscription.price = None


def _change(
    actor: Actor,
    customer: Customer,
    subscription: Subscription,
    plan: Plan,
    *,
    until: datetime | None = None,
    price: int | None = None,
) -> Running:
    """Begin another subscription in place of the one there is; what is unused of that one is credited."""
    now, before = clock.now(), running(subscription).plan.code
    crediting.give_back_unused(subscription)
    put_on_dev(subscription, now)
    if plan is not DEV:
        subscription.plan_code, subscription.status = plan.code, SubscriptionStatus.ACTIVE
        subscription.anchored_at = subscription.invoiced_until = now
        subscription.period_end = until or after_months(now, 1)
        subscription.price = price
        subscription.currency = settings.text("billing.currency")
    changed = running(subscription)
    _record_change(actor, subscription, before, changed)
    if plan is not DEV:
        invoice_next(actor, customer, subscription)
    _tell_started(customer, changed)
    return changed


def _record_change(actor: Actor, subscription: Subscription, before: str, changed: Running) -> None:
    ends = changed.standing.ends_at
    changes = {
        "plan": [before, subscription.plan_code],
        "subscription": f"sub_{subscription.uid.hex}",
        "ends_at": ends and ends.isoformat(),
        "price": subscription.price,
        "currency": subscription.currency,
    }
    record(
        actor,
        AuditKind.SUBSCRIPTION_CHANGED,
        subject=("tenant", subscription.tenant_id),
        tenant_id=subscription.tenant_id,
        changes=changes,
    )


def _tell_started(customer: Customer, changed: Running) -> None:
    for reader in readers(customer, Role.OWNER):
        mails.subscription_start(
            reader.email,
            first_name=reader.first_name,
            tenant_name=customer.name,
            plan_name=changed.plan.name,
            interval="monthly",
            period_end=changed.standing.ends_at or clock.now(),
        )


def _of(tenant_id: int) -> Subscription | None:
    return db.session.scalar(sa.select(Subscription).where(Subscription.tenant_id == tenant_id))


def _held(tenant_id: int) -> Subscription:
    """Return the subscription of an organization that is held, as it is now; every one has one."""
    query = sa.select(Subscription).where(Subscription.tenant_id == tenant_id).with_for_update()
    found = db.session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        found = Subscription(
            tenant_id=tenant_id, plan_code=DEV.code, status=SubscriptionStatus.NONE, period_start=clock.now()
        )
        db.session.add(found)
        db.session.flush()  # generate its uid
    return found
