"""Getting a lost second factor removed: a right password, the mailbox, and a wait in which it can be stopped.

Why it is no shorter, and what a new password or address does to it: docs/adr/0006.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.buckets import FACTOR_RECOVERIES, FACTOR_RECOVERY_STOPS, MAIL_TOKEN_CHECKS
from app.core.db import db, read
from app.core.errors import Conflict, Refused
from app.core.jobs import job
from app.core.limits import give_back
from app.core.links import public_url
from app.domains.accounts import emails
from app.domains.accounts.models import User
from app.domains.accounts.passwords import CurrentPasswordWrong
from app.domains.accounts.profiles import UserNotFound
from app.domains.accounts.queries import held
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.auth import codes, links, login_tokens, second_step
from app.domains.auth.links import FoundLink
from app.domains.auth.login_tokens import LoginTokenInvalid
from app.domains.auth.models import LinkPurpose, LoginToken, MailedLink
from app.domains.email import mails
from app.domains.sessions.operations import end_all
from app.domains.sessions.proofs import check_password
from app.domains.settings import budgets
from app.domains.twofactor import authenticators, factors, passkeys, recoveries
from app.domains.twofactor.errors import CodeInvalid, TwoFactorNotEnabled
from app.domains.twofactor.models import FactorRecovery

PATH = "/recover-second-factor"
_SETTLED = timedelta(days=7)
"""How long before the asking a second factor has to be there to stop its removal by itself."""


class RecoveryLinkInvalid(Refused):
    """Unknown, used, replaced, too old, stopped, another's: all alike."""

    code, message = "two_factor:recovery_link_invalid", "This link is not valid any more."


class RecoveryPending(Conflict):
    code, message = "two_factor:recovery_pending", "A recovery is under way already."


class NotStopped(Refused):
    """Unknown address, nothing to stop, wrong code: nobody is told which."""

    code, commits = "two_factor:recovery_not_stopped", True
    message = "Nothing was stopped: no removal waits for this address, or the code is wrong."


@dataclass(frozen=True)
class Asked:
    """A mail on its way: where to, with most of the address hidden, and what the wait will be."""

    sent_to: str
    waits: timedelta


@dataclass(frozen=True)
class UnderWay:
    """A removal that can be stopped."""

    requested_at: datetime
    due_at: datetime | None
    """When the wait is over; None while its mailbox has not answered."""


@operation(Access.PUBLIC)
def request(actor: Actor, *, login_token: str) -> Asked:
    """Ask for the removal with the token of a sign-in whose password was right; the mailbox confirms it.

    The token stays good: whoever finds their authenticator after all goes on signing in, which stops this.

    :raises LoginTokenInvalid: unknown, late, spent, or not got with a password
    :raises RecoveryPending: while a confirmed one waits
    :raises RateLimited: after three in a day
    """
    token_id = login_tokens.id_of(login_token)
    whose = _whose(token_id)
    if whose.method != "password" or whose.two_factor_enabled_at is None or whose.disabled_at is not None:
        raise LoginTokenInvalid
    if whose.confirmed_at is not None:
        raise RecoveryPending
    budgets.spend(FACTOR_RECOVERIES, user=whose.user_id)
    return _begin(actor, held(whose.user_id))


@operation(Access.PLATFORM_ADMIN)
def request_for(actor: Actor, *, email: str) -> Asked:
    """Ask for it on somebody's behalf: mailbox, wait and password are asked for all the same.

    :raises UserNotFound: if nobody has the address
    :raises TwoFactorNotEnabled: if there is nothing to remove
    :raises RecoveryPending, RateLimited: as in ``request``
    """
    key = emails.key_of(email)
    rows = read(sa.select(User.id, User.two_factor_enabled_at).where(User.email_key == key))
    if not rows:
        raise UserNotFound
    if rows[0].two_factor_enabled_at is None:
        raise TwoFactorNotEnabled
    budgets.spend(FACTOR_RECOVERIES, user=rows[0].id)
    return _begin(actor, held(rows[0].id))


@operation(Access.PUBLIC)
def confirm(actor: Actor, *, token: str) -> datetime:
    """Begin the wait, as the mailbox wishes; a second click changes nothing. Returns when the wait is over.

    :raises RecoveryLinkInvalid: unknown, used for one that is over, replaced, too old
    :raises RateLimited: after too many bad ones from one address
    """
    found = _found(actor, token, LinkPurpose.RECOVERY_CONFIRM)
    user = held(found.user_id)
    if found.used:
        waiting = recoveries.open_of(user.id)
        if waiting is None or waiting.due_at is None:
            raise RecoveryLinkInvalid
        return waiting.due_at
    link = links.use(found)
    due_at = recoveries.confirm(actor, user) if link is not None and _is_about(link, user) else None
    if due_at is None:
        raise RecoveryLinkInvalid
    return due_at


