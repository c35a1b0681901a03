"""Exports that were asked for, and accounts that wait to be erased."""

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base
from app.core.stepwise import Stepwise
from app.core.waiting import Waiting

_UNDER_WAY = sa.text("state IN ('queued', 'making')")


class Archived(Stepwise):
    """The columns of an export that becomes an archive, written in a folder of its own."""

    folder: Mapped[str] = mapped_column(sa.String(64), unique=True)
    """By a name that nobody can guess."""


class DataExport(Archived, Base):
    """A copy of all that is kept about a person: made in steps, kept for a week."""

    __tablename__ = "data_exports"
    __table_args__ = (
        sa.Index("ix_data_exports_user_id", "user_id", "id"),
        sa.Index(
            "uq_data_exports_under_way",
            "user_id",
            unique=True,
            sqlite_where=_UNDER_WAY,
            postgresql_where=_UNDER_WAY,
        ),
        sa.Index("ix_data_exports_state", "state", "expires_at"),
    )

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))


class DeletionRequest(Waiting, Base):
    """That a person wants to leave, as long as they can still stay: whoever takes the row away decides."""

    __tablename__ = "deletion_requests"

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), unique=True)
