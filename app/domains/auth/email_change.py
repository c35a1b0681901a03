"""Changing one's address: asked for in a fresh session, done once the new mailbox has answered."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.core import clock, outbox
from app.core.access import Access, Actor, operation
from app.core.buckets import EMAIL_CHANGE_CHECKS, EMAIL_CHANGE_MAILS, MAIL_TOKEN_CHECKS, VERIFICATION_MAILS
from app.core.db import db, read
from app.core.errors import ValidationFailed
from app.core.links import public_url
from app.core.outbox import Claimed
from app.domains.accounts import addresses, emails
from app.domains.accounts.models import User
from app.domains.accounts.profiles import mark_joined
from app.domains.accounts.queries import held
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.auth import email_moves, links
from app.domains.auth.email_moves import EmailChangeTokenInvalid
from app.domains.auth.links import FoundLink
from app.domains.auth.models import LinkPurpose, MailedLink
from app.domains.email import mails
from app.domains.sessions.models import UserSession
from app.domains.sessions.operations import end
from app.domains.sessions.proofs import require_fresh_or_password
from app.domains.settings import budgets
from app.domains.twofactor import recoveries

CHANGE_REQUEST = "auth.email_change"
_ENDED_BY_HAND = frozenset({"revoked", "signed_out_everywhere", "refresh_reuse"})
"""How a sign-in ends that its person does not trust: what it asked for goes with it."""


@dataclass(frozen=True)
class ChangeAsked:
    """A change that waits for its mailbox; nothing in it tells whether the address can be had."""

    email: str
    expires_at: datetime
    expires_in: timedelta


@dataclass(frozen=True)
class Changed:
    """The address that a person has now."""

    email: str
    verified_at: datetime


@operation(Access.INTERACTIVE)
def request(actor: Actor, *, email: str, password: str | None = None) -> ChangeAsked:
    """Ask for another address: its mailbox gets a token, the present one is told at once.

    One that belongs to somebody gets a notice in place of the token, with the same answer and work here. The
    present address stays until the token comes back; a new request ends the older one.

    :param password: the proof where the session's last one is too old
    :raises ValidationFailed: if it is no address, or the present one
    :raises StepUpRequired: without a password, when the last proof is too old
    :raises CurrentPasswordWrong: counted
    :raises RateLimited: after five in an hour to one address, or from one
    """
    address = emails.checked(email)
    key = emails.key_of(address)
    if key == emails.key_of(actor.email):
        raise ValidationFailed({"email": ["This is your address already."]})
    require_fresh_or_password(actor, password)
    budgets.spend(EMAIL_CHANGE_MAILS, email=key, ip=actor.origin.ip)
    life = links.life(LinkPurpose.EMAIL_CHANGE)
    user = held(actor.user_id or 0)
    email_moves.drop_pending(user)
    asked = _wait_for(user, address, life, actor.session_id)
    record(
        actor,
        AuditKind.USER_EMAIL_CHANGE_REQUESTED,
        subject=("user", user.id),
        changes={"to": emails.masked(address)},
    )
    _tell_present_mailbox(user, actor.session_id)
    return asked


def _wait_for(user: User, address: str, life: timedelta, session_id: int | None) -> ChangeAsked:
    until = clock.now() + life
    user.pending_email, user.pending_email_until = address, until
    outbox.promise(CHANGE_REQUEST, {"user_id": user.id, "email": address, "session_id": session_id})
    return ChangeAsked(address, until, life)


def _tell_present_mailbox(user: User, session_id: int | None) -> None:
    """Say what was asked for; a mailbox that the person has proven can stop it."""
    link = public_url("/account/email")
    if user.email_verified:
        issued = links.issue(LinkPurpose.EMAIL_STOP, user, session_id=session_id)
        link = public_url("/email/stop", token=issued.token)
    mails.email_change_notice(user.email, first_name=user.greeting, at=clock.now(), link=link)


@outbox.effect(CHANGE_REQUEST)
def _mail_token(claimed: Claimed) -> None:
    address = claimed.payload["email"]
    user = db.session.get(User, claimed.payload["user_id"])
    if user is None or user.disabled_at is not None:
        return
    key = emails.key_of(address)
    owner = addresses.by_key(key)
    if owner is not None and owner.id != user.id:
        mails.address_in_use_notice(
            addresses.written_to(owner, key), first_name=owner.greeting, sign_in_url=public_url("/sign-in")
        )
        return
    if user.awaited_email != address:
        return  # replaced or cancelled meanwhile
    issued = links.issue(
        LinkPurpose.EMAIL_CHANGE,
        user,
        address=address,
        session_id=claimed.payload["session_id"],
        expires_at=user.pending_email_until,
    )
    mails.email_change_token(
        address,
        first_name=user.greeting,
        confirm_url=public_url("/email/confirm", token=issued.token),
        token=issued.token,
        expires_in=issued.expires_in,
    )


def awaited(actor: Actor) -> str | None:
    """Return the address that the actor's change waits for, read before the request's transaction begins."""
    row = read(sa.select(User.pending_email, User.pending_email_until).where(User.id == actor.user_id))[0]
    until = row.pending_email_until
    return row.pending_email if until is not None and until > clock.now() else None


def mail_again(actor: Actor, address: str) -> timedelta:
    """Mail the confirmation of a change under way once more; it ends the one before.

    :raises RateLimited: after five in half an hour
    """
    budgets.spend(VERIFICATION_MAILS, email=emails.key_of(address))
    life = links.life(LinkPurpose.EMAIL_CHANGE)
    user = held(actor.user_id or 0)
    if user.awaited_email == address:
        _wait_for(user, address, life, _asking_session(user) or actor.session_id)
    return life


def _asking_session(user: User) -> int | None:
    query = sa.select(MailedLink.session_id).where(
        MailedLink.user_id == user.id,
        MailedLink.purpose == LinkPurpose.EMAIL_CHANGE,
        MailedLink.ended_at.is_(None),
    )
    return db.session.scalar(query.order_by(MailedLink.id.desc()).limit(1))


@operation(Access.INTERACTIVE)
def cancel(actor: Actor) -> None:
    """Let the actor's change be; where none is under way nothing happens."""
    user = held(actor.user_id or 0)
    if user.pending_email is None:
        return
    email_moves.drop_pending(user)
    record(actor, AuditKind.USER_EMAIL_CHANGE_CANCELLED, subject=("user", user.id))


