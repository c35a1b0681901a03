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
    erased_at: Mapped[datetime | None]
    """When all that was its own had gone: the row stays as a tombstone for what has to be kept."""

    @property
    def is_active(self) -> bool:
        """Say whether people may work in it."""
        return self.status is TenantStatus.ACTIVE


class FormerSlug(Base):
    """A slug that an organization had: it leads there until another takes it, which none may for a while."""

    __tablename__ = "former_slugs"
    __table_args__ = (sa.Index("ix_former_slugs_tenant", "tenant_id", "given_up_at"),)

    slug: Mapped[str] = mapped_column(sa.String(50), primary_key=True)
    tenant_id: Mapped[int] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    given_up_at: Mapped[datetime]


class Membership(Identified, Timed, Base):
    """A person in an organization: api_v1's "user"."""

    __tablename__ = "memberships"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "user_id"),
        sa.Index("ix_memberships_user", "user_id", "status"),
        sa.Index("ix_memberships_listing", "tenant_id", "listing", "id"),
        sa.Index("ix_memberships_status", "tenant_id", "status", "listing", "id"),
        sa.Index("ix_memberships_role", "tenant_id", "role", "listing", "id"),
        sa.Index("ix_memberships_profile", "tenant_id", "profile_id", "listing", "id"),
        sa.Index("ix_memberships_address", "tenant_id", "address", "id"),
        sa.Index("ix_memberships_joined", "tenant_id", "joined_at", "id"),
        sa.Index("ix_memberships_created", "tenant_id", "created_at", "id"),
        sa.Index("ix_memberships_last_login", "tenant_id", "last_login_at", "id"),
    )

    tenant_id: Mapped[int] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    role: Mapped[Role] = mapped_column(Words(Role))
    profile_id: Mapped[int] = mapped_column(default=1)
    status: Mapped[MembershipStatus] = mapped_column(Words(MembershipStatus), default=MembershipStatus.ACTIVE)
    first_name: Mapped[str | None] = mapped_column(sa.String(100))
    """What this organization calls the person, where that is not what they call themselves."""
    last_name: Mapped[str | None] = mapped_column(sa.String(100))
    job_title: Mapped[str | None] = mapped_column(sa.String(100))
    joined_at: Mapped[datetime | None]
    last_login_at: Mapped[datetime | None]
    """When the person last signed in here, or without naming an organization."""
    listing: Mapped[str] = mapped_column(sa.String(600), default="", server_default="")
    """Name and address as lists are searched and sorted (``tenants.listing``)."""
    address: Mapped[str] = mapped_column(sa.String(320), default="", server_default="")

    tenant: Mapped[Tenant] = relationship(lazy="raise")
    user: Mapped[User] = relationship(lazy="raise")

    @property
    def has_joined(self) -> bool:
        """Say whether the person has ever worked in it, and not just been invited to."""
        return self.status is MembershipStatus.ACTIVE or self.joined_at is not None


class MembershipCount(Base):
    """How many members of a kind an organization has, so that a long list need not be counted.

    On PostgreSQL triggers keep it, whatever changes memberships; SQLite counts (``members.counting``).
    """

    __tablename__ = "membership_counts"

    tenant_id: Mapped[int] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    status: Mapped[MembershipStatus] = mapped_column(Words(MembershipStatus), primary_key=True)
    role: Mapped[Role] = mapped_column(Words(Role), primary_key=True)
    profile_id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int]
