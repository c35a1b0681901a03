"""Passkeys, and the challenges that are waiting for one to answer."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Base, Identified, Numbered, Words


class Passkey(Identified, Base):
    """A key pair of which we hold the public half; the other never leaves the person's device."""

    __tablename__ = "passkeys"

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    user_handle: Mapped[bytes] = mapped_column(sa.LargeBinary(64))
    """What the device knows the person by: random, the same for all passkeys of one person."""
    credential_id: Mapped[bytes] = mapped_column(sa.LargeBinary(1023), unique=True)
    public_key: Mapped[bytes] = mapped_column(sa.LargeBinary(2048))
    sign_count: Mapped[int] = mapped_column(sa.BigInteger)
    """How often the device says that it has signed; 0 for ever where it does not count."""
    name: Mapped[str] = mapped_column(sa.String(100))
    transports: Mapped[list[str]]
    backed_up: Mapped[bool]
    """Whether it is kept by more than one device, as far as the device says."""
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    last_used_at: Mapped[datetime | None]


class CeremonyPurpose(StrEnum):
    REGISTRATION = "registration"
    SIGN_IN = "sign_in"
    SECOND_STEP = "second_step"
    STEP_UP = "step_up"


class PasskeyCeremony(Numbered, Base):
    """A challenge that waits for its answer: one purpose, one place to answer from, one use."""

    __tablename__ = "passkey_ceremonies"

    purpose: Mapped[CeremonyPurpose] = mapped_column(Words(CeremonyPurpose))
    challenge_hash: Mapped[bytes] = mapped_column(sa.LargeBinary(32), unique=True)
    bound_hash: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    """Of what must come along with the answer: the session, the login token, the browser."""
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    """Who alone may answer; None while nobody is known."""
    user_handle: Mapped[bytes | None] = mapped_column(sa.LargeBinary(64))
    """What a passkey that is being made will know the person by."""
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
