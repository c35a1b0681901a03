"""An organization's mail server and sender, what became of mails, and addresses they come back from."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Base, Numbered, Timed, Words
from app.core.sealing import SealedText
from app.core.secrets import Sealed
from app.core.settings import SmtpSecurity


class TenantMailServer(Timed, Base):
    """Where an organization's mail leaves, once a test has passed."""

    __tablename__ = "mail_servers"

    tenant_id: Mapped[int] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    enabled: Mapped[bool] = mapped_column(default=True)
    host: Mapped[str] = mapped_column(sa.String(253))
    port: Mapped[int]
    security: Mapped[SmtpSecurity] = mapped_column(sa.String(8))
    username: Mapped[str | None] = mapped_column(sa.String(320))
    password: Mapped[Sealed | None] = mapped_column(SealedText("mail_servers:password:{tenant_id}"))
    timeout_seconds: Mapped[int] = mapped_column(default=15)
    saved: Mapped[int] = mapped_column(default=1)
    """Grows with each save, so that a test of what was there before counts for nothing."""
    tested_at: Mapped[datetime | None]
    test_ok: Mapped[bool | None]
    test_step: Mapped[str | None] = mapped_column(sa.String(16))
    test_error: Mapped[str | None] = mapped_column(sa.String(300))
    failures: Mapped[int] = mapped_column(default=0)
    """How many mails in a row it did not take."""
    last_error: Mapped[str | None] = mapped_column(sa.String(300))
    warned_at: Mapped[datetime | None]
    """When owner and admins were told of its failures; None once it works again."""

    @property
    def is_used(self) -> bool:
        """Say whether the organization's mail leaves through it."""
        return self.enabled and self.test_ok is True


class TenantSender(Timed, Base):
    """Under whose name and address an organization writes."""

    __tablename__ = "mail_senders"

    tenant_id: Mapped[int] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    from_name: Mapped[str | None] = mapped_column(sa.String(100))
    from_email: Mapped[str | None] = mapped_column(sa.String(320))
    reply_to: Mapped[str | None] = mapped_column(sa.String(320))


class DeliveryState(StrEnum):
    """What became of a mail (catalog: delivery_states)."""

    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    BOUNCED = "bounced"
    SUPPRESSED = "suppressed"
    DEFERRED = "deferred"
    DIGESTED = "digested"


class Delivery(Numbered, Base):
    """One mail that was promised, and what became of it; its text is not kept."""

    __tablename__ = "mail_deliveries"
    __table_args__ = (
        sa.Index("ix_mail_deliveries_tenant", "tenant_id", "created_at", "id"),
        sa.Index("ix_mail_deliveries_ended", "tenant_id", "ended_at"),
        sa.Index("ix_mail_deliveries_address", "address_key"),
        sa.Index("ix_mail_deliveries_created", "created_at"),
    )

    uid: Mapped[UUID] = mapped_column(unique=True)
    """The promise's and the message's own name."""
    tenant_id: Mapped[int | None] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    """Who wrote; None for the instance."""
    mail: Mapped[str] = mapped_column(sa.String(60))
    event: Mapped[str] = mapped_column(sa.String(80))
    address: Mapped[str] = mapped_column(sa.String(320))
    address_key: Mapped[str] = mapped_column(sa.String(320))
    """As addresses are compared."""
    state: Mapped[DeliveryState] = mapped_column(Words(DeliveryState), default=DeliveryState.QUEUED)
    reason: Mapped[str | None] = mapped_column(sa.String(300))
    """Why it did not arrive, or not yet."""
    own_server: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    ended_at: Mapped[datetime | None]
    """When it left, or was given up."""


class BouncedAddress(Numbered, Base):
    """An address whose server said that nobody has it.

    What an organization's own server says counts for that organization alone: it could say so of anybody.
    """

    __tablename__ = "bounced_addresses"
    __table_args__ = (sa.Index("ix_bounced_addresses_key", "address_key", "tenant_id"),)

    tenant_id: Mapped[int | None] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    """Whose server said so; None for the instance's."""
    address_key: Mapped[str] = mapped_column(sa.String(320))
    reason: Mapped[str] = mapped_column(sa.String(300))
    at: Mapped[datetime] = mapped_column(default=clock.now)
