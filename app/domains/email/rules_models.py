"""What organizations want of their mail, which choices people made about it, and what was opened."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Base, Numbered, Timed
from app.core.sealing import SealedText
from app.core.secrets import Sealed


class MailRules(Base):
    """One organization's rules: read as one row with each of its mails, changed a part at a time."""

    __tablename__ = "mail_rules"

    tenant_id: Mapped[int] = mapped_column(
        sa.ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    tracking: Mapped[dict[str, Any]] = mapped_column(default=dict)
    tracking_at: Mapped[datetime | None]
    tracking_domain_seen_at: Mapped[datetime | None]
    """Since when the CNAME of the domain for links points here, as far as the last look-up says."""
    compliance: Mapped[dict[str, Any]] = mapped_column(default=dict)
    compliance_at: Mapped[datetime | None]
    footer: Mapped[dict[str, Any]] = mapped_column(default=dict)
    footer_at: Mapped[datetime | None]


class SenderDomain(Base):
    """The domain that an organization writes from, its DKIM keys and how its records stood last."""

    __tablename__ = "sender_domains"

    tenant_id: Mapped[int] = mapped_column(
        sa.ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    domain: Mapped[str | None] = mapped_column(sa.String(253))
    dkim_selector: Mapped[str] = mapped_column(sa.String(63), default="mail")
    dmarc_policy: Mapped[str] = mapped_column(sa.String(10), default="none")
    report_email: Mapped[str | None] = mapped_column(sa.String(320))
    public_key: Mapped[str | None] = mapped_column(sa.Text())
    private_key: Mapped[Sealed | None] = mapped_column(SealedText("dkim:{tenant_id}"))
    """It never leaves again."""
    signs_selector: Mapped[str | None] = mapped_column(sa.String(63))
    """Under which name the key that signs now was seen in the DNS; None: nothing is signed."""
    signs_key: Mapped[Sealed | None] = mapped_column(SealedText("dkim:{tenant_id}"))
    """That key: the one before a rotation until the new record is seen."""
    records: Mapped[list[Any]] = mapped_column(sa.JSON(), default=list)
    """What the last look-up found, record by record."""
    status: Mapped[str] = mapped_column(sa.String(10), default="unset")
    checked_at: Mapped[datetime | None]
    updated_at: Mapped[datetime | None]


class EventChoice(Numbered, Timed, Base):
    """Whether one event reaches one person through one channel in one organization: what they chose."""

    __tablename__ = "event_choices"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "user_id", "event", "channel"),
        sa.Index("ix_event_choices_user", "user_id", "id"),
    )

    tenant_id: Mapped[int] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    event: Mapped[str] = mapped_column(sa.String(60))
    channel: Mapped[str] = mapped_column(sa.String(20))
    enabled: Mapped[bool]


class MailEngagement(Numbered, Base):
    """That one delivered mail was opened, or a link in it followed."""

    __tablename__ = "mail_engagements"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "delivery_uid"),
        sa.Index("ix_mail_engagements_age", "tenant_id", "first_at"),
        sa.Index("ix_mail_engagements_user", "user_id", "id"),
    )

    tenant_id: Mapped[int] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    delivery_uid: Mapped[str] = mapped_column(sa.String(36))
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    event: Mapped[str] = mapped_column(sa.String(60))
    first_at: Mapped[datetime] = mapped_column(default=clock.now)
    opened_at: Mapped[datetime]
    """A click counts as an opening."""
    last_opened_at: Mapped[datetime]
    clicked_at: Mapped[datetime | None]
    last_clicked_at: Mapped[datetime | None]
    ip: Mapped[str | None] = mapped_column(sa.String(45))
    user_agent: Mapped[str] = mapped_column(sa.String(400))
