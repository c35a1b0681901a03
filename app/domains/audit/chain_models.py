"""The chain over the trail: a link for each row, in an order of its own, one chain for each organization."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Numbered
from app.core.sealing import SealedText
from app.core.secrets import Sealed

_HASH = sa.LargeBinary(32)
OF_THE_INSTANCE = 0
"""The key of the chain of rows that belong to no organization."""


class AuditChain(Numbered, Base):
    """How far one chain is, where it begins since its oldest rows went, and how it was found last."""

    __tablename__ = "audit_chains"

    tenant_key: Mapped[int] = mapped_column(sa.BigInteger, unique=True)
    """The organization's id, kept beyond its end; 0 for the instance."""
    position: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    head: Mapped[bytes] = mapped_column(_HASH, default=b"\0" * 32)
    anchor_position: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    """The last link whose row was let go of when its time was over."""
    anchor_head: Mapped[bytes] = mapped_column(_HASH, default=b"\0" * 32)
    anchor_mac: Mapped[bytes] = mapped_column(_HASH, default=b"")
    anchor_key_id: Mapped[str] = mapped_column(sa.String(64), default="")
    verified_at: Mapped[datetime | None]
    verified_position: Mapped[int | None] = mapped_column(sa.BigInteger)
    verified_faults: Mapped[int | None]
    verified_note: Mapped[str | None] = mapped_column(sa.String(500))


class AuditLink(Base):
    """That a row stood at a place of its chain and what it said; or what an erased one says since."""

    __tablename__ = "audit_links"
    __table_args__ = (sa.Index("ix_audit_links_event", "event_id"),)

    chain_id: Mapped[int] = mapped_column(
        sa.BigInteger, sa.ForeignKey("audit_chains.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    event_id: Mapped[int] = mapped_column(sa.BigInteger)
    event_at: Mapped[datetime]
    erased: Mapped[bool] = mapped_column(default=False)
    """Whether it says that somebody's traces left the row, and what the row says now."""
    salt: Mapped[bytes | None] = mapped_column(sa.LargeBinary(16))
    """Goes with what it was mixed into: then nobody can try out what the row had said."""
    personal: Mapped[bytes] = mapped_column(_HASH)
    hash: Mapped[bytes] = mapped_column(_HASH)
    key_id: Mapped[str] = mapped_column(sa.String(64))


class AuditErasure(Numbered, Base):
    """That somebody's traces left a row, until the chain says so."""

    __tablename__ = "audit_erasures"
    __table_args__ = (sa.Index("ix_audit_erasures_event", "event_id"),)

    event_id: Mapped[int] = mapped_column(sa.BigInteger)
    event_at: Mapped[datetime]
    tenant_key: Mapped[int] = mapped_column(sa.BigInteger)
    salt: Mapped[bytes] = mapped_column(sa.LargeBinary(16))
    personal: Mapped[bytes] = mapped_column(_HASH)
    mac: Mapped[bytes] = mapped_column(_HASH)
    key_id: Mapped[str] = mapped_column(sa.String(64))


class AuditKey(Base):
    """What links made under one of the sealing keys are checked with, once that key is gone."""

    __tablename__ = "audit_keys"

    id: Mapped[int] = mapped_column(primary_key=True)
    key_id: Mapped[str] = mapped_column(sa.String(64), unique=True)
    derived: Mapped[Sealed] = mapped_column(SealedText("audit_keys:{key_id}"))


class AuditHorizon(Base):
    """Up to which row all are committed, for rows get their numbers before they can be seen."""

    __tablename__ = "audit_horizons"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sealed_id: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    """The last row in a chain: a later one with a smaller number was put in by somebody else."""
    safe_id: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    noted_id: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    writers: Mapped[list[str]] = mapped_column(default=list)
    """Once all of these transactions have ended, all rows up to ``noted_id`` can be seen."""
