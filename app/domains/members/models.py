"""Invitations into an organization; projects will use the same table."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.db import Base, Identified, Timed, Words
from app.domains.accounts.models import User
from app.domains.permissions.roles import Role
from app.domains.tenants.models import Membership


class InvitationStatus(StrEnum):
    PENDING = "pending"
    """Open as long as it has not run out; the job says so afterwards."""
    ACCEPTED = "accepted"
    EXPIRED = "expired"
    REVOKED = "revoked"


_PENDING = sa.text("status = 'pending'")


class Invitation(Identified, Timed, Base):
    """That an address may become a member: one token, good for some days, used once.

    The person (a placeholder, where nobody has the address) and the membership of status ``invited`` are made
    with it. A newer token takes the older one's place in the row, so the older link is unknown from then on.
    """

    __tablename__ = "invitations"
    __table_args__ = (
        sa.Index("ix_invitations_tenant_status", "tenant_id", "status", "id"),
        sa.Index("ix_invitations_expires_at", "expires_at", sqlite_where=_PENDING, postgresql_where=_PENDING),
        sa.Index(
            "uq_invitations_pending",
            "tenant_id",
            "user_id",
            unique=True,
            sqlite_where=_PENDING,
            postgresql_where=_PENDING,
        ),
    )

    tenant_id: Mapped[int] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    membership_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("memberships.id", ondelete="SET NULL"), index=True
    )
    """None once the membership is gone: taken back, or the person removed."""
    email: Mapped[str] = mapped_column(sa.String(320))
    """As the inviter wrote it."""
    email_key: Mapped[str] = mapped_column(sa.String(320))
    role: Mapped[Role] = mapped_column(Words(Role))
    profile_id: Mapped[int] = mapped_column(default=1)
    status: Mapped[InvitationStatus] = mapped_column(
        Words(InvitationStatus), default=InvitationStatus.PENDING
    )
    token_hash: Mapped[bytes] = mapped_column(sa.LargeBinary(32), unique=True)
    only_mailed: Mapped[bool] = mapped_column(default=True)
    """Whether nobody but the mailbox saw the token: then it proves the address; a copied one does not."""
    message: Mapped[str | None] = mapped_column(sa.String(500))
    """What the inviter adds to the mail."""
    times_sent: Mapped[int] = mapped_column(default=1)
    sent_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    invited_by_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    """Who sent it last: named in the mail."""
    granted_by_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    """Whose right its role and profile stand on; judged again when it is taken up."""
    accepted_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(foreign_keys=[user_id], lazy="raise")
    membership: Mapped[Membership | None] = relationship(lazy="raise")
    invited_by: Mapped[User | None] = relationship(foreign_keys=[invited_by_id], lazy="raise")

    @property
    def is_open(self) -> bool:
        """Say whether its link works now."""
        return self.status is InvitationStatus.PENDING and self.expires_at > clock.now()

    @property
    def state(self) -> InvitationStatus:
        """Return how it stands at this moment; the job may not have been by yet."""
        if self.status is InvitationStatus.PENDING and not self.is_open:
            return InvitationStatus.EXPIRED
        return self.status
