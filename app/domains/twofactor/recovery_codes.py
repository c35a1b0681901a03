"""Recovery codes: ten of eight signs, proposed and then saved, each good once."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.core import clock, ids
from app.core.access import Access, Actor, operation
from app.core.buckets import TWO_FACTOR_CHANGES
from app.core.db import db
from app.core.errors import Refused
from app.core.links import public_url
from app.core.secrets import keyed_hash, token_hash
from app.domains.accounts.models import User
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.email import mails
from app.domains.sessions.proofs import held_as_strong, require_strong
from app.domains.settings import budgets
from app.domains.twofactor.errors import TwoFactorNotEnabled
from app.domains.twofactor.models import RecoveryBatch, RecoveryCode

NUMBER = 10
_LENGTH = 8
_SIGNS = "23456789abcdefghjkmnpqrstvwxyz"
"""Without those that are taken for one another on paper: 0 and o, 1, i and l; and u, which makes words."""
PROPOSAL_LIFE = timedelta(minutes=15)


class BatchInvalid(Refused):
    code, message = "two_factor:batch_invalid", "These codes were not proposed or have run out."


@dataclass(frozen=True)
class Proposal:
    """Codes shown this once, and the token that puts them in force."""

    codes: Sequence[str]
    batch_token: str
    expires_in: timedelta = PROPOSAL_LIFE


@dataclass(frozen=True)
class Saved:
    """Codes in force."""

    remaining: int
    saved_at: datetime


@operation(Access.INTERACTIVE)
def propose(actor: Actor) -> Proposal:
    """Make ten new codes that are not yet in force; the old ones stay good until these are saved.

    :raises StepUpRequired: if the last proof is too old, or was made without the second factor
    :raises TwoFactorNotEnabled: without an authenticator
    :raises RateLimited: after ten changes in an hour
    """
    require_strong(actor)
    budgets.spend(TWO_FACTOR_CHANGES, user=actor.user_id)
    user = _protected(actor)
    _end(RecoveryBatch.user_id == user.id, RecoveryBatch.saved_at.is_(None))
    token = ids.new_token("rcb")
    codes, _ = _make(user.id, token)
    record(actor, AuditKind.TWO_FACTOR_CODES_PROPOSED, subject=("user", user.id))
    return Proposal(codes, token)


@operation(Access.INTERACTIVE)
def save(actor: Actor, *, batch_token: str) -> Saved:
    """Put proposed codes in force and end the old ones.

    :raises BatchInvalid: never proposed, run out, replaced, saved already, or another's
    :raises StepUpRequired, TwoFactorNotEnabled, RateLimited: as in ``propose``
    """
    require_strong(actor)
    budgets.spend(TWO_FACTOR_CHANGES, user=actor.user_id)
    user = _protected(actor)
    batch = db.session.scalar(
        sa.select(RecoveryBatch).where(
            RecoveryBatch.user_id == user.id,
            RecoveryBatch.token_hash == token_hash(batch_token),
            RecoveryBatch.saved_at.is_(None),
            RecoveryBatch.ended_at.is_(None),
            RecoveryBatch.expires_at > clock.now(),
        )
    )
    if batch is None:
        raise BatchInvalid
    return Saved(NUMBER, put_in_force(actor, user, batch))


def replace(actor: Actor, user: User) -> Sequence[str]:
    """Make ten codes that are in force at once, in place of all others, and return them: shown this once."""
    codes, batch = _make(user.id, ids.new_token("rcb"))
    put_in_force(actor, user, batch, tell=False)
    return codes


def put_in_force(actor: Actor, user: User, batch: RecoveryBatch, *, tell: bool = True) -> datetime:
    """Let one batch take the place of all others; the person is told unless another mail says so."""
    end_all_of(user.id)
    batch.saved_at, batch.ended_at = clock.now(), None
    record(actor, AuditKind.TWO_FACTOR_CODES_REPLACED, subject=("user", user.id))
    if tell:
        tell_of_replacement(user)
    return batch.saved_at


def tell_of_replacement(user: User) -> None:
    """Mail the person that new codes are in force."""
    mails.new_backup_codes(
        user.email, first_name=user.greeting, at=clock.now(), link=public_url("/account/security")
    )


def burn(actor: Actor, user: User, code: str, *, tell: bool = True) -> bool:
    """Use one code up if it is good; of many at once with the same code one gets it.

    :param tell: mail the person, unless another mail says more
    """
    wanted = keyed_hash(f"recovery:{user.id}", _as_compared(code))
    burned = db.session.scalars(
        sa.update(RecoveryCode)
        .where(
            RecoveryCode.code_hash == wanted,
            RecoveryCode.used_at.is_(None),
            RecoveryCode.batch_id.in_(_in_force(user.id)),
        )
        .values(used_at=clock.now())
        .returning(RecoveryCode.id)
        .execution_options(synchronize_session=False)
    ).first()
    if burned is None:
        return False
    left = remaining(user.id)
    record(
        actor,
        AuditKind.TWO_FACTOR_BACKUP_CODE_USED,
        subject=("user", user.id),
        user_id=user.id,
        changes={"remaining": left},
    )
    if tell:
        mails.backup_code_use(
            user.email,
            first_name=user.greeting,
            at=clock.now(),
            remaining=left,
            link=public_url("/account/security"),
        )
    return True


def remaining(user_id: int) -> int:
    """Return how many codes of the batch in force are still good."""
    return int(db.session.scalar(remaining_of(user_id)) or 0)


def remaining_of(user_id: int | sa.BindParameter[int]) -> sa.Select[tuple[int]]:
    """Select how many codes of a person are still good."""
    return (
        sa.select(sa.func.count())
        .select_from(RecoveryCode)
        .where(RecoveryCode.batch_id.in_(_in_force(user_id)), RecoveryCode.used_at.is_(None))
    )


def end_all_of(user_id: int) -> None:
    """End all codes of a person, proposed ones too."""
    _end(RecoveryBatch.user_id == user_id)


def end_those_saved_since(user_id: int, moment: datetime) -> None:
    """End a person's codes if they were put in force since a moment, by whoever it was."""
    _end(RecoveryBatch.user_id == user_id, RecoveryBatch.saved_at >= moment)


