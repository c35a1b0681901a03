"""What a second factor is known by; nothing of it can be read back."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Base, Numbered
from app.core.sealing import SealedText
from app.core.secrets import Sealed


class Authenticator(Base):
    """A person's authenticator app: the one in force, and the one being set up beside it."""

    __tablename__ = "authenticators"

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    secret: Mapped[Sealed | None] = mapped_column(SealedText("authenticator:{user_id}", 300))
    """None while none is in force."""
    last_step: Mapped[int | None] = mapped_column(sa.BigInteger)
    """The newest time step a code was taken of: none is taken twice, nor an older one (RFC 6238, 5.2)."""
    pending_secret: Mapped[Sealed | None] = mapped_column(SealedText("authenticator:{user_id}", 300))
    """Waits for its first code."""
    pending_expires_at: Mapped[datetime | None]

    @property
    def is_pending(self) -> bool:
        """Say whether a set-up waits for its first code."""
        return self.pending_expires_at is not None and self.pending_expires_at > clock.now()


class FactorDemandNotice(Numbered, Base):
    """What a member without a second factor was told of their organization's demand for one."""

    __tablename__ = "factor_demand_notices"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "user_id"),)

    tenant_id: Mapped[int] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    day: Mapped[str] = mapped_column(sa.String(10))
    """The day that they were told, empty for at once: they are told anew of another."""
    stage: Mapped[int]
    """How near it was: announced, a week ahead, a day ahead, begun."""
    told_at: Mapped[datetime] = mapped_column(default=clock.now)


class FactorRecovery(Numbered, Base):
    """A lost second factor on its way to being removed: asked for, confirmed by the mailbox, waited for."""

    __tablename__ = "factor_recoveries"
    __table_args__ = (
        sa.Index(
            "uq_factor_recoveries_open",
            "user_id",
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
        sa.Index("ix_factor_recoveries_due", "ended_at", "due_at"),
    )

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    requested_at: Mapped[datetime] = mapped_column(default=clock.now)
    lapses_at: Mapped[datetime]
    """Until when the person has to do their next step: confirm it, then finish it."""
    ip: Mapped[str | None] = mapped_column(sa.String(45))
    confirmed_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    """When the waiting period is over."""
    mailed_at: Mapped[datetime | None]
    """When the last link went out."""
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(sa.String(20))
    """recovered, cancelled, lapsed."""


class RecoveryBatch(Numbered, Base):
    """Ten recovery codes: proposed, then saved; one saved batch of a person is in force at a time."""

    __tablename__ = "recovery_batches"
    __table_args__ = (sa.Index("ix_recovery_batches_user", "user_id", "ended_at"),)

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    token_hash: Mapped[bytes] = mapped_column(sa.LargeBinary(32), unique=True)
    proposed_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
    """Until when it can be saved."""
    saved_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    """When another took its place, or the second factor was switched off."""


class RecoveryCode(Numbered, Base):
    """One recovery code, as a hash; a used one is kept, so that its second use is known for what it is."""

    __tablename__ = "recovery_codes"
    __table_args__ = (sa.UniqueConstraint("batch_id", "code_hash"),)

    batch_id: Mapped[int] = mapped_column(sa.ForeignKey("recovery_batches.id", ondelete="CASCADE"))
    code_hash: Mapped[str] = mapped_column(sa.String(64))
    used_at: Mapped[datetime | None]
