"""Exports of the trail that were asked for, and the days of it that were written away."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Numbered, Words
from app.core.environments import Environment
from app.core.stepwise import Stepwise


class AuditExport(Stepwise, Base):
    """A part of the trail as a file, made in steps, kept for a week where the organization's files are."""

    __tablename__ = "audit_exports"
    __table_args__ = (
        sa.Index("ix_audit_exports_user", "user_id", "tenant_id", "id"),
        sa.Index("ix_audit_exports_state", "state", "expires_at"),
    )

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    tenant_id: Mapped[int | None] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    """None: of the whole instance, asked for by one of the platform's admins."""
    environment: Mapped[Environment] = mapped_column(Words(Environment))
    """Whose storage it lies in."""
    form: Mapped[str] = mapped_column(sa.String(10))
    wanted: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What narrows it."""
    rows: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    why: Mapped[str] = mapped_column(sa.String(60), default="")
    """The code of what went wrong."""


class AuditExportPart(Numbered, Base):
    """A piece of an export, written in one step."""

    __tablename__ = "audit_export_parts"
    __table_args__ = (
        sa.UniqueConstraint("export_id", "number", name="uq_audit_export_parts_number"),
        sa.Index("ix_audit_export_parts_file", "file_id"),
    )

    export_id: Mapped[int] = mapped_column(sa.ForeignKey("audit_exports.id", ondelete="CASCADE"))
    number: Mapped[int]
    file_id: Mapped[int | None] = mapped_column(sa.ForeignKey("stored_files.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(sa.String(80), default="")
    """In the instance's own store, where no organization's file it is."""


class ArchiveState(StrEnum):
    WAITING = "waiting"
    WRITTEN = "written"
    FAILED = "failed"


class AuditArchive(Numbered, Base):
    """A day of an organization's trail, written to the storage of one of its environments."""

    __tablename__ = "audit_archives"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "environment", "day", name="uq_audit_archives_day"),)

    tenant_id: Mapped[int] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    environment: Mapped[Environment] = mapped_column(Words(Environment))
    day: Mapped[date]
    """In UTC."""
    state: Mapped[ArchiveState] = mapped_column(Words(ArchiveState), default=ArchiveState.WAITING)
    why: Mapped[str] = mapped_column(sa.String(60), default="")
    rows: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    begun_at: Mapped[datetime]
    """When it was begun last."""
    written_at: Mapped[datetime | None]


class AuditArchivePart(Numbered, Base):
    """A part of such a day that lies with us; in the organization's own storage its name tells of it."""

    __tablename__ = "audit_archive_parts"
    __table_args__ = (
        sa.UniqueConstraint("archive_id", "number", name="uq_audit_archive_parts_number"),
        sa.Index("ix_audit_archive_parts_file", "file_id"),
    )

    archive_id: Mapped[int] = mapped_column(sa.ForeignKey("audit_archives.id", ondelete="CASCADE"))
    number: Mapped[int]
    file_id: Mapped[int] = mapped_column(sa.ForeignKey("stored_files.id", ondelete="CASCADE"))
