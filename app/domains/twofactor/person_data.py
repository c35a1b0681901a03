"""What a second factor tells of a person: that and since when; never what it is."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from app.core.personal import Row, exported, exported_rows, not_exported, rows_of
from app.domains.accounts.models import User
from app.domains.twofactor.models import Authenticator, FactorRecovery, RecoveryBatch, RecoveryCode

not_exported("factor_demand_notices", "that somebody was told of a demand is in their mails")


@exported(
    "second-factor",
    about="Whether a second factor is on, and since when.",
    tables=["authenticators"],
    single=True,
)
def second_factor(user_id: int, after: int, limit: int) -> Sequence[Row]:
    """Read whether there is one."""
    query = sa.select(
        User.two_factor_enabled_at.label("on_since"),
        sa.func.coalesce(Authenticator.secret.is_not(None), sa.false()).label("authenticator_app"),
    ).outerjoin(Authenticator, Authenticator.user_id == User.id)
    return rows_of(query.where(User.id == user_id), User.id, after, limit)


@exported_rows("recovery-codes", about="Recovery codes you made; never what they are.", by=RecoveryBatch.id)
def recovery_codes(user_id: int) -> sa.Select[Any]:
    """Select batches with how many codes are left."""
    left = (
        sa.select(sa.func.count())
        .where(RecoveryCode.batch_id == RecoveryBatch.id, RecoveryCode.used_at.is_(None))
        .correlate(RecoveryBatch)
        .scalar_subquery()
    )
    query = sa.select(
        RecoveryBatch.proposed_at.label("made_at"),
        RecoveryBatch.saved_at,
        RecoveryBatch.ended_at,
        left.label("left"),
    )
    return query.where(RecoveryBatch.user_id == user_id)


@exported_rows(
    "factor-recoveries", about="When the removal of a second factor was asked for.", by=FactorRecovery.id
)
def factor_recoveries(user_id: int) -> sa.Select[Any]:
    """Select what was asked for in the person's name, and how it ended."""
    query = sa.select(
        FactorRecovery.requested_at,
        FactorRecovery.ip,
        FactorRecovery.confirmed_at,
        FactorRecovery.due_at,
        FactorRecovery.ended_at,
        FactorRecovery.outcome,
    )
    return query.where(FactorRecovery.user_id == user_id)
