"""Places for files, and the files that lie there."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Base, Identified, Words
from app.core.environments import Environment
from app.core.sealing import SealedText
from app.core.secrets import Sealed


class Provider(StrEnum):
    S3 = "S3"
    AZURE = "AZURE"
    LOCAL = "LOCAL"


_CURRENT = sa.text("replaced_at IS NULL")


class StoragePlace(Identified, Base):
    """A bucket or container of an organization's, for one environment; it stays while files lie there."""

    __tablename__ = "storage_places"
    __table_args__ = (
        sa.Index(
            "uq_storage_places_current",
            "tenant_id",
            "environment",
            unique=True,
            sqlite_where=_CURRENT,
            postgresql_where=_CURRENT,
        ),
    )

    tenant_id: Mapped[int] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    environment: Mapped[Environment] = mapped_column(Words(Environment))
    provider: Mapped[Provider] = mapped_column(Words(Provider))
    bucket: Mapped[str] = mapped_column(sa.String(255))
    """The bucket, or Azure's container."""
    region: Mapped[str | None] = mapped_column(sa.String(64))
    endpoint_url: Mapped[str | None] = mapped_column(sa.String(500))
    """Where the organization named one; Azure's account address always."""
    credentials: Mapped[Sealed] = mapped_column(SealedText("storage:{tenant_id}"))
    """JSON."""
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    replaced_at: Mapped[datetime | None]


class StoredFile(Identified, Base):
    """One file of an organization, wherever it lies."""

    __tablename__ = "stored_files"
    __table_args__ = (
        sa.Index("ix_stored_files_tenant", "tenant_id", "place_id"),
        sa.Index("ix_stored_files_place", "place_id"),
    )

    tenant_id: Mapped[int] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    environment: Mapped[Environment] = mapped_column(Words(Environment))
    place_id: Mapped[int | None] = mapped_column(sa.ForeignKey("storage_places.id"))
    """None for the instance's own store."""
    key: Mapped[str] = mapped_column(sa.String(80), unique=True)
    size: Mapped[int] = mapped_column(sa.BigInteger)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
