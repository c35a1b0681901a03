"""Whose an address is: its person's, or for a while still that of the person who gave it up."""

from datetime import datetime

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.errors import Conflict
from app.domains.accounts.emails import key_of
from app.domains.accounts.models import HeldAddress, User


class EmailTaken(Conflict):
    code, message = "user:email_taken", "This e-mail address is registered already."


def of_address(key: str) -> sa.Select[tuple[User]]:
    """Select the person whose address it is, or for whom it is kept while its change can be undone."""
    present = sa.select(User.id).where(User.email_key == key)
    owners = sa.union_all(present, _held(key).with_only_columns(HeldAddress.user_id))
    return sa.select(User).where(User.id.in_(owners)).order_by((User.email_key == key).desc()).limit(1)


def by_key(key: str) -> User | None:
    """Return the person whose address it is, or for whom it is kept."""
    return db.session.scalar(of_address(key))


def written_to(user: User, key: str) -> str:
    """Return where to write what concerns an address of the person's, never as somebody else typed it."""
    if user.email_key == key:
        return user.email
    return db.session.scalar(_held(key).with_only_columns(HeldAddress.email)) or user.email


def require_not_held(key: str, user_id: int) -> None:
    """Refuse an address that is kept for somebody else; asked after the unique key has had its say.

    :raises EmailTaken: if it is
    """
    if db.session.scalar(_held(key).where(HeldAddress.user_id != user_id)) is not None:
        raise EmailTaken


def hold(email: str, *, user_id: int, until: datetime) -> None:
    """Keep an address from everybody else."""
    release(email)
    held = HeldAddress(email=email, email_key=key_of(email), user_id=user_id, until=until)
    db.session.add(held)


def release(email: str) -> None:
    """Keep an address no longer: its person has it again, or lost their claim to it."""
    gone = sa.delete(HeldAddress).where(HeldAddress.email_key == key_of(email))
    db.session.execute(gone.execution_options(synchronize_session=False))


def _held(key: str) -> sa.Select[tuple[HeldAddress]]:
    return sa.select(HeldAddress).where(HeldAddress.email_key == key, HeldAddress.until > clock.now())
