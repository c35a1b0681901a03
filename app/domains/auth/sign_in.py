"""Ways in: password, mailed code, and the second step of a login that has two."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import sqlalchemy as sa

from app.core import limits, outbox
from app.core.access import Access, Actor, operation
from app.core.buckets import (
    SIGN_IN_CODE_CHECKS,
    SIGN_IN_CODES,
    SIGN_IN_FAILURES,
    SIGNUP_CODE_MAILS,
)
from app.core.db import db
from app.core.errors import Forbidden
from app.core.limits import Spent, give_back
from app.core.outbox import Claimed
from app.domains.accounts import emails
from app.domains.accounts.models import User
from app.domains.accounts.placeholders import is_placeholder
from app.domains.accounts.queries import held
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.auth import codes, login_tokens, second_step
from app.domains.auth.credentials import (
    AccountDisabled,
    TwoFactorRequired,
    prove,
    require_verified_where_asked,
)
from app.domains.auth.login_tokens import IssuedLoginToken
from app.domains.auth.models import CodePurpose, MailedCode
from app.domains.auth.registration import SignUpStarted, begin_again, verify_code
from app.domains.auth.requesters import origin_of, requester
from app.domains.auth.verification import mark_verified
from app.domains.email import mails
from app.domains.sessions.operations import Opened, Plan, open_session
from app.domains.settings import budgets
from app.domains.settings import queries as settings

CODE_REQUEST = "auth.sign_in_code"


class MethodNotAllowed(Forbidden):
    code, message = "auth:method_not_allowed", "This way of signing in is switched off."


@dataclass(frozen=True)
class LoginStep:
    """What must come after the password: exactly one of the two tokens is there."""

    next: Literal["authenticate", "two_factor", "verify_email"]
    login_token: IssuedLoginToken | None
    sign_up: SignUpStarted | None


@operation(Access.PUBLIC)
def begin(actor: Actor, *, email: str, password: str, remember: bool = False) -> LoginStep:
    """Check e-mail and password and say what must come next; opens no session.

    An unproven address gets a fresh code and a sign-up to finish, as far as its mailbox's limit allows.

    :raises InvalidCredentials, AccountDisabled, RateLimited: see ``credentials.prove``
    """
    proven = prove(actor, email=email, password=password)
    if not proven.user.email_verified:
        proven.withdraw()
        limits.spend_in_request(SIGNUP_CODE_MAILS, email=proven.user.email_key)
        return LoginStep("verify_email", None, begin_again(proven.user))
    proven.withdraw() if proven.user.two_factor_enabled else proven.succeed()
    token = login_tokens.issue(proven.user, method="password", remember=remember)
    return LoginStep("two_factor" if token.needs_factor else "authenticate", token, None)


@operation(Access.PUBLIC)
def finish_sign_up(
    actor: Actor, *, email: str, otp: str, verification_token: str, plan: Plan
) -> Opened | IssuedLoginToken:
    """Prove an address with the mailed code and sign the person in with it, where no second factor is on.

    :raises OtpInvalid, RateLimited: see ``registration.verify_code``
    :raises AccountDisabled: if the account was disabled meanwhile
    """
    proven = verify_code(actor, email=email, otp=otp, verification_token=verification_token)
    if proven.user.disabled_at is not None:
        raise AccountDisabled
    if proven.login_token.needs_factor:
        return proven.login_token
    login_tokens.spend(login_tokens.id_of(proven.login_token.token))
    return open_session(actor, user=proven.user, method="sign_up", factors=1, plan=plan)


@operation(Access.PUBLIC)
def sign_in(
    actor: Actor, *, email: str, password: str, plan: Plan, carrier: str | None = None
) -> Opened | IssuedLoginToken:
    """Sign a person in by e-mail and password, or ask for the second factor with a token for the next step.

    :raises InvalidCredentials, AccountDisabled, RateLimited: see ``credentials.prove``
    :raises EmailUnverified: where the platform asks for a proven address
    """
    proven = prove(actor, email=email, password=password)
    with proven.without_failure():
        require_verified_where_asked(proven.user)
    if proven.user.two_factor_enabled:
        proven.withdraw()
        return login_tokens.issue(
            proven.user, method="password", remember=plan.remember, carrier=carrier, prefix="tt"
        )
    proven.succeed()
    return open_session(actor, user=proven.user, method="password", factors=1, plan=plan)


@operation(Access.PUBLIC)
def sign_in_at_once(
    actor: Actor, *, email: str, password: str, plan: Plan, two_factor_code: str | None = None
) -> Opened:
    """Sign a person in with everything in one call, the second factor's code beside the password.

    :raises TwoFactorRequired: if the code is missing; no failure
    :raises CodeInvalid: if it is wrong; a failure like a wrong password
    :raises InvalidCredentials, AccountDisabled, EmailUnverified, RateLimited: as in ``sign_in``
    """
    proven = prove(actor, email=email, password=password)
    with proven.without_failure():
        require_verified_where_asked(proven.user)
    factors = second_step.factor_of(actor, proven, code=two_factor_code)
    proven.succeed()
    return open_session(actor, user=proven.user, method="password", factors=factors, plan=plan)


@operation(Access.PUBLIC)
def request_code(actor: Actor, *, email: str) -> timedelta:
    """Mail a sign-in code to a known address; the same answer and work for an unknown one.

    :raises MethodNotAllowed: for everyone alike, where the platform switched mailed codes off
    :raises RateLimited: after five in half an hour for one address, known or not
    """
    _require_code_login()
    address = emails.checked(email)
    budgets.spend(SIGN_IN_CODES, email=emails.key_of(address), ip=actor.origin.ip)
    outbox.promise(CODE_REQUEST, {"email_key": emails.key_of(address), **origin_of(actor)})
    return codes.rules().expires_in


@outbox.effect(CODE_REQUEST)
def _send_requested_code(claimed: Claimed) -> None:
    user = db.session.scalar(sa.select(User).where(User.email_key == claimed.payload["email_key"]))
    if user is None or user.disabled_at is not None or is_placeholder(user):
        return
    issued = codes.issue(CodePurpose.SIGN_IN, user.email_key, user_id=user.id)
    record(requester(claimed), AuditKind.USER_SIGN_IN_CODE_REQUESTED, subject=("user", user.id))
    mails.sign_in_code(user.email, first_name=user.greeting, code=issued.code, expires_in=issued.expires_in)


@operation(Access.PUBLIC)
def sign_in_by_code(
    actor: Actor, *, email: str, code: str, plan: Plan, two_factor_code: str | None = None
) -> Opened:
    """Turn a mailed code into a session; the first success proves the mailbox.

    :raises OtpInvalid: wrong, expired, used, used up, unknown address
    :raises TwoFactorRequired: the code is right and stays good, the second factor is missing
    :raises CodeInvalid: the second factor's code is wrong, which counts against the mailed one too
    :raises MethodNotAllowed, AccountDisabled, RateLimited: as named
    """
    shown = _shown(actor, email, code)
    factors = _factor_beside_code(actor, shown, two_factor_code)
    return _open_by_code(actor, shown, factors, plan)


@operation(Access.PUBLIC)
def begin_by_code(actor: Actor, *, email: str, code: str, plan: Plan) -> Opened | IssuedLoginToken:
    """Turn a mailed code into a session, or ask for the second factor with a token for the next step.

    :raises OtpInvalid, MethodNotAllowed, AccountDisabled, RateLimited: as in ``sign_in_by_code``
    """
    shown = _shown(actor, email, code)
    if not shown.user.two_factor_enabled:
        return _open_by_code(actor, shown, 1, plan)
    give_back(shown.spent)
    give_back(shown.tries)
    return login_tokens.issue(shown.user, method="code", remember=plan.remember)


@dataclass(frozen=True)
class _Shown:
    """A right mailed code, whose it is, and what is given back when all else is right too."""

    user: User
    mailed: MailedCode
    spent: Spent
    tries: Spent


def _shown(actor: Actor, email: str, code: str) -> _Shown:
    _require_code_login()
    key = emails.key_of(email)
    tries = budgets.spend(SIGN_IN_CODE_CHECKS, email=key, ip=actor.origin.ip)
    spent = budgets.spend(SIGN_IN_FAILURES, email=key, ip=actor.origin.ip)
    known = db.session.scalar(sa.select(User.id).where(User.email_key == key))
    user = None if known is None else held(known)
    try:
        found = codes.check(CodePurpose.SIGN_IN, key, code)
    except codes.OtpInvalid:
        record(actor, AuditKind.USER_SIGN_IN_FAILED, subject=("user", None), changes={"method": "code"})
        raise
    if user is None or user.id != found.user_id:
        raise codes.OtpInvalid
    if user.disabled_at is not None:
        raise AccountDisabled
    return _Shown(user, found, spent, tries)


def _open_by_code(actor: Actor, shown: _Shown, factors: int, plan: Plan) -> Opened:
    give_back(shown.spent, clear=["email"])
    give_back(shown.tries, clear=["email"])
    mark_verified(actor, shown.user)
    return open_session(actor, user=shown.user, method="code", factors=factors, plan=plan)


def _factor_beside_code(actor: Actor, shown: _Shown, code: str | None) -> int:
    """Take the second factor's code beside a right mailed one, which else stays good.

    :raises TwoFactorRequired: if it is missing; no failure of anything
    :raises CodeInvalid: if it is wrong; a failure of the mailed code as well
    """
    mailed = shown.mailed
    if not shown.user.two_factor_enabled:
        return 1
    used_at, mailed.ended_at = mailed.ended_at, None
    if not code:
        mailed.tries_left += 1
        give_back(shown.spent)
        raise TwoFactorRequired
    second_step.check_beside(actor, shown.user, code=code)
    mailed.ended_at = used_at
    return 2


def _require_code_login() -> None:
    if not settings.boolean("auth.code_login_enabled"):
        raise MethodNotAllowed(layer="platform", remedy="Sign in with your password.")
