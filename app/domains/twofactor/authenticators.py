"""Setting an authenticator app up, and switching the second factor on and off."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.buckets import PROOF_FAILURES, TWO_FACTOR_CHANGES
from app.core.db import db
from app.core.errors import Conflict
from app.core.languages import Sentence
from app.core.limits import give_back
from app.core.links import public_url
from app.core.secrets import seal, unseal
from app.domains.accounts.emails import EmailUnverified
from app.domains.accounts.models import User
from app.domains.accounts.queries import held, me
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.email import mails
from app.domains.sessions.models import UserSession
from app.domains.sessions.operations import prove_second_factor
from app.domains.sessions.proofs import held_as_strong, require_fresh_or_password, require_strong
from app.domains.settings import budgets
from app.domains.settings import queries as settings
from app.domains.twofactor import factors, queries, recoveries, recovery_codes, totp
from app.domains.twofactor.errors import CodeInvalid, TwoFactorNotEnabled
from app.domains.twofactor.models import Authenticator

SETUP_LIFE = timedelta(minutes=15)


class NoSetupPending(Conflict):
    code, message = "two_factor:no_setup_pending", "Begin the set-up first."


class TwoFactorEnforced(Conflict):
    code, message = "two_factor:enforced", "An organization of yours demands the second factor."


@dataclass(frozen=True)
class SetUp:
    """A secret to be scanned: not in force before its first code."""

    secret: str
    address: str
    """otpauth://…, what the QR code holds."""
    enabled: bool
    """Whether another authenticator is on, which this one would replace."""
    expires_in: timedelta = SETUP_LIFE


@dataclass(frozen=True)
class SwitchedOn:
    """The second factor is on."""

    enabled_at: datetime
    session: UserSession
    recovery_codes_remaining: int
    backup_codes: Sequence[str] = ()
    """New recovery codes, where they were asked for at once: shown this once."""
    enabled: bool = True


@operation(Access.INTERACTIVE)
def begin(actor: Actor, *, password: str | None = None) -> SetUp:
    """Make a secret that waits a quarter of an hour for its first code; one in force stays good until then.

    :param password: stands in for the step-up of a person without a second factor
    :raises StepUpRequired: if the last proof is too old, or was made without the second factor
    :raises EmailUnverified: while the address is not proven
    :raises CurrentPasswordWrong, RateLimited: as named
    """
    _require_proof(actor, password)
    if not actor.email_verified:  # else somebody could lock the true owner of an address out
        raise EmailUnverified(layer="account", remedy="Open the link in the confirmation mail.")
    budgets.spend(TWO_FACTOR_CHANGES, user=actor.user_id)
    user = held_as_strong(actor)
    secret = totp.new_secret()
    row = db.session.get(Authenticator, user.id) or Authenticator(user_id=user.id)
    row.pending_secret = seal(secret, factors.seal_context(user.id))
    row.pending_expires_at = clock.now() + SETUP_LIFE
    db.session.add(row)
    record(actor, AuditKind.TWO_FACTOR_SETUP_STARTED, subject=("user", user.id))
    return SetUp(secret, _address(secret, user), user.two_factor_enabled)


@operation(Access.INTERACTIVE)
def waiting(actor: Actor) -> SetUp:
    """Return the set-up that waits for its first code once more: a page is loaded again, a code was wrong.

    :raises NoSetupPending: if none does
    :raises StepUpRequired: as in ``begin``
    """
    _require_proof(actor, None)
    user = me(actor)
    row = db.session.get(Authenticator, user.id)
    if row is None or row.pending_expires_at is None or not row.is_pending:
        raise NoSetupPending
    secret = _opened(row)
    left = row.pending_expires_at - clock.now()
    return SetUp(secret, _address(secret, user), user.two_factor_enabled, left)


@operation(Access.INTERACTIVE)
def cancel(actor: Actor) -> bool:
    """Drop a set-up that waits for its code; returns whether a second factor is on all the same.

    :raises NoSetupPending: if none does
    """
    budgets.spend(TWO_FACTOR_CHANGES, user=actor.user_id)
    user = held(actor.user_id or 0)
    _drop_pending(_pending(user.id))
    return user.two_factor_enabled


@operation(Access.INTERACTIVE)
def confirm(actor: Actor, *, code: str, with_codes: bool = False) -> SwitchedOn:
    """Switch the second factor on with the first code of the new secret; this session has two from now on.

    :param with_codes: put ten new recovery codes in force in the same step
    :raises NoSetupPending: if none waits
    :raises CodeInvalid: counted
    :raises RateLimited: after five wrong proofs in a quarter of an hour
    """
    spent = budgets.spend(PROOF_FAILURES, user=actor.user_id)
    user = held(actor.user_id or 0)
    try:
        row = _pending(user.id)
    except NoSetupPending as nothing:
        give_back(spent)
        nothing.commits = True
        raise
    secret = _opened(row)
    step = totp.matching_step(secret, "".join(code.split()), clock.now())
    if step is None:
        raise CodeInvalid
    give_back(spent, clear=["user"])
    row.secret, row.last_step = row.pending_secret, step
    _drop_pending(row)
    user.two_factor_enabled_at = clock.now()
    recoveries.cancel(actor, user)  # one that replaces another is not the one that was lost
    session = prove_second_factor(actor)
    record(actor, AuditKind.TWO_FACTOR_ENABLED, subject=("user", user.id))
    codes = recovery_codes.replace(actor, user) if with_codes else ()
    mails.two_factor_activation(
        user.email,
        first_name=user.greeting,
        at=user.two_factor_enabled_at,
        link=public_url("/account/security"),
    )
    return SwitchedOn(user.two_factor_enabled_at, session, recovery_codes.remaining(user.id), codes)


