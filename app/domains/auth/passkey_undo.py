"""A new passkey, and what the mailbox can do about one that its owner never made: take it away again.

Who steals a session can leave a passkey in it, which outlives every new password (docs/adr/0006).
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.buckets import MAIL_TOKEN_CHECKS
from app.core.db import db, read
from app.core.errors import Refused
from app.core.links import public_url
from app.domains.accounts.models import User
from app.domains.accounts.queries import held
from app.domains.audit.kinds import AuditKind
from app.domains.audit.models import AuditEvent
from app.domains.auth import email_moves, links, login_tokens
from app.domains.auth.links import FoundLink
from app.domains.auth.models import LinkPurpose, MailedLink
from app.domains.email import mails
from app.domains.sessions.devices import country_of, describe
from app.domains.sessions.operations import end_all
from app.domains.settings import budgets
from app.domains.twofactor import passkeys
from app.domains.twofactor.passkey_models import Passkey

PATH = "/passkeys/undo"


class PasskeyLinkInvalid(Refused):
    """Unknown, used, too old, of another address or a disabled account: all alike."""

    code, message = "passkey:link_invalid", "This link is not valid any more."


@dataclass(frozen=True)
class Addition:
    """What a link is about: a passkey as it was added, whatever has become of it since."""

    name: str
    at: datetime
    device: str
    ip: str | None
    country: str | None


@operation(Access.INTERACTIVE)
def add(actor: Actor, *, credential: str, name: str = "") -> Passkey:
    """Keep a passkey that the browser has just made, and mail the person a link that takes it away again.

    :raises PasskeyRefused, StepUpRequired, PasskeyLimit, ValidationFailed: as in ``passkeys.add``
    """
    added = passkeys.add(actor, credential=credential, name=name)
    user = held(added.user_id)
    issued = links.issue(LinkPurpose.PASSKEY_UNDO, user, passkey_id=added.id)
    mails.passkey_addition(
        user.email,
        first_name=user.greeting,
        passkey_name=added.name,
        at=clock.now(),
        link=public_url(PATH, token=issued.token),
    )
    return added


@operation(Access.PUBLIC)
def look(actor: Actor, *, token: str) -> Addition | None:
    """Return what a link would take away, None for one that is not good (any more)."""
    found = links.look_up(token, LinkPurpose.PASSKEY_UNDO)
    if found is None or not found.open:
        return None
    query = (
        sa.select(AuditEvent.changes, AuditEvent.at, AuditEvent.user_agent, AuditEvent.ip)
        .join(MailedLink, MailedLink.passkey_id == AuditEvent.subject_id)
        .join(User, User.id == MailedLink.user_id)
        .where(AuditEvent.subject_type == "passkey", AuditEvent.kind == AuditKind.PASSKEY_ADDED)
        .where(MailedLink.id == found.id, MailedLink.email_key == User.email_key, User.disabled_at.is_(None))
    )
    for row in read(query):
        return Addition(row.changes["name"], row.at, describe(row.user_agent), row.ip, country_of(row.ip))
    return None


@operation(Access.PUBLIC)
def undo(actor: Actor, *, token: str) -> None:
    """Take a passkey away with all made after it, and put everybody out: sign-ins and API tokens.

    A passkey of before it stays, and so does the authenticator: the mailbox must not stand in for a second
    factor. A recovery under way goes on.

    :raises PasskeyLinkInvalid: as named there
    :raises RateLimited: after too many bad ones from one address
    """
    found = _found(actor, token)
    user, link = held(found.user_id), links.use(found)
    if link is None or link.email_key != user.email_key or user.disabled_at is not None:
        raise PasskeyLinkInvalid
    first = link.passkey_id or 0
    email_moves.drop_pending(user)
    login_tokens.end_all_of(user.id)
    end_all(actor, user_id=user.id, tokens_too=True, reason="passkey_undone")
    passkeys.remove_all_of(actor, user, first=first)
    _end_links_of_later_ones(user, first)


def _end_links_of_later_ones(user: User, first: int) -> None:
    """End the links whose passkeys went along: they must not take what their owner makes from now on."""
    db.session.execute(
        sa.update(MailedLink)
        .where(
            MailedLink.user_id == user.id,
            MailedLink.purpose == LinkPurpose.PASSKEY_UNDO,
            MailedLink.passkey_id >= first,
            MailedLink.ended_at.is_(None),
        )
        .values(ended_at=clock.now())
        .execution_options(synchronize_session=False)
    )


def _found(actor: Actor, token: str) -> FoundLink:
    budgets.require_room(MAIL_TOKEN_CHECKS, ip=actor.origin.ip)
    found = links.look_up(token, LinkPurpose.PASSKEY_UNDO)
    if found is None or not found.open:
        budgets.spend(MAIL_TOKEN_CHECKS, ip=actor.origin.ip)
        raise PasskeyLinkInvalid
    return found
