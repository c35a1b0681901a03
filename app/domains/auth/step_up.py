"""Step-up: proving again, inside a session, who is at the keyboard."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.buckets import PROOF_FAILURES, SECURITY_CODES
from app.core.db import db, read
from app.core.errors import Conflict, Refused, ValidationFailed
from app.core.limits import give_back, only_if_judged
from app.domains.accounts import emails, passwords
from app.domains.accounts.models import User
from app.domains.accounts.passwords import CurrentPasswordWrong
from app.domains.accounts.queries import held
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.auth import codes, second_step
from app.domains.auth.codes import CodeRules, OtpInvalid
from app.domains.auth.models import CodePurpose
from app.domains.email import mails
from app.domains.sessions.models import UserSession
from app.domains.sessions.operations import prove_second_factor, step_up_window
from app.domains.settings import budgets
from app.domains.twofactor import factors, recovery_codes
from app.domains.twofactor.errors import CodeInvalid, TwoFactorNotEnabled

METHODS = ("password", "email_code", *factors.METHODS)


class ProofNotAllowed(Refused):
    code, message = "two_factor:method_not_allowed", "This proof does not count here."


class AuthenticatorInUse(Conflict):
    """The mailbox must not stand in for the second factor."""

    code, message = "two_factor:authenticator_in_use", "Use your authenticator instead."


@dataclass(frozen=True)
class CodeSent:
    """A code on its way: where to, with most of the address hidden, and how it can be used."""

    sent_to: str
    rules: CodeRules


@dataclass(frozen=True)
class FactorAdded:
    """A session that has shown its second factor, and how many recovery codes are left."""

    session: UserSession
    recovery_codes_remaining: int


@dataclass(frozen=True)
class SteppedUp:
    """A proof that counted, and until when it opens sensitive calls."""

    method: str
    verified_until: datetime
    allowed_methods: Sequence[str]
    session: UserSession


@operation(Access.INTERACTIVE)
def methods(actor: Actor) -> Sequence[str]:
    """Return by which methods of ``prove`` the actor can show that it is them, the usual one first."""
    return _methods_of(_person(actor))


@operation(Access.INTERACTIVE)
def request_code(actor: Actor) -> CodeSent:
    """Mail the actor a code that only this session can use; it ends the one before.

    :raises AuthenticatorInUse: while a second factor is on
    :raises RateLimited: after five in half an hour
    """
    person = _person(actor)
    if person.two_factor_enabled_at is not None:
        raise AuthenticatorInUse
    budgets.spend(SECURITY_CODES, user=actor.user_id)
    issued = codes.issue(
        CodePurpose.SECURITY, person.email_key, user_id=actor.user_id, session_id=actor.session_id
    )
    record(actor, AuditKind.USER_SECURITY_CODE_REQUESTED, subject=("user", actor.user_id))
    mails.security_code(
        actor.email, first_name=actor.first_name or "there", code=issued.code, expires_in=issued.expires_in
    )
    return CodeSent(emails.masked(actor.email), codes.rules())


@operation(Access.INTERACTIVE)
def prove(actor: Actor, *, method: str, password: str | None = None, code: str | None = None) -> SteppedUp:
    """Check a proof of identity and open sensitive calls to this session for ``auth.step_up_minutes``.

    Without a second factor password and mailed code count; with one its own codes alone, which also raise the
    session to two factors.

    :raises ProofNotAllowed: for a method that does not count for the actor
    :raises ValidationFailed: at password or code, if what the method needs is missing
    :raises CurrentPasswordWrong, OtpInvalid, CodeInvalid: counted, and kept in the trail
    :raises RateLimited: after five wrong proofs in a quarter of an hour
    """
    person = _person(actor)
    allowed = _methods_of(person)
    if method not in allowed:
        raise ProofNotAllowed
    field, given = ("password", password) if method == "password" else ("code", code)
    if not given:
        raise ValidationFailed({field: ["This method needs it."]})
    spent = budgets.spend(PROOF_FAILURES, user=actor.user_id)
    try:
        with only_if_judged(spent):
            _check(actor, person, method, given)
    except (CurrentPasswordWrong, OtpInvalid, CodeInvalid):
        record(
            actor,
            AuditKind.SESSION_STEP_UP_FAILED,
            subject=("session", actor.session_id),
            changes={"method": method},
        )
        raise
    give_back(spent, clear=["user"])
    session = open_to_sensitive_calls(actor, second_factor=method in factors.METHODS)
    record(actor, AuditKind.SESSION_STEPPED_UP, subject=("session", session.id), changes={"method": method})
    return SteppedUp(method, session.proven_at + step_up_window(), allowed, session)


@operation(Access.INTERACTIVE)
def add_second_factor(actor: Actor, *, code: str, method: factors.Method = "authenticator") -> FactorAdded:
    """Raise a sign-in that began with one factor to two, for the rest of its life; it is no step-up.

    :raises TwoFactorNotEnabled: without a second factor
    :raises CodeInvalid: counted, and kept in the trail
    :raises RateLimited: after five wrong proofs in a quarter of an hour
    """
    if _person(actor).two_factor_enabled_at is None:
        raise TwoFactorNotEnabled
    spent = budgets.spend(PROOF_FAILURES, user=actor.user_id)
    user = held(actor.user_id or 0)
    second_step.check(actor, user, code=code, method=method)
    give_back(spent, clear=["user"])
    session = prove_second_factor(actor)
    record(
        actor,
        AuditKind.SESSION_SECOND_FACTOR_ADDED,
        subject=("session", session.id),
        changes={"method": method},
    )
    return FactorAdded(session, recovery_codes.remaining(user.id))


def open_to_sensitive_calls(actor: Actor, *, second_factor: bool) -> UserSession:
    """Mark the actor's session as just proven; a second factor counts for the rest of its life."""
    session = db.session.get_one(UserSession, actor.session_id)
    session.proven_at = clock.now()
    return prove_second_factor(actor) if second_factor else session


def _check(actor: Actor, person: sa.Row[Any], method: str, given: str) -> None:
    if method == "email_code":
        codes.check(CodePurpose.SECURITY, person.email_key, given, session_id=actor.session_id)
    elif method in factors.METHODS:
        factors.check(actor, held(actor.user_id or 0), code=given, method=method)
    elif not passwords.verify(person.password_hash, given):
        raise CurrentPasswordWrong


def _person(actor: Actor) -> sa.Row[Any]:
    """Look the person up before the request's transaction begins: hashing must not hold it."""
    query = sa.select(User.email_key, User.password_hash, User.two_factor_enabled_at)
    return read(query.where(User.id == actor.user_id))[0]


def _methods_of(person: sa.Row[Any]) -> tuple[str, ...]:
    if person.two_factor_enabled_at is not None:
        return factors.METHODS
    return ("password", "email_code") if person.password_hash is not None else ("email_code",)