@operation(Access.INTERACTIVE)
def disable(actor: Actor) -> None:
    """Switch the second factor off; its secret and the recovery codes go with it.

    :raises StepUpRequired: if the last proof is too old, or was made without the second factor
    :raises TwoFactorNotEnabled: if none is on
    :raises TwoFactorEnforced: while an organization of the person demands it
    """
    require_strong(actor)
    budgets.spend(TWO_FACTOR_CHANGES, user=actor.user_id)
    user = _protected(actor)
    _require_not_demanded(user)
    switch_off(actor, user)


@operation(Access.INTERACTIVE)
def disable_with_code(actor: Actor, *, code: str, password: str | None = None) -> None:
    """Switch the second factor off with one of its codes beside the step-up.

    :raises StepUpRequired: without a password, if the last proof is too old
    :raises CurrentPasswordWrong, CodeInvalid: counted
    :raises TwoFactorNotEnabled, TwoFactorEnforced, RateLimited: as named
    """
    require_fresh_or_password(actor, password)
    spent = budgets.spend(PROOF_FAILURES, user=actor.user_id)
    user = held(actor.user_id or 0)
    try:
        _require_enabled(user)
        _require_not_demanded(user)
    except Conflict as refusal:
        give_back(spent)
        refusal.commits = True
        raise
    factors.check(actor, user, code=code, tell=False)
    give_back(spent, clear=["user"])
    switch_off(actor, user)


@operation(Access.INTERACTIVE)
def replace_codes(actor: Actor, *, code: str) -> Sequence[str]:
    """Put ten new recovery codes in force against a code of the authenticator: shown this once.

    :raises CodeInvalid: counted; also for a recovery code, which must not make more of its kind
    :raises TwoFactorNotEnabled, RateLimited: as named
    """
    spent = budgets.spend(PROOF_FAILURES, user=actor.user_id)
    user = held(actor.user_id or 0)
    if not user.two_factor_enabled:
        give_back(spent)
        raise _kept(TwoFactorNotEnabled())
    factors.check_authenticator(actor, user, code=code)
    give_back(spent, clear=["user"])
    codes = recovery_codes.replace(actor, user)
    recovery_codes.tell_of_replacement(user)
    return codes


def switch_off(actor: Actor, user: User) -> None:
    """Take a person's second factor away, whoever decided it, and tell them."""
    user.two_factor_enabled_at = None
    recoveries.close(user.id)
    recovery_codes.end_all_of(user.id)
    db.session.execute(
        sa.delete(Authenticator)
        .where(Authenticator.user_id == user.id)
        .execution_options(synchronize_session="fetch")
    )
    record(actor, AuditKind.TWO_FACTOR_DISABLED, subject=("user", user.id), user_id=user.id)
    mails.two_factor_removal(
        user.email, first_name=user.greeting, at=clock.now(), link=public_url("/account/security")
    )


def _address(secret: str, user: User) -> str:
    return totp.address(secret, account=user.email, issuer=settings.instance_name())


def _require_proof(actor: Actor, password: str | None) -> None:
    """A password alone must not replace a factor: who has one shows it, here or at the step-up."""
    if actor.particulars.two_factor_enabled:
        require_strong(actor)
    require_fresh_or_password(actor, password)


def _require_not_demanded(user: User) -> None:
    demanding = queries.demanding(user.id)
    if demanding:
        names = ", ".join(one.name for one in demanding)
        raise TwoFactorEnforced(
            layer="organization",
            remedy=Sentence("An owner or admin of %(names)s can change it.", names=names),
        )


def _protected(actor: Actor) -> User:
    user = held_as_strong(actor)
    _require_enabled(user)
    return user


def _require_enabled(user: User) -> None:
    if not user.two_factor_enabled:
        raise TwoFactorNotEnabled


def _kept(refusal: Conflict) -> Conflict:
    """Let what was given back stay given back."""
    refusal.commits = True
    return refusal


def _pending(user_id: int) -> Authenticator:
    row = db.session.get(Authenticator, user_id, with_for_update=True, populate_existing=True)
    if row is None or not row.is_pending:
        raise NoSetupPending
    return row


def _opened(row: Authenticator) -> str:
    if row.pending_secret is None:
        raise NoSetupPending
    return unseal(row.pending_secret, factors.seal_context(row.user_id))


def _drop_pending(row: Authenticator) -> None:
    row.pending_secret = row.pending_expires_at = None
