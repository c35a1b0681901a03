"""Moving an account from one address to another: who may have it, what dies with the old, the way back."""

import sqlalchemy as sa

from app.core import clock
from app.core.db import db, one_wins
from app.core.errors import Refused
from app.core.links import public_url
from app.domains.accounts import addresses
from app.domains.accounts.addresses import EmailTaken
from app.domains.accounts.emails import key_of
from app.domains.accounts.models import User
from app.domains.auth import codes, links, login_tokens
from app.domains.auth.models import LinkPurpose, MailedLink, SignUp
from app.domains.email import bounces

_SENT_TO_THE_OLD = (
    LinkPurpose.VERIFY_EMAIL,
    LinkPurpose.PASSWORD_RESET,
    LinkPurpose.EMAIL_CHANGE,
    LinkPurpose.EMAIL_STOP,
    *links.CLAIMS,
)


class EmailChangeTokenInvalid(Refused):
    """Unknown, used, replaced, expired, or of another's request: all alike."""

    code, message = "auth:email_change_token_invalid", "This token is not valid any more."


def take(user: User, address: str) -> None:
    """Make an address, whose mailbox has just answered, the person's own; of two at once one gets it.

    :raises EmailTaken: if somebody else has it, or has a claim to it
    """
    with one_wins(or_else=EmailTaken):
        user.email, user.email_key, user.email_verified_at = address, key_of(address), clock.now()
    bounces.forget(address, everywhere=True)
    addresses.require_not_held(user.email_key, user.id)


def drop_pending(user: User) -> None:
    """Let a change that is under way be."""
    user.pending_email = user.pending_email_until = None
    links.end_open(LinkPurpose.EMAIL_CHANGE, user.id)


def end_what_was_sent(user: User) -> None:
    """End every link, code, half sign-in and sign-up that rests on the address the person has had."""
    for purpose in _SENT_TO_THE_OLD:
        links.end_open(purpose, user.id)
    codes.end_all_of(user.id)
    login_tokens.end_all_of(user.id)
    waiting = sa.update(SignUp).where(SignUp.user_id == user.id, SignUp.ended_at.is_(None))
    waiting = waiting.values(ended_at=clock.now(), waiting=None)
    db.session.execute(waiting.execution_options(synchronize_session=False))


def open_way_back(user: User, session_id: int | None) -> str:
    """Return a link that will put the present address back, which is kept for the person as long.

    It outlives changes of password and later changes of address, so that the first mailbox can undo them all.
    """
    issued = links.issue(LinkPurpose.EMAIL_UNDO, user, address=user.email, session_id=session_id)
    addresses.hold(user.email, user_id=user.id, until=clock.now() + issued.expires_in)
    return public_url("/email/undo", token=issued.token)


def close_ways_back(user: User, since: int) -> None:
    """End the ways back that were opened by a change and by those after it, and give their addresses free."""
    ended = (
        sa.update(MailedLink)
        .where(
            MailedLink.user_id == user.id,
            MailedLink.purpose == LinkPurpose.EMAIL_UNDO,
            MailedLink.id >= since,
            sa.or_(MailedLink.ended_at.is_(None), MailedLink.id == since),
        )
        .values(ended_at=clock.now())
        .returning(MailedLink.address)
        .execution_options(synchronize_session=False)
    )
    for address in db.session.scalars(ended).all():
        addresses.release(address or "")


def way_back_to(user: User, key: str) -> int | None:
    """Return the oldest open way back to an address, None if there is none."""
    query = sa.select(sa.func.min(MailedLink.id)).where(
        MailedLink.user_id == user.id,
        MailedLink.purpose == LinkPurpose.EMAIL_UNDO,
        MailedLink.email_key == key,
        MailedLink.ended_at.is_(None),
        MailedLink.expires_at > clock.now(),
    )
    return db.session.scalar(query)
