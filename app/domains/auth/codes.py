"""Six-digit codes that go through a mailbox: one purpose, one address, a few tries, one use."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.errors import Refused
from app.core.secrets import keyed_hash, same
from app.domains.auth.models import CodePurpose, MailedCode
from app.domains.settings import queries as settings

LENGTH = 6


class OtpInvalid(Refused):
    """Wrong, expired, used, used up, replaced, or never sent: nobody is told which."""

    code, message, commits = "auth:otp_invalid", "This code is not valid.", True


@dataclass(frozen=True)
class IssuedCode:
    """A code to be mailed, and how long it is good."""

    code: str
    expires_in: timedelta


@dataclass(frozen=True)
class CodeRules:
    """What a page tells of the codes it waits for."""

    length: int
    expires_in: timedelta
    tries: int


def rules() -> CodeRules:
    """Return length, life and tries of codes as the settings have them."""
    wanted = settings.integers(["auth.otp_expiry_minutes", "auth.otp_max_attempts"])
    life = timedelta(minutes=wanted["auth.otp_expiry_minutes"])
    return CodeRules(LENGTH, life, wanted["auth.otp_max_attempts"])


def issue(
    purpose: CodePurpose,
    email_key: str,
    *,
    user_id: int | None = None,
    sign_up_id: int | None = None,
    session_id: int | None = None,
) -> IssuedCode:
    """Make a code and end the one before for the same purpose and address."""
    end_open(purpose, email_key)
    now, allowed = clock.now(), rules()
    code = f"{secrets.randbelow(10**LENGTH):0{LENGTH}d}"
    db.session.add(
        MailedCode(
            purpose=purpose,
            email_key=email_key,
            user_id=user_id,
            sign_up_id=sign_up_id,
            session_id=session_id,
            code_hash=_hash(purpose, email_key, code),
            tries_left=allowed.tries,
            created_at=now,
            expires_at=now + allowed.expires_in,
        )
    )
    return IssuedCode(code, allowed.expires_in)


def check(
    purpose: CodePurpose,
    email_key: str,
    code: str,
    *,
    sign_up_id: int | None = None,
    session_id: int | None = None,
) -> MailedCode:
    """Use a code up, or use up one of its tries; of many at once with the right code one wins.

    :param sign_up_id: take only the code of this sign-up
    :param session_id: take only the code that this session asked for
    :raises OtpInvalid: whatever was wrong
    """
    open_code = [
        MailedCode.purpose == purpose,
        MailedCode.email_key == email_key,
        MailedCode.ended_at.is_(None),
        MailedCode.expires_at > clock.now(),
        MailedCode.tries_left > 0,
    ]
    if sign_up_id is not None:
        open_code.append(MailedCode.sign_up_id == sign_up_id)
    if session_id is not None:
        open_code.append(MailedCode.session_id == session_id)
    found = db.session.scalars(
        sa.update(MailedCode)
        .where(*open_code)
        .values(tries_left=MailedCode.tries_left - 1)
        .returning(MailedCode)
        .execution_options(populate_existing=True)
    ).first()
    if found is None or not same(found.code_hash, _hash(purpose, email_key, code)):
        raise OtpInvalid
    found.ended_at = clock.now()
    return found


def end_open(purpose: CodePurpose, email_key: str) -> None:
    """End every open code of one purpose for an address."""
    _end(MailedCode.purpose == purpose, MailedCode.email_key == email_key)


def end_all_of(user_id: int) -> None:
    """End every open code of a person (another password, another address)."""
    _end(MailedCode.user_id == user_id)


def _end(*which: sa.ColumnElement[bool]) -> None:
    db.session.execute(
        sa.update(MailedCode)
        .where(*which, MailedCode.ended_at.is_(None))
        .values(ended_at=clock.now())
        .execution_options(synchronize_session=False)
    )


def _hash(purpose: CodePurpose, email_key: str, code: str) -> str:
    return keyed_hash(f"code:{purpose}:{email_key}", code.strip())
