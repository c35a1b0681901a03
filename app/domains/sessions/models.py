"""One row a sign-in, whatever carries it; and the refresh tokens of those that are carried on by rotation."""

from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Identified, Numbered, Timed

Kind = Literal["browser", "app", "api_token", "service", "client", "support"]
SUPPORT = "support"
"""The kind of a session in which support acts in somebody's name: the portal alone takes it."""


class UserSession(Identified, Timed, Base):
    """A sign-in: a cookie, a refresh-token family, an opaque token, an API token, a service token.

    It is a person's, a service user's or a client account's: exactly one of the three ids is there.
    """

    __tablename__ = "sessions"
    __table_args__ = (
        sa.Index("ix_sessions_user_live", "user_id", "revoked_at", "last_used_at"),
        sa.Index("ix_sessions_tenant", "tenant_id", "user_id"),
        sa.Index("ix_sessions_service_user", "service_user_id", "expires_at"),
        sa.Index("ix_sessions_client", "client_id", "expires_at"),
    )

    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    service_user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("service_users.id", ondelete="CASCADE"))
    client_id: Mapped[int | None] = mapped_column(sa.ForeignKey("client_accounts.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(sa.String(20))
    dialect: Mapped[str] = mapped_column(sa.String(20))
    token_hash: Mapped[bytes | None] = mapped_column(sa.LargeBinary(32), unique=True)
    """Of the opaque token in cookie or body; None where only JWTs carry the session."""
    method: Mapped[str] = mapped_column(sa.String(20), default="password")
    """How the person proved themselves first: password, code, oauth, sign_up.

    Of a client: password, signup, or vouched for by the organization's own application.
    """
    factors: Mapped[int] = mapped_column(default=1)
    proven_at: Mapped[datetime]
    two_factor_at: Mapped[datetime | None]
    """When it showed a second factor, at the sign-in or later; None while it has one."""
    tenant_id: Mapped[int | None] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    """The one organization it works in (API tokens, api_v1's sign-ins); None for a person-level sign-in."""
    selected_tenant_id: Mapped[int | None] = mapped_column(sa.ForeignKey("tenants.id", ondelete="SET NULL"))
    """The organization chosen last: the portal shows it in this browser; a program has a token for it."""
    environment: Mapped[str | None] = mapped_column(sa.String(16))
    scopes: Mapped[list[str] | None]
    name: Mapped[str] = mapped_column(sa.String(100))
    """What people call it: "Firefox on Linux", or the name given to a token."""
    device_key: Mapped[str] = mapped_column(sa.String(64), default="")
    """What tells a new device from a known one."""
    user_agent: Mapped[str] = mapped_column(sa.String(400), default="")
    ip: Mapped[str | None] = mapped_column(sa.String(45))
    country: Mapped[str | None] = mapped_column(sa.String(2))
    persistent: Mapped[bool] = mapped_column(default=False)
    """Whether the person asked to be remembered."""
    last_used_at: Mapped[datetime]
    prefix: Mapped[str | None] = mapped_column(sa.String(12))
    """The beginning of an API token, by which its owner knows it."""
    used_at: Mapped[datetime | None]
    """When an API token was last used; None for one that never was."""
    reminded_at: Mapped[datetime | None]
    """When its owner was told that an API token runs out soon."""
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_reason: Mapped[str | None] = mapped_column(sa.String(40))


class RefreshToken(Numbered, Base):
    """One link of a rotation chain; the family is its session."""

    __tablename__ = "refresh_tokens"

    session_id: Mapped[int] = mapped_column(sa.ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[bytes] = mapped_column(sa.LargeBinary(32), unique=True)
    parent_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("refresh_tokens.id", ondelete="CASCADE"), index=True
    )
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    rotated_at: Mapped[datetime | None]
    """When it was first swapped for a successor."""
    retired_at: Mapped[datetime | None]
    """When a successor of it was itself rotated: from then on any use is a reuse."""
