"""Values of settings; the platform's have no tenant."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Base, Numbered


class SettingValue(Numbered, Base):
    """What the platform or one tenant set a key to; without a row the next wider value holds."""

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
    """On the platform's row only: it wins over every tenant's."""
    updated_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now)
    updated_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id", ondelete="SET NULL"))
