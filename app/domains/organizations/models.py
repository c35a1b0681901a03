"""Offers of ownership, requests to join, proven domains, closings and exports."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.db import Base, Identified, Numbered, Words
from app.core.sealing import SealedText
from app.core.secrets import Sealed
from app.core.waiting import Waiting
from app.domains.accounts.models import User
from app.domains.privacy.models import Archived

_OPEN = sa.text("state = 'open'")
_PROVEN = sa.text("verified_at IS NOT NULL")
_UNDER_WAY = sa.text("state IN ('queued', 'making')")


class OfferState(StrEnum):
    OPEN = "open"
    """Until it is answered or has run out."""
    ACCEPTED = "accepted"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    """Taken back, or void because one of the two is not what they were."""


class OwnershipOffer(Identified, Base):
    """That the owner offers the organization to one of its members; one is open at a time."""

    __tablename__ = "ownership_offers"
    __table_args__ = (
        sa.Index("ix_ownership_offers_tenant", "tenant_id", "id"),
        sa.Index(
            "uq_ownership_offers_open",
            "tenant_id",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
    )

    tenant_id: Mapped[int] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    from_user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    to_user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    state: Mapped[OfferState] = mapped_column(Words(OfferState), default=OfferState.OPEN)
    offered_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]

    from_user: Mapped[User] = relationship(foreign_keys=[from_user_id], lazy="raise")
    to_user: Mapped[User] = relationship(foreign_keys=[to_user_id], lazy="raise")

    @property
    def is_open(self) -> bool:
        """Say whether it can be accepted now."""
        return self.state is OfferState.OPEN and self.expires_at > clock.now()


class JoinRequestState(StrEnum):
    OPEN = "open"
    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class JoinRequest(Identified, Base):
    """That a person asks to become a member; one is open for each person and organization."""

    __tablename__ = "join_requests"
    __table_args__ = (
        sa.Index("ix_join_requests_tenant", "tenant_id", "state", "id"),
        sa.Index(
            "uq_join_requests_open",
            "tenant_id",
            "user_id",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
    )

    tenant_id: Mapped[int] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    reason: Mapped[str | None] = mapped_column(sa.String(500))
    state: Mapped[JoinRequestState] = mapped_column(Words(JoinRequestState), default=JoinRequestState.OPEN)
    asked_at: Mapped[datetime] = mapped_column(default=clock.now)
    decided_at: Mapped[datetime | None]
    decided_by_user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id", ondelete="SET NULL"))
    answer: Mapped[str | None] = mapped_column(sa.String(500))

    user: Mapped[User] = relationship(foreign_keys=[user_id], lazy="raise")


class TenantDomain(Identified, Base):
    """A domain that an organization says is its own; proven by a TXT record, of one organization at most."""

    __tablename__ = "tenant_domains"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "domain"),
        sa.Index(
            "uq_tenant_domains_proven",
            "domain",
            unique=True,
            sqlite_where=_PROVEN,
            postgresql_where=_PROVEN,
        ),
    )

    tenant_id: Mapped[int] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    domain: Mapped[str] = mapped_column(sa.String(253))
    """In small letters, as the DNS has it (punycode)."""
    token: Mapped[str] = mapped_column(sa.String(60))
    """What stands in the record. It is no secret: it proves who can write the zone."""
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    verified_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    """When the DNS last said something."""
    missing_since: Mapped[datetime | None]
    """Since when the record of a proven domain was not found."""

    @property
    def record_name(self) -> str:
        """Return where the record stands: a name of its own, so that it is in nobody's way."""
        return f"_portico.{self.domain}"

    @property
    def record_text(self) -> str:
        """Return what the record says."""
        return f"portico-domain={self.token}"


class TenantClosing(Waiting, Base):
    """That an owner closes the organization, as long as they can think better of it.

    Whoever takes the row away decides: keeping takes it, and so does the last step of erasing.
    """

    __tablename__ = "tenant_closings"

    tenant_id: Mapped[int] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"), unique=True)
    requested_by_user_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    begun_at: Mapped[datetime | None]
    """When erasing began; from then on there is no way back."""


class TenantExport(Archived, Base):
    """A copy of all that is an organization's: made in steps, kept for a week where its files go."""

    __tablename__ = "tenant_exports"
    __table_args__ = (
        sa.Index("ix_tenant_exports_tenant", "tenant_id", "id"),
        sa.Index(
            "uq_tenant_exports_under_way",
            "tenant_id",
            unique=True,
            sqlite_where=_UNDER_WAY,
            postgresql_where=_UNDER_WAY,
        ),
        sa.Index("ix_tenant_exports_state", "state", "expires_at"),
    )

    tenant_id: Mapped[int] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    requested_by_user_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    parts_key: Mapped[Sealed | None] = mapped_column(SealedText("tenant_exports:{tenant_id}"))
    """What its parts in that storage are sealed with: without it they are noise."""
    why: Mapped[str] = mapped_column(sa.String(60), default="")
    """The code of what went wrong."""


class TenantExportPart(Numbered, Base):
    """A piece of a finished export in the organization's own storage."""

    __tablename__ = "tenant_export_parts"
    __table_args__ = (
        sa.UniqueConstraint("export_id", "number", name="uq_tenant_export_parts_number"),
        sa.Index("ix_tenant_export_parts_file", "file_id"),
    )

    export_id: Mapped[int] = mapped_column(sa.ForeignKey("tenant_exports.id", ondelete="CASCADE"))
    number: Mapped[int]
    file_id: Mapped[int] = mapped_column(sa.ForeignKey("stored_files.id", ondelete="CASCADE"))
