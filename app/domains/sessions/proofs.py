"""What sensitive calls ask for: a proof of identity that is fresh, and as strong as the person can give."""

import sqlalchemy as sa

from app.core import limits
from app.core.access import Actor
from app.core.buckets import PROOF_FAILURES
from app.core.db import read
from app.domains.accounts import passwords
from app.domains.accounts.models import User
from app.domains.accounts.passwords import CurrentPasswordWrong
from app.domains.accounts.queries import held
from app.domains.sessions.operations import StepUpRequired, require_fresh


def require_strong(actor: Actor) -> None:
    """Ask for a fresh proof, with the second factor where one is on: what changes the factors themselves.

    :raises StepUpRequired: if the last proof is too old, or this session never showed the second factor
    """
    require_fresh(actor)
    _require_factor(actor, enabled=actor.particulars.two_factor_enabled)


def held_as_strong(actor: Actor) -> User:
    """Hold the actor, and ask for the second factor once more: it may be on since the call was let in.

    :raises StepUpRequired: if it is, and this session never showed it
    """
    user = held(actor.user_id or 0)
    _require_factor(actor, enabled=user.two_factor_enabled)
    return user


def _require_factor(actor: Actor, *, enabled: bool) -> None:
    if enabled and actor.factors < 2:
        raise StepUpRequired(layer="session", remedy="Confirm with your authenticator or a recovery code.")


def require_fresh_or_password(actor: Actor, password: str | None) -> None:
    """Ask for a fresh proof, or take the password in its place; one that is given is looked at in any case.

    :raises StepUpRequired: without one, if the last proof is too old
    :raises CurrentPasswordWrong: counted
    :raises RateLimited: after five wrong proofs in a quarter of an hour
    """
    if password is None:
        require_fresh(actor)
        return
    query = sa.select(User.password_hash).where(User.id == actor.user_id)
    check_password(actor.user_id or 0, read(query)[0].password_hash, password)


def check_password(user_id: int, password_hash: str | None, password: str) -> None:
    """Check the current password before the request's transaction begins; a right one is no failure.

    It wipes nobody's count: else who knows the password could guess the second factor between two right ones.

    :raises CurrentPasswordWrong: counted
    :raises RateLimited: after five wrong proofs in a quarter of an hour
    """
    spent = limits.spend(PROOF_FAILURES, user=user_id)
    with limits.only_if_judged(spent):
        matches = passwords.verify(password_hash, password)
    if not matches:
        raise CurrentPasswordWrong
    limits.give_back_at_once(spent)
