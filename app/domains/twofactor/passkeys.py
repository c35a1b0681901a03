"""A person's passkeys: making, naming and removing them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.buckets import TWO_FACTOR_CHANGES
from app.core.db import db
from app.core.errors import Conflict, NotFound
from app.core.languages import Sentence
from app.core.lines import one_line
from app.core.links import public_url
from app.domains.accounts.emails import EmailUnverified
from app.domains.accounts.models import User
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.email import mails
from app.domains.sessions.devices import describe
from app.domains.sessions.models import UserSession
from app.domains.sessions.proofs import held_as_strong, require_strong
from app.domains.settings import budgets
from app.domains.twofactor import passkey_ceremonies as ceremonies
from app.domains.twofactor.errors import PasskeyRefused
from app.domains.twofactor.passkey_models import Passkey

MOST = 20
_LONGEST_NAME = 100


class PasskeyNotFound(NotFound):
    code, message = "passkey:not_found", "There is no such passkey."


class PasskeyLimit(Conflict):
    code, message = "passkey:limit", "You have as many passkeys as one person can have."


def visible(actor: Actor) -> sa.Select[tuple[Passkey]]:
    """Select the actor's own passkeys."""
    return sa.select(Passkey).where(Passkey.user_id == actor.user_id)


@operation(Access.SIGNED_IN)
def mine(actor: Actor) -> Sequence[Passkey]:
    """Return the actor's passkeys, the oldest first: twenty at most."""
    return db.session.scalars(visible(actor).order_by(Passkey.id)).all()


@operation(Access.SIGNED_IN)
def one(actor: Actor, *, passkey: UUID) -> Passkey:
    """Return one of the actor's passkeys.

    :raises PasskeyNotFound: if it is another's, or not there
    """
    return _one(actor, passkey)


@operation(Access.SIGNED_IN)
def has_any(actor: Actor) -> bool:
    """Say whether the actor has a passkey."""
    return bool(db.session.scalar(sa.select(sa.exists(visible(actor).with_only_columns(Passkey.id)))))


@operation(Access.INTERACTIVE)
def begin(actor: Actor) -> str:
    """Begin the making of a passkey in the actor's session; returns the options for the browser, as JSON.

    :raises StepUpRequired: if the last proof is too old, or was made without the second factor
    :raises EmailUnverified: while the address is not proven
    :raises PasskeyLimit: with twenty of them
    :raises RateLimited: after ten changes in an hour
    """
    require_strong(actor)
    if not actor.email_verified:  # else somebody could keep a way into a true owner's account
        raise EmailUnverified(layer="account", remedy="Open the link in the confirmation mail.")
    budgets.spend(TWO_FACTOR_CHANGES, user=actor.user_id)
    user = held_as_strong(actor)
    known = of(user.id)
    _require_room(known)
    return ceremonies.ask_for_new(user, bound_to=bound_to(actor), known=known)


def add(actor: Actor, *, credential: str, name: str) -> Passkey:
    """Keep a passkey that the browser has just made; whoever calls this tells the person of it.

    :param credential: the browser's answer, as JSON
    :param name: what the person calls it; empty: after the browser
    :raises PasskeyRefused: whatever does not fit
    :raises StepUpRequired: if the second factor is on since it was begun, and this session never showed it
    :raises PasskeyLimit, ValidationFailed: as named
    """
    called = _checked_name(name) if name.strip() else describe(actor.origin.user_agent)
    user = held_as_strong(actor)
    _require_open_session(actor)
    made = ceremonies.registered(credential, bound_to=bound_to(actor), user_id=user.id)
    _require_room(of(user.id))
    if db.session.scalar(sa.select(Passkey.id).where(Passkey.credential_id == made.verified.credential_id)):
        raise PasskeyRefused
    passkey = Passkey(
        user_id=user.id,
        user_handle=made.user_handle,
        credential_id=made.verified.credential_id,
        public_key=made.verified.credential_public_key,
        sign_count=made.verified.sign_count,
        name=called,
        transports=list(made.transports),
        backed_up=made.verified.credential_backed_up,
    )
    db.session.add(passkey)
    db.session.flush()  # generate passkey.id for the trail
    record(actor, AuditKind.PASSKEY_ADDED, subject=("passkey", passkey.id), changes={"name": called})
    return passkey


@operation(Access.INTERACTIVE)
def rename(actor: Actor, *, passkey: UUID, name: str) -> Passkey:
    """Call one of the actor's passkeys something else.

    :raises PasskeyNotFound, ValidationFailed: as named
    """
    found = _one(actor, passkey)
    before, found.name = found.name, _checked_name(name)
    changes = {"name": [before, found.name]}
    record(actor, AuditKind.PASSKEY_RENAMED, subject=("passkey", found.id), changes=changes)
    return found


@operation(Access.INTERACTIVE)
def remove(actor: Actor, *, passkey: UUID) -> Passkey:
    """Take one of the actor's passkeys away and tell them; returns what it was.

    :raises StepUpRequired: if the last proof is too old, or was made without the second factor
    :raises PasskeyNotFound, RateLimited: as named
    """
    require_strong(actor)
    budgets.spend(TWO_FACTOR_CHANGES, user=actor.user_id)
    user = held_as_strong(actor)
    found = _one(actor, passkey)
    _remove(actor, user, found)
    return found


def remove_all_of(actor: Actor, user: User, *, since: datetime | None = None, first: int = 0) -> None:
    """Take a person's passkeys away: whoever held the account may have left one.

    :param since: only those added from then on
    :param first: only the one with this number and those made after it
    """
    for passkey in of(user.id):
        if passkey.id >= first and (since is None or passkey.created_at >= since):
            _remove(actor, user, passkey)


def of(user_id: int) -> Sequence[Passkey]:
    """Return a person's passkeys, the oldest first."""
    return db.session.scalars(sa.select(Passkey).where(Passkey.user_id == user_id).order_by(Passkey.id)).all()


def bound_to(actor: Actor) -> str:
    """Return what a ceremony of the actor's own session is bound to."""
    return f"session:{actor.session_id}"


def _remove(actor: Actor, user: User, passkey: Passkey) -> None:
    db.session.delete(passkey)
    record(
        actor,
        AuditKind.PASSKEY_REMOVED,
        subject=("passkey", passkey.id),
        user_id=user.id,
        changes={"name": passkey.name},
    )
    mails.passkey_removal(
        user.email,
        first_name=user.greeting,
        passkey_name=passkey.name,
        at=clock.now(),
        link=public_url("/account/security"),
    )


def _require_open_session(actor: Actor) -> None:
    """Refuse where the session ended since the call was let in: what ends all takes what was left in them."""
    query = sa.select(UserSession.id).where(
        UserSession.id == actor.session_id, UserSession.revoked_at.is_(None)
    )
    if db.session.scalar(query) is None:
        raise PasskeyRefused


def _one(actor: Actor, uid: UUID) -> Passkey:
    found = db.session.scalar(visible(actor).where(Passkey.uid == uid))
    if found is None:
        raise PasskeyNotFound
    return found


def _require_room(known: Sequence[Passkey]) -> None:
    if len(known) >= MOST:
        raise PasskeyLimit


def _checked_name(name: str) -> str:
    says = Sentence("Give a name of 1 to 100 characters.")
    return one_line(name, field="name", least=1, most=_LONGEST_NAME, says=says)
