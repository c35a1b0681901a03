"""Checking a code of the second factor: one budget for all of its kinds, wherever it is shown."""

from typing import Literal

import sqlalchemy as sa

from app.core import clock, limits
from app.core.access import Actor
from app.core.buckets import TWO_FACTOR_FAILURES
from app.core.db import db
from app.core.secrets import unseal
from app.domains.accounts.models import User
from app.domains.twofactor import recoveries, recovery_codes, totp
from app.domains.twofactor.errors import CodeInvalid
from app.domains.twofactor.models import Authenticator

Method = Literal["authenticator", "recovery_code"]
METHODS: tuple[Method, ...] = ("authenticator", "recovery_code")


_CLOCK_PUT_RIGHT = 10
"""So many steps ahead no code can have been taken of, but by a clock that has been put back since."""


def seal_context(user_id: int) -> str:
    """Return what an authenticator's secret is sealed with."""
    return f"authenticator:{user_id}"


def check(actor: Actor, user: User, *, code: str, method: Method | None = None, tell: bool = True) -> Method:
    """Use up a code of the person's second factor, in the request's transaction.

    Whoever calls has counted the try in the budget of its way in; fifty failures of a person in a day are
    counted here beside it, so that no mix of ways and kinds buys more. Whoever has the second factor has not
    lost it: its removal, where one is under way, is stopped.

    :param method: which kind it is; None: told by its form
    :param tell: mail the person that a recovery code was used
    :returns: the kind that it was
    :raises CodeInvalid: whatever was wrong; keeps the count
    :raises RateLimited: after fifty failures in a day
    """
    spent = limits.spend_in_request(TWO_FACTOR_FAILURES, user=user.id)
    kind = method or ("recovery_code" if recovery_codes.looks_like_one(code) else "authenticator")
    if not _is_good(actor, user, kind, code, tell):
        raise CodeInvalid
    limits.give_back(spent)
    recoveries.cancel(actor, user)
    return kind


def show(actor: Actor, user: User, *, code: str) -> None:
    """Use up a code that opens nothing: it shows that the second factor is not lost, and stops its removal.

    Nothing is counted for the person: who asked for the removal could use that up, and a guess gains nothing.

    :raises CodeInvalid: whatever was wrong
    """
    kind: Method = "recovery_code" if recovery_codes.looks_like_one(code) else "authenticator"
    if not _is_good(actor, user, kind, code, tell=True):
        raise CodeInvalid
    recoveries.cancel(actor, user)


def check_authenticator(actor: Actor, user: User, *, code: str) -> None:
    """Use up a code of the authenticator where no recovery code may stand in for it.

    :raises CodeInvalid, RateLimited: as in ``check``
    """
    check(actor, user, code=code, method="authenticator")


def _is_good(actor: Actor, user: User, kind: Method, code: str, tell: bool) -> bool:
    if not user.two_factor_enabled:
        return False
    if kind == "recovery_code":
        return recovery_codes.burn(actor, user, code, tell=tell)
    return _take(user, code)


def _take(user: User, code: str) -> bool:
    """Take a time step's code, once: of two at once with the same code one gets it.

    A clock that ran far ahead and was put right must not shut people out until it gets there again.
    """
    sealed = db.session.scalar(sa.select(Authenticator.secret).where(Authenticator.user_id == user.id))
    if sealed is None:
        return False
    digits = "".join(code.split())
    now = clock.now()
    step = totp.matching_step(unseal(sealed, seal_context(user.id)), digits, now)
    if step is None:
        return False
    last = Authenticator.last_step
    taken = db.session.scalars(
        sa.update(Authenticator)
        .where(
            Authenticator.user_id == user.id,
            sa.or_(last.is_(None), last < step, last > totp.step_at(now) + _CLOCK_PUT_RIGHT),
        )
        .values(last_step=step)
        .returning(Authenticator.user_id)
        .execution_options(synchronize_session=False)
    ).first()
    return taken is not None
