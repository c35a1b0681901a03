"""How far an organization's setup is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.core.access import Access, Actor, operation
from app.core.db import db
from app.core.permissions import Permission
from app.core.signs import HERE, sign
from app.domains.accounts.models import User
from app.domains.onboarding.models import SetupClosing, SetupTask, TaskStatus
from app.domains.onboarding.tasks import TASKS, Task
from app.domains.tenants.models import Membership

_DONE = (TaskStatus.COMPLETED, TaskStatus.SKIPPED)


@dataclass(frozen=True)
class Doer:
    """Who completed something, as the organization knows them; no membership once they have left."""

    membership_id: int | None
    name: str
    avatar: str | None


@dataclass(frozen=True)
class Standing:
    """One task as it stands."""

    task: Task
    status: TaskStatus = TaskStatus.PENDING
    detected_by: str | None = None
    """check, person, or None while nobody has said anything."""
    completed_at: datetime | None = None
    completed_by: Doer | None = None

    @property
    def is_open(self) -> bool:
        """Say whether there is something left to do."""
        return self.status not in _DONE


@dataclass(frozen=True)
class Progress:
    """The tasks in numbers; ``percent`` is completed and skipped ones over all, rounded down."""

    completed: int
    skipped: int
    total: int
    required_open: int

    @property
    def percent(self) -> int:
        """Return how much is done, in percent."""
        return (self.completed + self.skipped) * 100 // self.total


@dataclass(frozen=True)
class Setup:
    """The whole setup."""

    tasks: Sequence[Standing]
    closed_at: datetime | None = None
    closed_by: Doer | None = None

    @property
    def status(self) -> str:
        """Return completed once somebody has closed it."""
        return "completed" if self.closed_at else "in_progress"

    @property
    def progress(self) -> Progress:
        """Return the tasks in numbers."""
        statuses = [one.status for one in self.tasks]
        return Progress(
            statuses.count(TaskStatus.COMPLETED),
            statuses.count(TaskStatus.SKIPPED),
            len(statuses),
            sum(one.task.required and one.status is not TaskStatus.COMPLETED for one in self.tasks),
        )


def visible(actor: Actor) -> sa.Select[tuple[SetupTask]]:
    """Select what was said of the tasks of the organization that the actor works in."""
    return sa.select(SetupTask).where(SetupTask.tenant_id == actor.tenant_id)


@operation(Access.TENANT)
def setup(actor: Actor) -> Setup:
    """Return how far the organization's setup is; three queries."""
    rows = {row.code: row for row in db.session.scalars(visible(actor))}
    closing = db.session.get(SetupClosing, actor.tenant_id)
    ids = {row.completed_by_id for row in rows.values()} | {closing.closed_by_id if closing else None}
    doers = _doers(actor, ids)
    return Setup(
        [_standing(task, rows.get(task.code), doers) for task in TASKS.values()],
        closing.closed_at if closing else None,
        doers.get(closing.closed_by_id) if closing else None,
    )


@operation(Permission.SETUP_VIEW)
def open_tasks(actor: Actor) -> Sequence[Standing]:
    """Return the tasks that are left of a setup that nobody has closed: one query."""
    rows = {row.code: row for row in db.session.scalars(visible(actor))}
    found = [_standing(task, rows.get(task.code), {}) for task in TASKS.values()]
    return [one for one in found if one.is_open]


sign("setup_closed", sa.exists().where(SetupClosing.tenant_id == HERE))
sign(
    "tasks_done",
    sa.select(sa.func.count())
    .select_from(SetupTask)
    .where(SetupTask.tenant_id == HERE, SetupTask.status.in_(_DONE), SetupTask.code.in_(TASKS))
    .scalar_subquery(),
)


def left_by(found: Mapping[str, Any]) -> int:
    """Return how many tasks are left by the signs (``core.signs``), none once the setup is closed."""
    return 0 if found["setup_closed"] else len(TASKS) - int(found["tasks_done"])


def _standing(task: Task, row: SetupTask | None, doers: Mapping[int | None, Doer]) -> Standing:
    if row is None:
        return Standing(task)
    by = None if row.by_check else doers.get(row.completed_by_id)
    return Standing(task, row.status, "check" if row.by_check else "person", row.completed_at, by)


def _doers(actor: Actor, user_ids: set[int | None]) -> Mapping[int | None, Doer]:
    wanted = {user_id for user_id in user_ids if user_id is not None}
    if not wanted:
        return {}
    here = sa.and_(Membership.user_id == User.id, Membership.tenant_id == actor.tenant_id)
    rows = db.session.execute(
        sa.select(User, Membership.id).outerjoin(Membership, here).where(User.id.in_(wanted))
    )
    return {user.id: Doer(membership_id, user.name, user.avatar) for user, membership_id in rows}
