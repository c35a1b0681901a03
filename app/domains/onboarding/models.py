"""How far an organization's setup is; a task without a row is pending."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Timed, Words


class TaskStatus(StrEnum):
    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    SKIPPED = "skipped"


class SetupTask(Timed, Base):
    """One task of one organization, once somebody or a check has said something of it."""

    __tablename__ = "setup_tasks"

    tenant_id: Mapped[int] = mapped_column(
        sa.ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    code: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    status: Mapped[TaskStatus] = mapped_column(Words(TaskStatus))
    by_check: Mapped[bool] = mapped_column(default=False)
    completed_at: Mapped[datetime | None]
    completed_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id", ondelete="SET NULL"))
    was: Mapped[TaskStatus | None] = mapped_column(Words(TaskStatus))
    """What it was before facts completed it, until an auto-check has told of that."""


class SetupClosing(Base):
    """That somebody closed the setup, and when."""

    __tablename__ = "setup_closings"

    tenant_id: Mapped[int] = mapped_column(
        sa.ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    closed_at: Mapped[datetime]
    closed_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id", ondelete="SET NULL"))
