"""The trail: one row for each thing changed or refused, never altered afterwards."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock, ids
from app.core.db import Base, Identified, Words
from app.domains.audit import chain_models as _chain  # noqa: F401 - its tables come with these
from app.domains.audit.kinds import AuditKind


class AuditEvent(Identified, Base):
    """Who did what to whom, where from, and which fields it changed (never a secret's value)."""

    __tablename__ = "audit_events"
    __table_args__ = (
        sa.UniqueConstraint("uid", "at"),  # on PostgreSQL the table is partitioned by "at"
        sa.Index("ix_audit_events_tenant", "tenant_id", "id"),
        sa.Index("ix_audit_events_actor", "actor_user_id", "id"),
        sa.Index("ix_audit_events_subject", "subject_type", "subject_id", "id"),
        sa.Index("ix_audit_events_request", "request_id"),
        # One for each way to search the trail: from the newest row on, and never through others' rows.
        sa.Index("ix_audit_events_at", "at", "id"),
        sa.Index("ix_audit_events_tenant_at", "tenant_id", "at", "id"),
        sa.Index("ix_audit_events_tenant_kind", "tenant_id", "kind", "at", "id"),
        sa.Index("ix_audit_events_tenant_actor", "tenant_id", "actor_user_id", "at", "id"),
        sa.Index("ix_audit_events_tenant_subject", "tenant_id", "subject_type", "subject_id", "at", "id"),
        sa.Index("ix_audit_events_tenant_ip", "tenant_id", "ip", "at", "id"),
    )

    uid: Mapped[UUID] = mapped_column(default=ids.new_uid)
    at: Mapped[datetime] = mapped_column(default=clock.now)
    kind: Mapped[AuditKind] = mapped_column(Words(AuditKind))
    tenant_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    actor_kind: Mapped[str] = mapped_column(sa.String(20))
    actor_user_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    actor_uid: Mapped[UUID | None]
    impersonator_user_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    """The platform's admin who acted as the actor, with their consent."""
    session_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    subject_type: Mapped[str] = mapped_column(sa.String(40))
    subject_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    dialect: Mapped[str] = mapped_column(sa.String(40))
    """Through which way in, or which job or command did it."""
    ip: Mapped[str | None] = mapped_column(sa.String(45))
    user_agent: Mapped[str] = mapped_column(sa.String(400), default="")
    request_id: Mapped[str] = mapped_column(sa.String(64), default="")
    ok: Mapped[bool] = mapped_column(default=True)
    """False for a refusal that is kept (a failed sign-in)."""
    changes: Mapped[dict[str, Any]] = mapped_column(default=dict)
