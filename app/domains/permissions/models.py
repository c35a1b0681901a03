"""Permission profiles that organizations make for themselves, and what members ask their admins for."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Base, Identified, Timed, Words
from app.core.permissions import Permission
from app.domains.permissions.roles import FIRST_CUSTOM_PROFILE_ID, permissions_numbered


class PermissionProfile(Timed, Base):
    """A set of permissions that members of one organization can have beside their role's."""

    __tablename__ = "permission_profiles"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "name_key"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(
        sa.BigInteger().with_variant(sa.Integer, "sqlite"),
        sa.Identity(start=FIRST_CUSTOM_PROFILE_ID),
        primary_key=True,
    )
    tenant_id: Mapped[int] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(sa.String(100))
    name_key: Mapped[str] = mapped_column(sa.String(300))
    """The name as it is compared: without regard to case."""
    description: Mapped[str | None] = mapped_column(sa.String(500))
    permission_ids: Mapped[list[int]] = mapped_column(sa.JSON)
    """The permissions' numbers, ascending."""
    is_active: Mapped[bool] = mapped_column(default=True)
    created_by_user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id", ondelete="SET NULL"))

    @property
    def permissions(self) -> frozenset[Permission]:
        """Return what the profile adds while it is active."""
        return permissions_numbered(self.permission_ids)


class AccessRequestState(StrEnum):
    OPEN = "open"
    """Until it is answered or has run out."""
    GRANTED = "granted"
    DECLINED = "declined"
    EXPIRED = "expired"


_OPEN = sa.text("state = 'open'")


class AccessRequest(Identified, Base):
    """That a member asks the organization's admins for a permission or a role."""

    __tablename__ = "access_requests"
    __table_args__ = (
        sa.Index("ix_access_requests_tenant", "tenant_id", "state", "id"),
        sa.Index(
            "uq_access_requests_open",
            "tenant_id",
            "user_id",
            "wanted",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
    )

    tenant_id: Mapped[int] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    wanted: Mapped[str] = mapped_column(sa.String(60))
    """A permission's code, or ``role:`` and a role."""
    reason: Mapped[str | None] = mapped_column(sa.String(500))
    state: Mapped[AccessRequestState] = mapped_column(
        Words(AccessRequestState), default=AccessRequestState.OPEN
    )
    asked_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by_user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id", ondelete="SET NULL"))
    answer: Mapped[str | None] = mapped_column(sa.String(500))
