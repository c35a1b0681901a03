"""The second step of a sign-in: a login token, with the second factor where one is on, becomes a session."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from app.core import limits
from app.core.access import Access, Actor, operation
from app.core.buckets import LOGIN_TOKEN_TRIES, SIGN_IN_FAILURES
from app.core.db import read
from app.core.errors import RateLimited
from app.core.limits import Spent, give_back
from app.domains.accounts.models import User
from app.domains.accounts.queries import held
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.auth import login_tokens
from app.domains.auth.credentials import AccountDisabled, Proven, TwoFactorRequired
from app.domains.auth.models import LoginToken
from app.domains.sessions.operations import Opened, Plan, open_session
from app.domains.settings import budgets
from app.domains.twofactor import factors
from app.domains.twofactor.errors import CodeInvalid, PasskeyRefused
from app.domains.twofactor.factors import Method

Proof = Callable[[User], None]
"""Looks at what the person of a login token has shown beside it, and raises what is wrong with it."""


@dataclass(frozen=True)
class _Tries:
    """The tries that one code costs: of the token, and of the one budget of all ways in."""

    token: Spent
    sign_in: Spent

    def succeed(self) -> None:
        give_back(self.token)
        give_back(self.sign_in, clear=["email"])

    def withdraw(self) -> None:
        give_back(self.token)
        give_back(self.sign_in)


def factor_of(actor: Actor, proven: Proven, *, code: str | None, tenant_id: int | None = None) -> int:
    """Take the code that came beside a right password; returns how many factors the sign-in has.

    :raises TwoFactorRequired: if the second factor is on and no code came; no failure
    :raises CodeInvalid: the try of the password stays counted
    """
    if not proven.user.two_factor_enabled:
        return 1
    if not code:
        with proven.without_failure():
            raise TwoFactorRequired
    check_beside(actor, proven.user, code=code, tenant_id=tenant_id)
    return 2


def check_beside(actor: Actor, user: User, *, code: str, tenant_id: int | None = None) -> None:
    """Check a code that came with the first factor in one call: a wrong one is a failed sign-in.

    :raises CodeInvalid, RateLimited: as in ``factors.check``
    """
    try:
        factors.check(actor, user, code=code)
    except CodeInvalid:
        note(actor, AuditKind.USER_SIGN_IN_FAILED, user, method="two_factor", tenant_id=tenant_id)
        raise


def check(actor: Actor, user: User, *, code: str, method: Method | None = None) -> None:
    """Check a code that is a step of its own, and write a wrong one into the trail.

    :raises CodeInvalid, RateLimited: as in ``factors.check``
    """
    try:
        factors.check(actor, user, code=code, method=method)
    except CodeInvalid:
        note(actor, AuditKind.USER_TWO_FACTOR_FAILED, user, method=method or "code")
        raise


def note(actor: Actor, kind: AuditKind, user: User, *, method: str, tenant_id: int | None = None) -> None:
    """Write a try of somebody who is not signed in yet into the trail."""
    record(
        actor,
        kind,
        subject=("user", user.id),
        user_id=user.id,
        tenant_id=tenant_id,
        changes={"method": method},
    )


@operation(Access.PUBLIC)
def authenticate(
    actor: Actor,
    *,
    login_token: str,
    code: str | None = None,
    method: Method | None = None,
    plan: Plan | None = None,
) -> Opened:
    """Turn a login token into a session; it remembers whether the person asked to be remembered.

    :param method: which kind the code is; None: told by its form
    :param plan: how the session is carried; None: as the first step asked for
    :raises LoginTokenInvalid: unknown, late or spent
    :raises TwoFactorRequired: where the second factor is on and no code was given; the token stays good
    :raises CodeInvalid: the token stays good until its fifth failure, which ends it
    :raises AccountDisabled: if the account was disabled meanwhile
    :raises RateLimited: past the budget of the token, the address or the network
    """
    return complete(
        actor,
        login_token=login_token,
        proof=(lambda user: check(actor, user, code=code, method=method)) if code else None,
        plan=plan,
    )


def complete(actor: Actor, *, login_token: str, proof: Proof | None, plan: Plan | None) -> Opened:
    """Spend a login token for a session, after the proof where the second factor is on.

    :param proof: raises what is wrong with what the person has shown; None: they have shown nothing
    :raises LoginTokenInvalid, TwoFactorRequired, AccountDisabled, RateLimited: as in ``authenticate``
    """
    token_id = login_tokens.id_of(login_token)
    whose = _whose(token_id)
    enabled = whose.two_factor_enabled_at is not None
    if enabled and proof is None:
        raise TwoFactorRequired
    tries = _count(actor, token_id, whose.email_key) if enabled else None
    user = held(whose.user_id)
    if user.disabled_at is not None:
        if tries is not None:
            tries.withdraw()
        raise AccountDisabled
    if tries is not None and proof is not None:
        _check_for_token(actor, user, token_id, tries, proof)
    elif user.two_factor_enabled:
        raise TwoFactorRequired  # switched on since: nothing was counted yet
    token = login_tokens.spend(token_id)
    if tries is not None:
        tries.succeed()
    carried = plan or Plan(kind="app" if token.carrier == "token" else "browser", opaque=True)
    return open_session(
        actor,
        user=user,
        method=token.method,
        factors=2 if enabled else 1,
        plan=replace(carried, remember=token.remember or carried.remember),
    )


def _check_for_token(actor: Actor, user: User, token_id: int, tries: _Tries, proof: Proof) -> None:
    """Look at the proof; the failure that uses up the token's tries ends it, and the sign-in with it."""
    try:
        proof(user)
    except (CodeInvalid, PasskeyRefused):
        if limits.is_used_up(tries.token):
            login_tokens.end(token_id)
            note(actor, AuditKind.USER_SIGN_IN_FAILED, user, method="two_factor")
        raise


def _count(actor: Actor, token_id: int, email_key: str) -> _Tries:
    sign_in = budgets.spend(SIGN_IN_FAILURES, email=email_key, ip=actor.origin.ip)
    try:
        return _Tries(limits.spend(LOGIN_TOKEN_TRIES, token=token_id), sign_in)
    except RateLimited:
        limits.give_back_at_once(sign_in)  # a used-up token was not looked at
        raise


def _whose(token_id: int) -> sa.Row[Any]:
    """Read whose a login token is before the request's transaction begins."""
    query = sa.select(LoginToken.user_id, User.email_key, User.two_factor_enabled_at)
    return read(query.join(User, User.id == LoginToken.user_id).where(LoginToken.id == token_id))[0]
