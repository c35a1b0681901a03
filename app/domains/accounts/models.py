"""A person, once on the whole instance, and what they agreed to."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock, links
from app.core.db import Base, Identified, Numbered, Timed


class User(Identified, Timed, Base):
    """One person; ``email_key`` is what their address is compared by."""

    __tablename__ = "users"

    email: Mapped[str] = mapped_column(sa.String(320))
    email_key: Mapped[str] = mapped_column(sa.String(320), unique=True)
    email_verified_at: Mapped[datetime | None]
    pending_email: Mapped[str | None] = mapped_column(sa.String(320), index=True)
    """The address that is to take the place of the present one once its mailbox has answered."""
    pending_email_until: Mapped[datetime | None]
    first_name: Mapped[str] = mapped_column(sa.String(100), default="")
    last_name: Mapped[str] = mapped_column(sa.String(100), default="")
    handle: Mapped[str | None] = mapped_column(sa.String(15), unique=True)
    display_name: Mapped[str | None] = mapped_column(sa.String(50))
    bio: Mapped[str | None] = mapped_column(sa.String(500))
    is_public: Mapped[bool] = mapped_column(default=True)
    phone: Mapped[str | None] = mapped_column(sa.String(20))
    avatar: Mapped[str | None] = mapped_column("avatar_url", sa.String(2000))
    """The path of a picture that is kept here, or another site's address."""
    locale: Mapped[str | None] = mapped_column(sa.String(35))
    timezone: Mapped[str | None] = mapped_column(sa.String(64))
    password_hash: Mapped[str | None] = mapped_column(sa.String(200))
    password_changed_at: Mapped[datetime | None]
    is_platform_admin: Mapped[bool] = mapped_column(default=False)
    disabled_at: Mapped[datetime | None]
    joined_at: Mapped[datetime | None]
    """When handle and proven address first came together: v0's public event, once in a life."""
    two_factor_enabled_at: Mapped[datetime | None]
    preferences: Mapped[dict[str, Any]] = mapped_column(default=dict)
    first_seen_in: Mapped[str] = mapped_column(sa.String(20), default="portal")

    @property
    def name(self) -> str:
        """Return what the person is called: the display name, else first and last name, else the address."""
        return self.display_name or f"{self.first_name} {self.last_name}".strip() or self.email

    @property
    def public_name(self) -> str | None:
        """Return what strangers see: never the address, nor a name given to an organization."""
        return self.display_name or self.handle

    @property
    def avatar_url(self) -> str | None:
        """Return the whole address of the person's picture."""
        return links.absolute(self.avatar)

    @property
    def greeting(self) -> str:
        """Return how mails address the person."""
        return self.first_name or self.display_name or "there"

    @property
    def email_verified(self) -> bool:
        """Say whether the person has proven their mailbox."""
        return self.email_verified_at is not None

    @property
    def awaited_email(self) -> str | None:
        """Return the address whose mailbox may still answer, None when no change is under way."""
        until = self.pending_email_until
        return self.pending_email if until is not None and until > clock.now() else None

    @property
    def has_password(self) -> bool:
        """Say whether a password signs the person in."""
        return self.password_hash is not None

    @property
    def two_factor_enabled(self) -> bool:
        """Say whether a sign-in asks for a second factor."""
        return self.two_factor_enabled_at is not None


class PolicyAcceptance(Numbered, Base):
    """That a person agreed to one version of one policy, with the proof of what they saw."""

    __tablename__ = "policy_acceptances"
    __table_args__ = (sa.UniqueConstraint("user_id", "type", "version"),)

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    type: Mapped[str] = mapped_column(sa.String(20))
    version: Mapped[str] = mapped_column(sa.String(20))
    sha256: Mapped[str] = mapped_column(sa.String(64))
    ip: Mapped[str | None] = mapped_column(sa.String(45))
    accepted_at: Mapped[datetime] = mapped_column(default=clock.now)


class PolicyVersion(Numbered, Base):
    """One published version of a legal text in one language; it is never changed again."""

    __tablename__ = "policy_versions"
    __table_args__ = (sa.UniqueConstraint("type", "version", "language"),)

    type: Mapped[str] = mapped_column(sa.String(20))
    version: Mapped[str] = mapped_column(sa.String(20))
    language: Mapped[str] = mapped_column(sa.String(35))
    title: Mapped[str] = mapped_column(sa.String(200))
    content_html: Mapped[str] = mapped_column(sa.Text())
    sha256: Mapped[str] = mapped_column(sa.String(64))
    changes: Mapped[str | None] = mapped_column(sa.String(1000))
    """What is new in it, in a few sentences, for those who are asked to accept it."""
    must_accept: Mapped[bool]
    effective_at: Mapped[datetime]
    published_at: Mapped[datetime] = mapped_column(default=clock.now)
    published_by: Mapped[str] = mapped_column(sa.String(100))
    """Who put it in force: the name of the command, or of who ran it."""


class Picture(Identified, Base):
    """A picture that a person gave, as it is kept: its address names the row, never the file."""

    __tablename__ = "pictures"

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    key: Mapped[str] = mapped_column(sa.String(80), unique=True)
    """Where ``core.storage`` keeps the file."""
    size: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class HeldHandle(Numbered, Base):
    """A handle nobody may take for a while: given up, or named in a sign-up of a known address."""

    __tablename__ = "held_handles"

    handle: Mapped[str] = mapped_column(sa.String(15), unique=True)
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    until: Mapped[datetime]


class HeldAddress(Numbered, Base):
    """An address that was given up and that nobody else may take while the change can still be undone."""

    __tablename__ = "held_addresses"

    email: Mapped[str] = mapped_column(sa.String(320))
    email_key: Mapped[str] = mapped_column(sa.String(320), unique=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    until: Mapped[datetime]
