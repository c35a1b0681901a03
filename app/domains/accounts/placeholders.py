"""People who were invited and have not come yet: an address without a password, that nobody has proven.

Nobody signed up for a placeholder, so it counts as unknown wherever somebody asks whether an address is
known, nothing is mailed to it but its invitations, and the first sign-up of its address becomes it.
"""

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.core.db import db
from app.domains.accounts import emails
from app.domains.accounts.addresses import EmailTaken, by_key, require_not_held
from app.domains.accounts.models import User

IS_ONE = sa.and_(
    User.password_hash.is_(None), User.email_verified_at.is_(None), User.is_platform_admin.is_(False)
)
"""What a query knows them by."""


def is_placeholder(user: User) -> bool:
    """Say whether nobody has come for this row yet."""
    return user.password_hash is None and user.email_verified_at is None and not user.is_platform_admin


def person_or_placeholder(address: str, *, first_seen_in: str) -> User:
    """Return whose an address is; a placeholder made for it where it is nobody's.

    :raises EmailTaken: if it is kept for somebody who gave it up a moment ago
    """
    key = emails.key_of(address)
    found = db.session.scalar(sa.select(User).where(User.email_key == key))
    if found is not None:
        return found
    if by_key(key) is not None:
        raise EmailTaken
    try:
        with db.session.begin_nested():
            made = User(email=address, email_key=key, first_seen_in=first_seen_in)
            db.session.add(made)
            db.session.flush()  # the unique address decides between two at once
            require_not_held(key, made.id)
            return made
    except IntegrityError:
        return db.session.scalars(sa.select(User).where(User.email_key == key)).one()


def known(key: str) -> User | None:
    """Return the person whose address it is, or for whom it is kept; a placeholder is nobody yet."""
    found = by_key(key)
    return None if found is None or is_placeholder(found) else found


def claimed(address: str) -> User | None:
    """Return an address's placeholder held for whoever comes for it; None if there is none any more."""
    query = sa.select(User).where(User.email_key == emails.key_of(address), IS_ONE).with_for_update()
    return db.session.scalar(query.execution_options(populate_existing=True))