def looks_like_one(code: str) -> bool:
    """Say whether what was typed has the form of a recovery code rather than of an authenticator's."""
    text = _as_compared(code)
    return len(text) == _LENGTH


def _protected(actor: Actor) -> User:
    user = held_as_strong(actor)
    if not user.two_factor_enabled:
        raise TwoFactorNotEnabled
    return user


def _make(user_id: int, token: str) -> tuple[Sequence[str], RecoveryBatch]:
    codes: dict[str, None] = {}
    while len(codes) < NUMBER:
        codes["".join(secrets.choice(_SIGNS) for _ in range(_LENGTH))] = None
    now = clock.now()
    batch = RecoveryBatch(
        user_id=user_id, token_hash=token_hash(token), proposed_at=now, expires_at=now + PROPOSAL_LIFE
    )
    db.session.add(batch)
    db.session.flush()  # generate batch.id
    purpose = f"recovery:{user_id}"
    db.session.add_all(RecoveryCode(batch_id=batch.id, code_hash=keyed_hash(purpose, code)) for code in codes)
    return tuple(codes), batch


def _end(*which: sa.ColumnElement[bool]) -> None:
    db.session.execute(
        sa.update(RecoveryBatch)
        .where(RecoveryBatch.ended_at.is_(None), *which)
        .values(ended_at=clock.now())
        .execution_options(synchronize_session="fetch")
    )


def _in_force(user_id: int | sa.BindParameter[int]) -> sa.Select[tuple[int]]:
    return sa.select(RecoveryBatch.id).where(
        RecoveryBatch.user_id == user_id,
        RecoveryBatch.saved_at.is_not(None),
        RecoveryBatch.ended_at.is_(None),
    )


def _as_compared(code: str) -> str:
    return "".join(code.split()).replace("-", "").lower()
