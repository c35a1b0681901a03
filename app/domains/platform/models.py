"""What running the platform leaves: restarts asked for, processes that live, support in people's names."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.db import Base, Identified
from app.domains.accounts.models import User

REQUEST_LIFE = timedelta(hours=72)
"""How long a person has to answer when support asks to be let in."""


class Generation(Base):
    """How often all processes of a kind were told to start anew."""

    __tablename__ = "process_generations"

    kind: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    """workers, daemons."""
    number: Mapped[int]
    requested_at: Mapped[datetime]


class LiveProcess(Base):
    """A process in the background, seen a moment ago; one that plays two parts has two rows."""

    __tablename__ = "live_processes"

    name: Mapped[str] = mapped_column(sa.String(120), primary_key=True)
    """Machine and process id."""
    kind: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    generation: Mapped[int]
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class SupportAccess(Identified, Base):
    """That an admin of the platform asked to act as somebody, what that person answered, and how it ended."""

    __tablename__ = "support_accesses"
    __table_args__ = (
        sa.Index("ix_support_accesses_user", "user_id", "ended_at"),
        sa.Index("ix_support_accesses_admin", "admin_id", "ended_at"),
        sa.Index(
            "uq_support_accesses_open",
            "user_id",
            "admin_id",
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
    )

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    admin_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    reason: Mapped[str] = mapped_column(sa.String(300))
    requested_at: Mapped[datetime] = mapped_column(default=clock.now)
    granted_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    """Until when it can be answered; once granted, until when it lasts."""
    session_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("sessions.id", ondelete="SET NULL"), unique=True
    )
    """The session in which the admin acts as the person."""
    admin_session_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    """The admin's own sign-in, with which it ends."""
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(sa.String(20))
    """declined, withdrawn, finished, lapsed."""

    admin: Mapped[User] = relationship(lazy="raise", foreign_keys=[admin_id])
    user: Mapped[User] = relationship(lazy="raise", foreign_keys=[user_id])

    @property
    def is_open(self) -> bool:
        """Say whether it is still to be answered, or in force."""
        return self.ended_at is None and self.expires_at > clock.now()

    @property
    def in_force(self) -> bool:
        """Say whether the admin may act as the person now."""
        return self.is_open and self.granted_at is not None
