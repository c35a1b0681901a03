"""Permission profiles that organizations make for themselves."""

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Timed
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
