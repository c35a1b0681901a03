"""Completing tasks the moment that facts do, whichever way in made them."""

from collections import defaultdict
from collections.abc import Sequence

import sqlalchemy as sa

from app.core import following
from app.core.db import db
from app.core.following import Change
from app.domains.onboarding.checks import CHECKS, FACTS
from app.domains.onboarding.models import SetupTask, TaskStatus
from app.domains.onboarding.operations import complete_by_check
from app.domains.permissions.roles import HEADS
from app.domains.tenants.models import Membership, MembershipStatus


@following.follows
def complete_what_is_done(changes: Sequence[Change]) -> None:
    """Look again at the open tasks that the changes bear on."""
    wanted: dict[int, set[str]] = defaultdict(set)
    for change in changes:
        codes = FACTS.get(change.kind, ())
        for tenant_id in _concerned(change) if codes else ():
            wanted[tenant_id].update(codes)
    for tenant_id, asked in wanted.items():
        for code in sorted(asked - _completed(tenant_id)):
            if CHECKS[code](tenant_id):
                complete_by_check(tenant_id, code)


def _concerned(change: Change) -> Sequence[int]:
    """Return the organizations a change is about; a person's own concerns those that they answer for."""
    if change.tenant_id is not None:
        return [change.tenant_id]
    if change.user_id is None:
        return []
    theirs = sa.select(Membership.tenant_id).where(
        Membership.user_id == change.user_id,
        Membership.role.in_(HEADS),
        Membership.status == MembershipStatus.ACTIVE,
    )
    return db.session.scalars(theirs).all()


def _completed(tenant_id: int) -> set[str]:
    done = (SetupTask.tenant_id == tenant_id, SetupTask.status == TaskStatus.COMPLETED)
    return set(db.session.scalars(sa.select(SetupTask.code).where(*done)))
