"""Values of settings and how they came about; the platform's have no tenant."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Base, Numbered


class SettingValue(Numbered, Base):
    """What the platform or one tenant set a key to; without a row, or with null, the next wider holds."""

    __tablename__ = "setting_values"
    __table_args__ = (
        sa.Index(
            "uq_setting_values_platform",
            "key",
            "environment",
            unique=True,
            sqlite_where=sa.text("tenant_id IS NULL"),
            postgresql_where=sa.text("tenant_id IS NULL"),
        ),
        sa.Index(
            "uq_setting_values_tenant",
            "tenant_id",
            "key",
            "environment",
            unique=True,
            sqlite_where=sa.text("tenant_id IS NOT NULL"),
            postgresql_where=sa.text("tenant_id IS NOT NULL"),
        ),
    )

    tenant_id: Mapped[int | None] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(sa.String(64))
    environment: Mapped[str] = mapped_column(sa.String(16), default="")
    """Empty where one value serves all three: a unique index would not see NULLs as equal."""
    value: Mapped[Any] = mapped_column(sa.JSON)
    """Secrets are sealed."""
    locked: Mapped[bool] = mapped_column(default=False)
    """By the platform's admins: their own row wins over all tenants', a tenant's is not its own to set."""
    updated_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now)
    updated_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id", ondelete="SET NULL"))


class SettingChange(Numbered, Base):
    """One change of a setting at one place, as its history shows it; only the newest of a place are kept."""

    __tablename__ = "setting_changes"
    __table_args__ = (sa.Index("ix_setting_changes_place", "tenant_id", "key", "environment", "id"),)

    tenant_id: Mapped[int | None] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(sa.String(64))
    environment: Mapped[str] = mapped_column(sa.String(16), default="")
    at: Mapped[datetime] = mapped_column(default=clock.now)
    by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id", ondelete="SET NULL"))
    from_above: Mapped[bool] = mapped_column(default=False)
    """Set by the platform's admins, whose names are no organization's business."""
    dialect: Mapped[str] = mapped_column(sa.String(32), default="system")
    before: Mapped[Any] = mapped_column(sa.JSON(none_as_null=True), nullable=True)
    after: Mapped[Any] = mapped_column(sa.JSON(none_as_null=True), nullable=True)
    """Null: no value of its own at this place. Of secrets neither is kept."""
    locked: Mapped[bool | None]
    """Whether it was locked or freed; null for a change of the value."""
