"""What is asked about plans and invoices: what it costs, what is in use, what was invoiced."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.core import clock, signed
from app.core.access import Access, Actor, operation
from app.core.db import db
from app.core.money import Money, smallest
from app.core.paging import CursorPage, CursorWindow, keyset
from app.core.permissions import Permission
from app.domains.billing import crediting, queries
from app.domains.billing.capacity import InUse, against, in_use
from app.domains.billing.invoices import LINK, InvoiceNotFound, overdue_since
from app.domains.billing.models import Invoice, InvoiceStatus, Subscription, SubscriptionStatus
from app.domains.billing.periods import after_months
from app.domains.billing.plans import DEV, IN_ORDER, PLANS, Plan, plan_named
from app.domains.billing.queries import Running, running
from app.domains.billing.renewing import price_of
from app.domains.settings import queries as settings


@dataclass(frozen=True)
class Choice:
    """A plan as somebody who may choose sees it."""

    plan: Plan
    price: Money | None
    """For a month; None where it is agreed on."""
    uses: Sequence[InUse]
    is_current: bool
    can_be_chosen: bool

    @property
    def too_small_for(self) -> Sequence[InUse]:
        """Return what is in use beyond its limits."""
        return [use for use in self.uses if use.over]


@dataclass(frozen=True)
class Overview:
    """What an organization has, what it costs and what it owes."""

    running: Running
    price: Money
    credit: Money
    open: Money
    is_overdue: bool
    choices: Sequence[Choice]

    @property
    def current(self) -> Choice:
        """Return the plan it is on."""
        return next(choice for choice in self.choices if choice.is_current)


@dataclass(frozen=True)
class Preview:
    """What a change of plan would cost now."""

    choice: Choice
    price: Money
    unused: Money
    credit: Money
    ends_at: datetime | None

    @property
    def settled(self) -> Money:
        """Return how much of the price credit pays."""
        return Money(min(self.price.amount, self.unused.amount + self.credit.amount), self.price.currency)

    @property
    def due(self) -> Money:
        """Return what is left to be paid."""
        return Money(self.price.amount - self.settled.amount, self.price.currency)


@dataclass(frozen=True)
class Shown:
    """An invoice as it is printed."""

    invoice: Invoice
    seller: Sequence[str]
    instructions: Sequence[str]

    @property
    def total(self) -> Money:
        """Return what it is over."""
        return self.money(self.invoice.total)

    def money(self, amount: int) -> Money:
        """Return an amount in its currency."""
        return Money(amount, self.invoice.currency)


def visible(actor: Actor) -> sa.Select[tuple[Invoice]]:
    """Select the invoices of the organization the actor works in."""
    return sa.select(Invoice).where(Invoice.tenant_id == actor.tenant_id)


@operation(Permission.BILLING_VIEW)
def overview(actor: Actor) -> Overview:
    """Return what the actor's organization has of which plan, beside the other plans."""
    subscription = db.session.scalars(queries.visible(actor)).one()
    tenant_id, current = subscription.tenant_id, running(subscription)
    currency = _currency(subscription)
    owed = sa.select(sa.func.coalesce(sa.func.sum(Invoice.total - Invoice.credited), 0))
    unpaid = owed.where(Invoice.tenant_id == tenant_id, Invoice.status == InvoiceStatus.OPEN)
    credit = crediting.balance(tenant_id, currency)
    to_pay = int(db.session.scalar(unpaid.where(Invoice.currency == currency)) or 0)
    if not (subscription.currency or credit or to_pay):  # nothing was ever priced: no currency of its own
        currency = settings.text("localization.currency", tenant_id=tenant_id) or currency
    return Overview(
        running=current,
        price=Money(price_of(subscription) if subscription.currency else 0, currency),
        credit=Money(credit, currency),
        open=Money(to_pay, currency),
        is_overdue=overdue_since(tenant_id) is not None,
        choices=_choices(tenant_id, current),
    )


@operation(Access.TENANT_ADMIN)
def preview(actor: Actor, *, plan_code: str) -> Preview:
    """Return what a plan would cost the actor's organization now, and what is credited.

    :raises PlanNotFound: if there is none
    """
    plan_named(plan_code)
    subscription = db.session.scalars(queries.visible(actor)).one()
    choices = _choices(subscription.tenant_id, running(subscription))
    choice = next(one for one in choices if one.plan.code == plan_code)
    found, currency = crediting.unused_of(subscription), settings.text("billing.currency") or ""
    unused = found[1] if found is not None and found[0].currency == currency else 0
    return Preview(
        choice=choice,
        price=choice.price or Money(0, currency),
        unused=Money(unused, currency),
        credit=Money(crediting.balance(subscription.tenant_id, currency), currency),
        ends_at=None if choice.plan is DEV else after_months(clock.now(), 1),
    )


@operation(Permission.BILLING_VIEW)
def invoices(actor: Actor, *, window: CursorWindow) -> CursorPage[Invoice]:
    """Return the invoices of the actor's organization, the newest first; one query.

    :raises BadCursor: if the cursor was not given out for this list
    """
    return keyset(visible(actor), window, name=f"invoices.{actor.tenant_id}", newest_first=[Invoice.id])


@operation(Permission.BILLING_VIEW)
def one(actor: Actor, *, invoice_uid: UUID) -> Shown:
    """Return one of the organization's invoices.

    :raises InvoiceNotFound: if it is another's, or not there
    """
    return shown(db.session.scalar(visible(actor).where(Invoice.uid == invoice_uid)))


@operation(Access.PUBLIC)
def by_link(actor: Actor, *, token: str) -> Shown:
    """Return the invoice that a mailed link leads to, whoever has it.

    :raises InvoiceNotFound: if the link is none of ours
    """
    values = signed.verify(LINK, token)
    uid = UUID(str(values[0])) if values else None
    return shown(None if uid is None else db.session.scalar(sa.select(Invoice).where(Invoice.uid == uid)))


def shown(invoice: Invoice | None) -> Shown:
    """Return an invoice with what stands on every one.

    :raises InvoiceNotFound: if there is none
    """
    if invoice is None:
        raise InvoiceNotFound
    wanted = settings.values(("billing.seller", "billing.payment_instructions", "instance.name"))
    seller = str(wanted["billing.seller"] or wanted["instance.name"] or "")
    return Shown(invoice, seller.splitlines(), str(wanted["billing.payment_instructions"] or "").splitlines())


def _currency(subscription: Subscription) -> str:
    return subscription.currency or settings.text("billing.currency") or ""


def _choices(tenant_id: int, current: Running) -> Sequence[Choice]:
    used, currency = in_use(tenant_id), settings.text("billing.currency") or ""
    return [
        Choice(
            plan,
            None if plan.monthly is None else Money(smallest(plan.monthly, currency), currency),
            against(used, plan),
            is_current=plan is current.plan,
            can_be_chosen=(plan.purchasable or plan is DEV) and not _runs(plan, current),
        )
        for plan in IN_ORDER
    ]


def _runs(plan: Plan, current: Running) -> bool:
    """Say whether a plan is had already, and not merely tried."""
    return plan is current.plan and current.standing.status is not SubscriptionStatus.TRIALING


def name_of(plan_code: str) -> str:
    """Return what a plan is called; a former one keeps its code."""
    return PLANS[plan_code].name if plan_code in PLANS else plan_code