@operation(Access.PUBLIC)
def confirm(actor: Actor, *, token: str) -> Changed:
    """Make the new address the person's, with the token out of its mailbox; whoever opens it.

    :raises EmailChangeTokenInvalid: unknown, used, replaced, too old
    :raises EmailTaken: if somebody has the address by now
    :raises RateLimited: after too many bad ones from one address
    """
    budgets.require_room(MAIL_TOKEN_CHECKS, ip=actor.origin.ip)
    found = links.look_up(token, LinkPurpose.EMAIL_CHANGE)
    if found is None or not found.open:
        budgets.spend(MAIL_TOKEN_CHECKS, ip=actor.origin.ip)
        raise EmailChangeTokenInvalid
    return _change(actor, found)


@operation(Access.INTERACTIVE)
def confirm_own(actor: Actor, *, token: str) -> Changed:
    """Make the new address the actor's, with the token of their own request; in any of their sessions.

    :raises EmailChangeTokenInvalid: also for the token of somebody else's request
    :raises EmailTaken: if somebody has the address by now
    :raises RateLimited: after ten bad ones in an hour
    """
    budgets.require_room(EMAIL_CHANGE_CHECKS, user=actor.user_id)
    found = links.look_up(token, LinkPurpose.EMAIL_CHANGE)
    if found is None or not found.open or found.user_id != actor.user_id:
        budgets.spend(EMAIL_CHANGE_CHECKS, user=actor.user_id)
        raise EmailChangeTokenInvalid
    return _change(actor, found)


def _change(actor: Actor, found: FoundLink) -> Changed:
    user, link = (
        held(found.user_id),
        links.use(found),
    )  # the person is locked first, as everywhere
    if link is None or not _still_wanted(link, user):
        raise EmailChangeTokenInvalid
    old, address = user.email, link.address or ""
    back = _way_back(user, link, emails.key_of(address))
    email_moves.end_what_was_sent(user)
    email_moves.drop_pending(user)
    recoveries.cancel(actor, user)
    email_moves.take(user, address)
    end(actor, _others(actor, link), reason="email_changed", user_id=user.id)
    changes = {"from": emails.masked(old), "to": emails.masked(address)}
    record(actor, AuditKind.USER_EMAIL_CHANGED, subject=("user", user.id), user_id=user.id, changes=changes)
    record(actor, AuditKind.USER_EMAIL_VERIFIED, subject=("user", user.id), user_id=user.id)
    mark_joined(actor, user)
    now = clock.now()
    for to, link_in_mail in ((old, back), (address, public_url("/account/security-log"))):
        mails.email_change(to, first_name=user.greeting, new_email=address, at=now, link=link_in_mail)
    return Changed(address, now)


def _still_wanted(link: MailedLink, user: User) -> bool:
    """Say whether nothing took the ground from under a request: another address, password or distrust."""
    if user.disabled_at is not None or user.email_key != link.email_key or user.pending_email != link.address:
        return False
    asked_in = db.session.get(UserSession, link.session_id) if link.session_id else None
    return asked_in is None or asked_in.revoked_reason not in _ENDED_BY_HAND


def _way_back(user: User, link: MailedLink, key: str) -> str:
    """Return what the old mailbox can do: undo, but for one never proven, or left for where it came from."""
    earlier = email_moves.way_back_to(user, key)
    if earlier is not None:
        email_moves.close_ways_back(user, since=earlier)
    elif user.email_verified:
        return email_moves.open_way_back(user, link.session_id)
    return public_url("/sign-in")


def _others(actor: Actor, link: MailedLink) -> list[int]:
    """Return the person's sign-ins but the one that asked and the one that confirms; API tokens stay."""
    kept = [session_id for session_id in (link.session_id, actor.session_id) if session_id is not None]
    query = sa.select(UserSession.id).where(
        UserSession.user_id == link.user_id,
        UserSession.revoked_at.is_(None),
        UserSession.kind != "api_token",
        UserSession.id.not_in(kept),
    )
    return list(db.session.scalars(query).all())
