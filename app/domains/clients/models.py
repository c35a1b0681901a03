"""Service users and client accounts: each belongs to one organization and one environment."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Identified, Timed


class ServiceUser(Identified, Timed, Base):
    """A program of an organization's: it signs in by name and password to keep client accounts."""

    __tablename__ = "service_users"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "environment", "name_key", name="uq_service_users_name"),
    )

    tenant_id: Mapped[int] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    environment: Mapped[str] = mapped_column(sa.String(16))
    name: Mapped[str] = mapped_column(sa.String(64))
    name_key: Mapped[str] = mapped_column(sa.String(64))
    """The name as it is compared: without case."""
    password_hash: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    password_changed_at: Mapped[datetime]
    former_password_hash: Mapped[bytes | None] = mapped_column(sa.LargeBinary(32))
    """Of the password before this one, while both are taken."""
    former_password_until: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    last_ip: Mapped[str | None] = mapped_column(sa.String(45))
    failures: Mapped[int] = mapped_column(default=0)
    """Failed sign-ins in a row."""

    @property
    def is_disabled(self) -> bool:
        """Say whether it is switched off."""
        return self.disabled_at is not None


class ClientAccount(Identified, Timed, Base):
    """A customer of an organization's, known by the id that the organization's own application gave.

    No person of ours: it has nothing in common with a user of the same address.
    """

    __tablename__ = "client_accounts"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "environment", "external_id", name="uq_client_accounts_external_id"),
        sa.UniqueConstraint("tenant_id", "environment", "email_key", name="uq_client_accounts_email_key"),
        sa.Index("ix_client_accounts_list", "tenant_id", "environment", "id"),
    )

    tenant_id: Mapped[int] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    environment: Mapped[str] = mapped_column(sa.String(16))
    external_id: Mapped[UUID]
    """The integrator's own id; the contract calls it user_id."""
    email: Mapped[str] = mapped_column(sa.String(254))
    email_key: Mapped[str] = mapped_column(sa.String(320))
    first_name: Mapped[str] = mapped_column(sa.String(100))
    last_name: Mapped[str] = mapped_column(sa.String(100))
    password_hash: Mapped[str] = mapped_column(sa.String(255))
    disabled_at: Mapped[datetime | None]
    last_login_at: Mapped[datetime | None]

    @property
    def status(self) -> str:
        """Return ``active`` or ``disabled``."""
        return "active" if self.disabled_at is None else "disabled"

    @property
    def name(self) -> str:
        """Return the full name."""
        return f"{self.first_name} {self.last_name}".strip()