@operation(Access.PUBLIC)
def cancel(actor: Actor, *, token: str) -> None:
    """Stop it with a link out of one of its mails; once stopped, it stays stopped at every further click.

    The mail of an earlier attempt stops a later one too: who asks again must not take its way to stop away.

    :raises RecoveryLinkInvalid: unknown, too old, it is done, or used before what is under way began
    :raises RateLimited: after too many bad ones from one address
    """
    found = _found(actor, token, LinkPurpose.RECOVERY_CANCEL)
    user, link = held(found.user_id), links.use(found)
    if link is None:
        if recoveries.open_of(user.id) is not None:
            raise RecoveryLinkInvalid  # never say that what goes on is stopped
        return
    if link.email_key != user.email_key or not recoveries.cancel(actor, user):
        raise RecoveryLinkInvalid


@operation(Access.INTERACTIVE)
def stop(actor: Actor) -> None:
    """Stop the removal of the actor's own second factor, from any of their sign-ins; none is no failure."""
    recoveries.cancel(actor, held(actor.user_id or 0))


@operation(Access.PUBLIC)
def stop_with_code(actor: Actor, *, email: str, code: str) -> None:
    """Stop a removal with a code of the second factor alone; it signs nobody in.

    For an owner whom somebody in their mailbox has shut out with a new password: no session, no mail is left.
    A second factor that came shortly before may be a thief's, who must not shut the owner out for ever by it.

    :raises NotStopped: counted for the network alone, see ``factors.show``
    :raises RateLimited: after twenty failures from one address in half an hour
    """
    spent = budgets.spend(FACTOR_RECOVERY_STOPS, ip=actor.origin.ip)
    waiting = sa.select(User.id, User.two_factor_enabled_at, FactorRecovery.requested_at)
    waiting = waiting.join(FactorRecovery, _waiting()).where(User.two_factor_enabled_at.is_not(None))
    rows = read(waiting.where(User.email_key == emails.key_of(email)))
    if not rows or rows[0].requested_at - rows[0].two_factor_enabled_at < _SETTLED:
        raise NotStopped
    user = held(rows[0].id)
    try:
        factors.show(actor, user, code=code)
    except CodeInvalid:
        second_step.note(actor, AuditKind.USER_TWO_FACTOR_FAILED, user, method="recovery_stop")
        raise NotStopped from None
    give_back(spent)


@operation(Access.SIGNED_IN)
def under_way(actor: Actor) -> UnderWay | None:
    """Return the removal that is under way for the actor: one query, none for who has no second factor."""
    if not actor.particulars.two_factor_enabled:
        return None
    found = db.session.scalar(recoveries.of_user(actor.user_id or 0))
    return None if found is None else UnderWay(found.requested_at, found.due_at)


@operation(Access.PUBLIC)
def finish(actor: Actor, *, token: str, password: str) -> None:
    """Remove the second factor after the wait, with the last mail's link and the password; sign-ins end.

    API tokens end too. Nobody is signed in by it; who demands a second factor asks for a new one.

    :raises RecoveryLinkInvalid: unknown, used, too old, stopped, or begun anew since
    :raises CurrentPasswordWrong: counted; the link stays good
    :raises RateLimited: after five wrong passwords in a quarter of an hour, or too many bad links
    """
    found = _found(actor, token, LinkPurpose.RECOVERY_FINISH)
    if not found.open or not _is_ready(found.user_id):
        raise RecoveryLinkInvalid
    password_hash = read(sa.select(User.password_hash).where(User.id == found.user_id))[0].password_hash
    check_password(found.user_id, password_hash, password)
    user, link = held(found.user_id), links.use(found)
    if user.password_hash != password_hash:
        raise CurrentPasswordWrong  # a reset came in between, and it wins
    if link is None or not _is_about(link, user) or not recoveries.take(user.id):
        raise RecoveryLinkInvalid
    _remove(actor, user)


