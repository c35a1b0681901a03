"""What lives between two steps of a way in: codes, links, login tokens, waiting sign-ups."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Base, Identified, Numbered, Words


class CodePurpose(StrEnum):
    SIGN_UP = "sign_up"
    SIGN_IN = "sign_in"
    SECURITY = "security"


class LinkPurpose(StrEnum):
    VERIFY_EMAIL = "verify_email"
    PASSWORD_RESET = "password_reset"
    EMAIL_CHANGE = "email_change"
    """To the new address: take it."""
    EMAIL_STOP = "email_stop"
    """To the present address, when another is asked for: let it be."""
    EMAIL_UNDO = "email_undo"
    """To the old address, when another has taken its place: put it back."""
    PASSKEY_UNDO = "passkey_undo"
    """With each new passkey: take it away again."""
    KEEP_ACCOUNT = "keep_account"
    """To somebody who asked to leave: stay."""
    RECOVERY_CONFIRM = "recovery_confirm"
    RECOVERY_CANCEL = "recovery_cancel"
    """In each mail about the removal of a lost second factor: stop it."""
    RECOVERY_FINISH = "recovery_finish"
    TENANT_CLAIM = "tenant_claim"
    TENANT_CLAIM_ANEW = "tenant_claim_anew"
    """The same of someone who did not know the password of an account that nobody has proven."""


class MailedCode(Numbered, Base):
    """A six-digit code on its way through a mailbox: one purpose, one address, a few tries, one use."""

    __tablename__ = "mailed_codes"
    __table_args__ = (sa.Index("ix_mailed_codes_open", "purpose", "email_key", "ended_at"),)

    purpose: Mapped[CodePurpose] = mapped_column(Words(CodePurpose))
    email_key: Mapped[str] = mapped_column(sa.String(320))
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    sign_up_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("sign_ups.id", ondelete="CASCADE"), index=True
    )
    session_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("sessions.id", ondelete="CASCADE"), index=True
    )
    code_hash: Mapped[str] = mapped_column(sa.String(64))
    tries_left: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    """When it was used, used up, or replaced by a newer one."""


class MailedLink(Numbered, Base):
    """A random token in a link: one purpose, one person, one use."""

    __tablename__ = "mailed_links"
    __table_args__ = (sa.Index("ix_mailed_links_user", "user_id", "purpose", "ended_at"),)

    purpose: Mapped[LinkPurpose] = mapped_column(Words(LinkPurpose))
    token_hash: Mapped[bytes] = mapped_column(sa.LargeBinary(32), unique=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    email_key: Mapped[str] = mapped_column(sa.String(320))
    """The person's address when the link was made."""
    tenant_id: Mapped[int | None] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    address: Mapped[str | None] = mapped_column(sa.String(320))
    """The address that a change of e-mail leads to, or that its undoing leads back to."""
    session_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("sessions.id", ondelete="SET NULL"), index=True
    )
    """The sign-in that asked for the change, which outlives it."""
    passkey_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    """The new passkey that it takes away with all later ones; that one may be gone already."""
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    """When it was used, replaced, or lost its ground (another password, another address)."""


class SignUp(Identified, Base):
    """A sign-up that waits for its code; its name and password count only once the mailbox has answered."""

    __tablename__ = "sign_ups"

    email: Mapped[str] = mapped_column(sa.String(320))
    email_key: Mapped[str] = mapped_column(sa.String(320), index=True)
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[bytes] = mapped_column(sa.LargeBinary(32), unique=True)
    waiting: Mapped[dict[str, Any] | None]
    """Name, password hash and language that an account never proven takes over."""
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]


class LoginToken(Numbered, Base):
    """Right password, second step to come: ten minutes, one use, five wrong codes."""

    __tablename__ = "login_tokens"

    token_hash: Mapped[bytes] = mapped_column(sa.LargeBinary(32), unique=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    method: Mapped[str] = mapped_column(sa.String(20))
    remember: Mapped[bool] = mapped_column(default=False)
    carrier: Mapped[str | None] = mapped_column(sa.String(10))
    """v0's session_mode, remembered for the second step."""
    needs_factor: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
