"""What an organization has of which plan, and until when."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Identified, Timed, Words


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
    """An organization's one subscription; a trial that is over counts as plan ``dev`` from that moment on."""

    __tablename__ = "subscriptions"

    tenant_id: Mapped[int] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"), unique=True)
    plan_code: Mapped[str] = mapped_column(sa.String(20))
    status: Mapped[SubscriptionStatus] = mapped_column(Words(SubscriptionStatus))
    trial_started_at: Mapped[datetime | None]
    trial_ends_at: Mapped[datetime | None]
    period_start: Mapped[datetime]
    period_end: Mapped[datetime | None]