def _whose(token_id: int) -> sa.Row[Any]:
    """Read whose a login token is before the request's transaction begins, and whether a removal waits."""
    query = sa.select(
        User.id.label("user_id"),
        User.two_factor_enabled_at,
        User.disabled_at,
        LoginToken.method,
        FactorRecovery.confirmed_at,
    )
    query = query.join(User, User.id == LoginToken.user_id).outerjoin(FactorRecovery, _waiting())
    return read(query.where(LoginToken.id == token_id))[0]


def _waiting() -> sa.ColumnElement[bool]:
    """Join a person with the removal that is under way for them."""
    is_theirs = FactorRecovery.user_id == User.id
    return sa.and_(is_theirs, FactorRecovery.ended_at.is_(None), FactorRecovery.lapses_at > clock.now())


def _begin(actor: Actor, user: User) -> Asked:
    waiting = recoveries.open_of(user.id)
    if waiting is not None and waiting.confirmed_at is not None:
        raise RecoveryPending
    recoveries.begin(actor, user)
    waits = recoveries.waiting_period()
    confirming = links.issue(
        LinkPurpose.RECOVERY_CONFIRM, user, expires_at=clock.now() + recoveries.CONFIRM_WITHIN
    )
    mails.factor_recovery_request(
        user.email,
        first_name=user.greeting,
        confirm_url=public_url(f"{PATH}/confirm", token=confirming.token),
        cancel_url=_way_to_stop(user, recoveries.CONFIRM_WITHIN + waits + recoveries.FINISH_WITHIN),
        token=confirming.token,
        waits=waits,
    )
    return Asked(emails.masked(user.email), waits)


def _way_to_stop(user: User, life: timedelta) -> str:
    issued = links.issue(LinkPurpose.RECOVERY_CANCEL, user, expires_at=clock.now() + life)
    return public_url(f"{PATH}/cancel", token=issued.token)


def _found(actor: Actor, token: str, purpose: LinkPurpose) -> FoundLink:
    """Look a link up, and count one that nobody was given; used ones are told apart by who asks."""
    budgets.require_room(MAIL_TOKEN_CHECKS, ip=actor.origin.ip)
    found = links.look_up(token, purpose)
    if found is None or not (found.open or found.used):
        budgets.spend(MAIL_TOKEN_CHECKS, ip=actor.origin.ip)
        raise RecoveryLinkInvalid
    return found


def _is_about(link: MailedLink, user: User) -> bool:
    """Say whether a link belongs to what is under way now, in the mailbox that the person has now."""
    waiting = recoveries.open_of(user.id)
    return (
        waiting is not None
        and link.created_at >= waiting.requested_at
        and link.email_key == user.email_key
        and user.disabled_at is None
        and user.two_factor_enabled
    )


def _is_ready(user_id: int) -> bool:
    """Look whether the wait is over before a password is worked on."""
    ready = recoveries.of_user(user_id).with_only_columns(FactorRecovery.id)
    return bool(
        read(ready.where(FactorRecovery.mailed_at.is_not(None), FactorRecovery.due_at <= clock.now()))
    )


def _remove(actor: Actor, user: User) -> None:
    authenticators.switch_off(actor, user)
    passkeys.remove_all_of(actor, user)
    login_tokens.end_all_of(user.id)
    codes.end_all_of(user.id)
    ended = end_all(actor, user_id=user.id, tokens_too=True, reason="factor_recovered")
    record(
        actor,
        AuditKind.TWO_FACTOR_RECOVERED,
        subject=("user", user.id),
        user_id=user.id,
        changes={"sessions": ended.sign_ins, "tokens": ended.api_token},
    )
    mails.global_sign_out(
        user.email,
        first_name=user.greeting,
        sessions=ended.sign_ins,
        tokens=ended.api_token,
        at=clock.now(),
    )


@job("factor_recoveries.advance", every=timedelta(hours=1))
def advance() -> int:
    """Mail the last link of those whose wait is over; end those whose next step nobody took in time."""
    lapsed, due = recoveries.end_lapsed(), recoveries.take_due()
    for user in db.session.scalars(sa.select(User).where(User.id.in_(due)).order_by(User.id)):
        finishing = links.issue(
            LinkPurpose.RECOVERY_FINISH, user, expires_at=clock.now() + recoveries.FINISH_WITHIN
        )
        mails.factor_recovery_due(
            user.email,
            first_name=user.greeting,
            finish_url=public_url(f"{PATH}/finish", token=finishing.token),
            cancel_url=_way_to_stop(user, recoveries.FINISH_WITHIN),
            token=finishing.token,
        )
    return lapsed + len(due)
