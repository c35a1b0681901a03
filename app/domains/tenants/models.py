"""Organizations and memberships."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Base, Identified, Timed, Words
from app.domains.accounts.models import User
from app.domains.permissions.roles import Role


class TenantStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    ARCHIVED = "archived"


class MembershipStatus(StrEnum):
    INVITED = "invited"
    ACTIVE = "active"
    INACTIVE = "inactive"


class Tenant(Identified, Timed, Base):
    """An organization."""

    __tablename__ = "tenants"

    slug: Mapped[str] = mapped_column(sa.String(50), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    status: Mapped[TenantStatus] = mapped_column(Words(TenantStatus), default=TenantStatus.ACTIVE)
    status_reason: Mapped[str | None] = mapped_column(sa.String(500))
    """Why the platform's admins gave it its status."""
    billing_email: Mapped[str | None] = mapped_column(sa.String(320))
    setup_completed_at: Mapped[datetime | None]

    @property
    def is_active(self) -> bool:
        """Say whether people may work in it."""
        return self.status is TenantStatus.ACTIVE


class Membership(Identified, Timed, Base):
    """A person in an organization: api_v1's "user"."""

    __tablename__ = "memberships"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "user_id"),
        sa.Index("ix_memberships_user", "user_id", "status"),
    )

    tenant_id: Mapped[int] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    role: Mapped[Role] = mapped_column(Words(Role))
    profile_id: Mapped[int] = mapped_column(default=1)
    status: Mapped[MembershipStatus] = mapped_column(Words(MembershipStatus), default=MembershipStatus.ACTIVE)
    job_title: Mapped[str | None] = mapped_column(sa.String(100))
    joined_at: Mapped[datetime | None]

    tenant: Mapped[Tenant] = relationship(lazy="raise")
    user: Mapped[User] = relationship(lazy="raise")
