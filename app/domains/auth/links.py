"""Random tokens that go out in links: one purpose, one person, one use; a newer one ends the older."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa

from app.core import clock, ids
from app.core.access import Access, Actor, operation
from app.core.db import db, read
from app.core.secrets import token_hash
from app.domains.accounts.models import User
from app.domains.auth.models import LinkPurpose, MailedLink
from app.domains.settings import queries as settings

_LIFE = {
    LinkPurpose.VERIFY_EMAIL: ("auth.verification_expiry_hours", timedelta(hours=1)),
    LinkPurpose.PASSWORD_RESET: ("auth.reset_expiry_minutes", timedelta(minutes=1)),
    LinkPurpose.EMAIL_CHANGE: ("auth.reset_expiry_minutes", timedelta(minutes=1)),
}
CLAIMS = frozenset({LinkPurpose.TENANT_CLAIM, LinkPurpose.TENANT_CLAIM_ANEW})
_SIDE_BY_SIDE = CLAIMS | {
    LinkPurpose.EMAIL_STOP,
    LinkPurpose.EMAIL_UNDO,
    LinkPurpose.PASSKEY_UNDO,
    LinkPurpose.KEEP_ACCOUNT,
    LinkPurpose.RECOVERY_CANCEL,
}
"""Those that a newer one does not end."""
_WEEK = timedelta(days=7)
_MAX_LENGTH = 200


class LinkState(StrEnum):
    """How a link stands."""

    OPEN = "open"
    USED = "used"
    ENDED = "ended"
    """Before anybody used it: a newer one came, or what it was for is over."""
    EXPIRED = "expired"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class IssuedLink:
    """A token to be mailed, and how long it is good."""

    token: str
    expires_in: timedelta


@dataclass(frozen=True)
class FoundLink:
    """A link as it stood when it was shown, read before the request's transaction begins."""

    id: int
    purpose: LinkPurpose
    user_id: int
    used: bool
    open: bool


def life(purpose: LinkPurpose) -> timedelta:
    """Return how long a new link of this purpose is good."""
    if purpose in _SIDE_BY_SIDE:
        return _WEEK
    key, unit = _LIFE[purpose]
    return settings.integer(key) * unit


def issue(
    purpose: LinkPurpose,
    user: User,
    *,
    tenant_id: int | None = None,
    address: str | None = None,
    session_id: int | None = None,
    passkey_id: int | None = None,
    expires_at: datetime | None = None,
) -> IssuedLink:
    """Make a link's token for a person and end the older ones of its purpose, where they are not kept.

    :param address: the other address, where the link is about a change of it
    :param session_id: the sign-in that asked for that
    :param passkey_id: the new passkey, where the link takes one away
    :param expires_at: where what it is good for has begun already
    """
    if purpose not in _SIDE_BY_SIDE:
        end_open(purpose, user.id)
    token, now = ids.new_token(), clock.now()
    expires_at = expires_at or now + life(purpose)
    db.session.add(
        MailedLink(
            purpose=purpose,
            token_hash=token_hash(token),
            user_id=user.id,
            email_key=user.email_key,
            tenant_id=tenant_id,
            address=address,
            session_id=session_id,
            passkey_id=passkey_id,
            created_at=now,
            expires_at=expires_at,
        )
    )
    return IssuedLink(token, expires_at - now)


def look_up(token: str, *purposes: LinkPurpose) -> FoundLink | None:
    """Return a link that has not run out, used or not; None for what was never given out or is too old."""
    if len(token) > _MAX_LENGTH:
        return None
    rows = read(
        sa.select(
            MailedLink.id, MailedLink.purpose, MailedLink.user_id, MailedLink.used_at, MailedLink.ended_at
        ).where(
            MailedLink.token_hash == token_hash(token),
            MailedLink.purpose.in_(purposes),
            MailedLink.expires_at > clock.now(),
        )
    )
    if not rows:
        return None
    row = rows[0]
    return FoundLink(row.id, row.purpose, row.user_id, row.used_at is not None, row.ended_at is None)


@operation(Access.PUBLIC)
def state(actor: Actor, *, token: str, purposes: Collection[LinkPurpose]) -> LinkState:
    """Return how a link stands, for whoever has it; looking changes nothing, for scanners open links."""
    rows = read(
        sa.select(MailedLink.used_at, MailedLink.ended_at, MailedLink.expires_at).where(
            MailedLink.token_hash == token_hash(token[: _MAX_LENGTH + 1]), MailedLink.purpose.in_(purposes)
        )
    )
    for row in rows:
        if row.used_at is not None:
            return LinkState.USED
        if row.ended_at is not None:
            return LinkState.ENDED
        return LinkState.OPEN if row.expires_at > clock.now() else LinkState.EXPIRED
    return LinkState.UNKNOWN


def use(link: FoundLink) -> MailedLink | None:
    """Use a link up; of two at once one gets it, the other None."""
    now = clock.now()
    return db.session.scalars(
        sa.update(MailedLink)
        .where(MailedLink.id == link.id, MailedLink.ended_at.is_(None))
        .values(used_at=now, ended_at=now)
        .returning(MailedLink)
        .execution_options(populate_existing=True)
    ).first()


def end_open(purpose: LinkPurpose, user_id: int) -> None:
    """End a person's open links of one purpose."""
    db.session.execute(
        sa.update(MailedLink)
        .where(MailedLink.user_id == user_id, MailedLink.purpose == purpose, MailedLink.ended_at.is_(None))
        .values(ended_at=clock.now())
        .execution_options(synchronize_session=False)
    )
