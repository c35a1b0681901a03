"""What the old mailbox can do about a change of address: stop it while it waits, undo it afterwards."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.buckets import MAIL_TOKEN_CHECKS
from app.core.db import db, read
from app.core.links import public_url
from app.domains.accounts import emails
from app.domains.accounts.models import User
from app.domains.accounts.queries import held
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.auth import email_moves, links
from app.domains.auth.email_moves import EmailChangeTokenInvalid
from app.domains.auth.links import FoundLink
from app.domains.auth.models import LinkPurpose, MailedLink
from app.domains.email import mails
from app.domains.sessions.models import UserSession
from app.domains.sessions.operations import end_all
from app.domains.settings import budgets
from app.domains.twofactor import authenticators, passkeys, recoveries, recovery_codes

ClearUp = Callable[[Actor, User, datetime], None]
CLEARED_UP: list[ClearUp] = []


def on_undo(clear_up: ClearUp) -> ClearUp:
    """Register what a domain takes back, when a change is undone, of all that happened since it."""
    CLEARED_UP.append(clear_up)
    return clear_up


@dataclass(frozen=True)
class WayBack:
    """What a link out of the old mailbox is about."""

    old: str
    present: str
    changed_at: datetime


@operation(Access.PUBLIC)
def look(actor: Actor, *, token: str) -> WayBack | None:
    """Return what an undo link would put back, None for one that is not good (any more)."""
    found = links.look_up(token, LinkPurpose.EMAIL_UNDO)
    if found is None or not found.open:
        return None
    query = sa.select(MailedLink.address, MailedLink.created_at, User.email)
    row = read(query.join(User, User.id == MailedLink.user_id).where(MailedLink.id == found.id))[0]
    return WayBack(row.address, row.email, row.created_at)


@operation(Access.PUBLIC)
def stop(actor: Actor, *, token: str) -> None:
    """Let a change be that the present mailbox did not want, and end the sign-ins: one of them asked for it.

    :raises EmailChangeTokenInvalid: unknown, used, too old, or the address has changed already
    :raises RateLimited: after too many bad ones from one address
    """
    found = _found(actor, token, LinkPurpose.EMAIL_STOP)
    user, link = held(found.user_id), links.use(found)
    if link is None or link.email_key != user.email_key:
        raise EmailChangeTokenInvalid
    was_pending = user.pending_email is not None
    email_moves.drop_pending(user)
    end_all(actor, user_id=user.id, tokens_too=False, reason="email_change_stopped")
    if was_pending:
        record(actor, AuditKind.USER_EMAIL_CHANGE_CANCELLED, subject=("user", user.id), user_id=user.id)


@operation(Access.PUBLIC)
def undo(actor: Actor, *, token: str) -> str:
    """Put the old address back and everybody out: sign-ins, API tokens, the password. Returns the address.

    Undoes all changes after it as well. The old mailbox gets a link for a new password.

    :raises EmailChangeTokenInvalid: unknown, used or too old
    :raises EmailTaken: if somebody has the address by now
    :raises RateLimited: after too many bad ones from one address
    """
    found = _found(actor, token, LinkPurpose.EMAIL_UNDO)
    user, link = held(found.user_id), links.use(found)
    if link is None or user.disabled_at is not None:
        raise EmailChangeTokenInvalid
    left, address = user.email, link.address or ""
    email_moves.close_ways_back(user, since=link.id)
    email_moves.end_what_was_sent(user)
    email_moves.drop_pending(user)
    email_moves.take(user, address)
    user.password_hash, user.password_changed_at = None, clock.now()
    end_all(actor, user_id=user.id, tokens_too=True, reason="email_change_undone")
    _clear_up(actor, user, link)
    changes = {"from": emails.masked(left), "to": emails.masked(address)}
    record(
        actor, AuditKind.USER_EMAIL_CHANGE_UNDONE, subject=("user", user.id), user_id=user.id, changes=changes
    )
    _tell(user, left)
    return address


def _clear_up(actor: Actor, user: User, link: MailedLink) -> None:
    """Take away what whoever had the account may have left in it to come back by, or to end it with.

    Passkeys and recovery codes since the sign-in that asked for the change: they may have come before it. A
    second factor of before it stays: else the old mailbox could take away what keeps it out.
    """
    since, asked_in = link.created_at, db.session.get(UserSession, link.session_id or 0)
    signed_in = since if asked_in is None else min(since, asked_in.created_at)
    recoveries.cancel(actor, user)
    passkeys.remove_all_of(actor, user, since=signed_in)
    recovery_codes.end_those_saved_since(user.id, signed_in)
    if user.two_factor_enabled_at is not None and user.two_factor_enabled_at >= since:
        authenticators.switch_off(actor, user)
    for clear_up in CLEARED_UP:
        clear_up(actor, user, since)


def _tell(user: User, left: str) -> None:
    """Tell both mailboxes; only the old one can choose a new password at once."""
    issued = links.issue(LinkPurpose.PASSWORD_RESET, user)
    again = public_url("/reset-password", token=issued.token)
    for to, reset_url in ((user.email, again), (left, public_url("/forgot-password"))):
        mails.email_change_undone(
            to, first_name=user.greeting, email=user.email, at=clock.now(), reset_url=reset_url
        )


def _found(actor: Actor, token: str, purpose: LinkPurpose) -> FoundLink:
    budgets.require_room(MAIL_TOKEN_CHECKS, ip=actor.origin.ip)
    found = links.look_up(token, purpose)
    if found is None or not found.open:
        budgets.spend(MAIL_TOKEN_CHECKS, ip=actor.origin.ip)
        raise EmailChangeTokenInvalid
    return found
