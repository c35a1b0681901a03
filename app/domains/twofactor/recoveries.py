"""The removal of a lost second factor, where it stands: it can be stopped until the moment it is done.

Each step is one conditional change, so that of two at once (finishing it and stopping it, say) one counts.
"""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core import clock
from app.core.access import Actor
from app.core.db import db
from app.core.links import public_url
from app.core.signs import ME, NOW, sign
from app.domains.accounts.models import User
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.email import mails
from app.domains.settings import queries as settings
from app.domains.twofactor.models import FactorRecovery

CONFIRM_WITHIN = timedelta(hours=24)
FINISH_WITHIN = timedelta(days=7)
_LONGEST_DELAY = timedelta(days=30)
"""How long the last link may take after the wait: a worker may have stood still."""


def waiting_period() -> timedelta:
    """Return how long a confirmed removal waits (``auth.factor_recovery_hours``)."""
    return timedelta(hours=settings.integer("auth.factor_recovery_hours"))


def open_of(user_id: int) -> FactorRecovery | None:
    """Return a person's removal that is under way."""
    return db.session.scalar(of_user(user_id).execution_options(populate_existing=True))


def of_user(user_id: int) -> sa.Select[tuple[FactorRecovery]]:
    """Select a person's removal that is under way."""
    return sa.select(FactorRecovery).where(FactorRecovery.user_id == user_id, *_is_open())


sign(
    "removal",
    sa.exists().where(
        FactorRecovery.user_id == ME, FactorRecovery.ended_at.is_(None), FactorRecovery.lapses_at > NOW
    ),
)


def begin(actor: Actor, user: User) -> FactorRecovery:
    """Write down that it was asked for; asked for again, it waits for its confirmation anew."""
    now = clock.now()
    old = sa.or_(FactorRecovery.confirmed_at.is_(None), FactorRecovery.lapses_at <= now)
    _lapse(FactorRecovery.user_id == user.id, old)
    recovery = FactorRecovery(
        user_id=user.id, requested_at=now, lapses_at=now + CONFIRM_WITHIN, ip=actor.origin.ip
    )
    db.session.add(recovery)
    record(actor, AuditKind.TWO_FACTOR_RECOVERY_REQUESTED, subject=("user", user.id), user_id=user.id)
    return recovery


def confirm(actor: Actor, user: User) -> datetime | None:
    """Begin the waiting period; returns when it is over, None where nothing waits for it."""
    now, due_at = clock.now(), clock.now() + waiting_period()
    begun = _change(
        FactorRecovery.user_id == user.id,
        FactorRecovery.confirmed_at.is_(None),
        confirmed_at=now,
        due_at=due_at,
        lapses_at=due_at + _LONGEST_DELAY,
    )
    if not begun:
        return None
    record(
        actor,
        AuditKind.TWO_FACTOR_RECOVERY_CONFIRMED,
        subject=("user", user.id),
        user_id=user.id,
        changes={"due_at": due_at.isoformat()},
    )
    return due_at


def cancel(actor: Actor, user: User) -> bool:
    """Stop it and tell the person; says whether there was something to stop."""
    if not _change(FactorRecovery.user_id == user.id, ended_at=clock.now(), outcome="cancelled"):
        return False
    record(actor, AuditKind.TWO_FACTOR_RECOVERY_CANCELLED, subject=("user", user.id), user_id=user.id)
    mails.factor_recovery_cancellation(
        user.email, first_name=user.greeting, at=clock.now(), link=public_url("/forgot-password")
    )
    return True


def begin_wait_anew(actor: Actor, user: User) -> None:
    """Let the whole waiting period pass once more from now on; what nobody has confirmed yet ends."""
    due_at = clock.now() + waiting_period()
    restarted = _change(
        FactorRecovery.user_id == user.id,
        FactorRecovery.confirmed_at.is_not(None),
        due_at=due_at,
        mailed_at=None,
        lapses_at=due_at + _LONGEST_DELAY,
    )
    if not restarted:
        cancel(actor, user)


def take(user_id: int) -> bool:
    """End it as done if its time has come; of two at once one gets it."""
    now = clock.now()
    taken = _change(
        FactorRecovery.user_id == user_id,
        FactorRecovery.due_at <= now,
        FactorRecovery.mailed_at.is_not(None),
        ended_at=now,
        outcome="recovered",
    )
    return bool(taken)


def close(user_id: int) -> None:
    """End it without a word: there is no second factor any more."""
    _lapse(FactorRecovery.user_id == user_id)


def end_lapsed() -> int:
    """End those whose next step nobody took in time; returns how many."""
    return len(_lapse(FactorRecovery.lapses_at <= clock.now()))


def take_due() -> list[int]:
    """Mark those whose waiting period is over as ready to be finished; returns whose they are."""
    now = clock.now()
    return _change(
        FactorRecovery.due_at <= now,
        FactorRecovery.mailed_at.is_(None),
        mailed_at=now,
        lapses_at=now + FINISH_WITHIN,
    )


def _is_open() -> tuple[sa.ColumnElement[bool], ...]:
    return (FactorRecovery.ended_at.is_(None), FactorRecovery.lapses_at > clock.now())


def _lapse(*which: sa.ColumnElement[bool]) -> list[int]:
    lapsed = sa.update(FactorRecovery).where(FactorRecovery.ended_at.is_(None), *which)
    return _run(lapsed, ended_at=clock.now(), outcome="lapsed")


def _change(*which: sa.ColumnElement[bool], **values: Any) -> list[int]:
    return _run(sa.update(FactorRecovery).where(*_is_open(), *which), **values)


def _run(change: sa.Update, **values: Any) -> list[int]:
    """Run a change; returns whose removals it met."""
    changed = change.values(**values).returning(FactorRecovery.user_id)
    return list(db.session.scalars(changed.execution_options(synchronize_session=False)).all())
