"""Checking a password: one budget of failures, one answer, one time, whoever the address belongs to."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn

import sqlalchemy as sa

from app.core.access import Actor
from app.core.buckets import SIGN_IN_FAILURES
from app.core.db import read
from app.core.errors import AppError, Forbidden, Unauthenticated
from app.core.limits import Spent, give_back, only_if_judged
from app.core.secrets import keyed_hash
from app.domains.accounts import emails, passwords
from app.domains.accounts.emails import EmailUnverified
from app.domains.accounts.models import User
from app.domains.accounts.queries import held
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.settings import budgets
from app.domains.settings import queries as settings


class InvalidCredentials(Unauthenticated):
    """Unknown address, wrong password, no password: nobody is told which."""

    code, message, commits = "auth:invalid_credentials", "These details do not match.", True


class AccountDisabled(Forbidden):
    code, message, commits = "auth:account_disabled", "This account has been disabled.", True
    layer, remedy = "account", "The platform's admins can open it again."


class TwoFactorRequired(Unauthenticated):
    code, message, commits = "auth:two_factor_required", "Give the code of your second factor.", True


@dataclass(frozen=True)
class Proven:
    """A person whose password was right, and the try that is to be given back when all else is right too."""

    user: User
    spent: Spent

    def succeed(self) -> None:
        """Give the try back and clear the address's count: this was no failure."""
        give_back(self.spent, clear=["email"])

    def withdraw(self) -> None:
        """Give the try back and leave the count: neither failure nor success (a second factor to come)."""
        give_back(self.spent)

    @contextmanager
    def without_failure(self) -> Iterator[None]:
        """Give the try back for good when something refuses what is inside: the password was right."""
        try:
            yield
        except AppError as refusal:
            self.withdraw()
            refusal.commits = True
            raise


_BY_ADDRESS = sa.select(User.id, User.password_hash).where(User.email_key == sa.bindparam("address"))


def prove(actor: Actor, *, email: str, password: str) -> Proven:
    """Check an address and a password; the hash is worked on before the request's transaction begins.

    :raises InvalidCredentials: whatever did not match; counted, and kept in the trail
    :raises AccountDisabled: after the right password only
    :raises RateLimited: past the budget, for the right password too
    """
    key = emails.key_of(email)
    spent = budgets.spend(SIGN_IN_FAILURES, email=key, ip=actor.origin.ip)
    rows = read(_BY_ADDRESS, {"address": key})
    user_id, password_hash = (rows[0].id, rows[0].password_hash) if rows else (None, None)
    with only_if_judged(spent):
        matches = passwords.verify(password_hash, password)
    if user_id is None or not matches:
        refuse(actor, user_id=user_id, email_key=key)
    user = held(user_id)
    if user.password_hash != password_hash:
        refuse(actor, user_id=user_id, email_key=key)
    if user.disabled_at is not None:
        give_back(spent)
        raise AccountDisabled(layer="platform", remedy="Write to the address for questions.")
    if password_hash is not None and passwords.needs_rehash(password_hash):
        user.password_hash = passwords.hash_password(password)
    return Proven(user, spent)


def refuse(actor: Actor, *, user_id: int | None, email_key: str, tenant_id: int | None = None) -> NoReturn:
    """Write the failed try into the trail and answer as always.

    An unknown address is kept as a keyed hash: enough to see one guessed at, nothing to collect.

    :raises InvalidCredentials: always
    """
    record(
        actor,
        AuditKind.USER_SIGN_IN_FAILED,
        subject=("user", user_id),
        tenant_id=tenant_id,
        changes={"address": keyed_hash("audit:email", email_key)[:16]},
    )
    raise InvalidCredentials


def require_verified_where_asked(user: User) -> None:
    """Hold the platform's ``auth.email_verification_required`` against someone whose password was right.

    :raises EmailUnverified: if it is on and the address is not proven
    """
    if not user.email_verified and settings.boolean("auth.email_verification_required"):
        raise EmailUnverified(layer="platform", remedy="Open the link in the confirmation mail.")
