"""What an organization has of which plan, and until when; what was invoiced for it, and what is credited."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Base, Identified, Numbered, Timed, Words


class SubscriptionStatus(StrEnum):
    """The model's words; each dialect has its own for some of them."""

    NONE = "none"
    INCOMPLETE = "incomplete"
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Subscription(Identified, Timed, Base):
    """An organization's one subscription; a trial that is over counts as plan ``dev`` from that moment on.

    The row stays when the plan changes; what makes it another subscription is its new ``uid``.
    """

    __tablename__ = "subscriptions"
    __table_args__ = (
        sa.Index("ix_subscriptions_invoiced_until", "invoiced_until"),
        sa.Index("ix_subscriptions_status", "status", "period_end"),
    )

    tenant_id: Mapped[int] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"), unique=True)
    plan_code: Mapped[str] = mapped_column(sa.String(20))
    status: Mapped[SubscriptionStatus] = mapped_column(Words(SubscriptionStatus))
    trial_started_at: Mapped[datetime | None]
    trial_ends_at: Mapped[datetime | None]
    period_start: Mapped[datetime]
    period_end: Mapped[datetime | None]
    anchored_at: Mapped[datetime | None]
    """From where paid months are counted: 31 January, 28 February, 31 March."""
    invoiced_until: Mapped[datetime | None]
    """Up to where invoices are written; None where nothing is to be paid."""
    price: Mapped[int | None] = mapped_column(sa.BigInteger)
    """What was agreed for each month, in the smallest unit; None for the plan's own price."""
    currency: Mapped[str | None] = mapped_column(sa.String(3))
    """What it is paid in, as it was when it began."""
    trial_notice_at: Mapped[datetime | None]
    """When it was said that the trial is about to end."""


class InvoiceStatus(StrEnum):
    OPEN = "open"
    PAID = "paid"
    VOID = "void"
    """Written by mistake: nothing was ever owed."""
    WRITTEN_OFF = "written_off"
    """Owed, and given up."""


class Invoice(Identified, Timed, Base):
    """One invoice as it was sent; it outlives its organization, for its number must not be missing.

    Amounts are whole numbers of the currency's smallest unit. Whom it is for is copied from what was set when
    it was written.
    """

    __tablename__ = "invoices"
    __table_args__ = (
        sa.UniqueConstraint("year", "sequence"),
        sa.UniqueConstraint("subscription_uid", "period_start"),
        sa.Index("ix_invoices_tenant", "tenant_id", "id"),
        sa.Index("ix_invoices_status", "status", "due_at"),
    )

    tenant_id: Mapped[int | None] = mapped_column(sa.ForeignKey("tenants.id", ondelete="SET NULL"))
    number: Mapped[str] = mapped_column(sa.String(30), unique=True)
    year: Mapped[int] = mapped_column(sa.SmallInteger)
    sequence: Mapped[int]
    subscription_uid: Mapped[UUID]
    plan_code: Mapped[str] = mapped_column(sa.String(20))
    period_start: Mapped[datetime]
    period_end: Mapped[datetime]
    currency: Mapped[str] = mapped_column(sa.String(3))
    lines: Mapped[Sequence[Mapping[str, Any]]] = mapped_column(sa.JSON)
    """Each a plan, the month it is for, and an amount."""
    total: Mapped[int] = mapped_column(sa.BigInteger)
    credited: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    """How much of it is settled by credit."""
    customer: Mapped[dict[str, Any]]
    """Name, lines of the address, tax number, order reference, e-mail address."""
    status: Mapped[InvoiceStatus] = mapped_column(Words(InvoiceStatus), default=InvoiceStatus.OPEN)
    issued_at: Mapped[datetime]
    due_at: Mapped[datetime]
    overdue_at: Mapped[datetime | None]
    """When it was found unpaid after its due date."""
    enforced_at: Mapped[datetime | None]
    """When the organization was suspended for it."""
    closed_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(sa.String(500))
    """Why it is void or written off; how it was paid."""

    @property
    def due(self) -> int:
        """Return what is still to be paid."""
        return self.total - self.credited if self.status is InvoiceStatus.OPEN else 0


class InvoiceNumber(Base):
    """The last number given out in a year: whoever takes the next one holds the row, so none is missing."""

    __tablename__ = "invoice_numbers"

    year: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, autoincrement=False)
    last: Mapped[int]


class Credit(Numbered, Base):
    """What an organization is given back, and where it went; their sum is what it still has."""

    __tablename__ = "credits"
    __table_args__ = (sa.Index("ix_credits_tenant", "tenant_id", "currency"),)

    tenant_id: Mapped[int] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    currency: Mapped[str] = mapped_column(sa.String(3))
    amount: Mapped[int] = mapped_column(sa.BigInteger)
    """Below 0 where it was used."""
    invoice_id: Mapped[int] = mapped_column(sa.ForeignKey("invoices.id"))
    """Whose unused part it is, or which it settled."""
    at: Mapped[datetime] = mapped_column(default=clock.now)
