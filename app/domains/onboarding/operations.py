"""Working through the setup: a person's word, a look at the facts, and the end of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from app.core import clock
from app.core.access import Actor, operation
from app.core.db import db
from app.core.errors import Conflict, NotFound
from app.core.permissions import Permission
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.onboarding.checks import CHECKS
from app.domains.onboarding.models import SetupClosing, SetupTask, TaskStatus
from app.domains.onboarding.queries import Setup, Standing, setup
from app.domains.onboarding.tasks import TASKS
from app.domains.tenants.models import Tenant


class TaskNotFound(NotFound):
    code, message = "setup:task_not_found", "There is no such setup task."


class TaskRequired(Conflict):
    code, message = "setup:task_required", "A required task cannot be skipped."


class RequiredPending(Conflict):
    code, message = "setup:required_pending", "Required tasks are still open."


@dataclass(frozen=True)
class Changed:
    """A task that was found to be done."""

    code: str
    before: TaskStatus


@dataclass(frozen=True)
class Checked:
    """What a look at the facts found."""

    results: Sequence[tuple[str, bool]]
    changed: Sequence[Changed]
    setup: Setup


@operation(Permission.SETUP_MANAGE)
def update_task(actor: Actor, *, code: str, status: TaskStatus) -> tuple[Standing, Setup]:
    """Set a task's status by hand; a required one that goes back opens a closed setup again.

    :raises TaskNotFound: there is no such task
    :raises TaskRequired: it cannot be skipped
    """
    task = TASKS.get(code)
    if task is None:
        raise TaskNotFound
    if task.required and status is TaskStatus.SKIPPED:
        raise TaskRequired
    tenant_id = _locked(actor)
    row = _row(tenant_id, code)
    before = row.status
    if before is not status or row.by_check:
        completed = status is TaskStatus.COMPLETED
        row.status, row.by_check, row.was = status, False, None
        row.completed_at = clock.now() if completed else None
        row.completed_by_id = actor.user_id if completed else None
        changes = {"task": code, "status": [str(before), str(status)]}
        record(actor, AuditKind.SETUP_TASK_UPDATED, subject=("tenant", tenant_id), changes=changes)
    if task.required and status is not TaskStatus.COMPLETED:
        _reopen(tenant_id)
    db.session.flush()  # the setup is read anew
    found = setup(actor)
    return next(one for one in found.tasks if one.task.code == code), found


@operation(Permission.SETUP_MANAGE)
def auto_check(actor: Actor) -> Checked:
    """Look which open tasks are done and complete them; tell as well of those that facts completed since.

    Nothing is reopened, and nobody outside is asked.
    """
    tenant_id = _locked(actor)
    results = [(code, code in CHECKS and CHECKS[code](tenant_id)) for code in _checkable()]
    for code, done in results:
        if done:
            complete_by_check(tenant_id, code)
    db.session.flush()  # what was completed is asked for at once
    told = sa.select(SetupTask).where(SetupTask.tenant_id == tenant_id, SetupTask.was.is_not(None))
    changed = []
    for row in db.session.scalars(told.order_by(SetupTask.completed_at, SetupTask.code)):
        changed.append(Changed(row.code, row.was or TaskStatus.PENDING))
        row.was = None
    if changed:
        changes = {"tasks": [one.code for one in changed]}
        record(actor, AuditKind.SETUP_AUTO_CHECKED, subject=("tenant", tenant_id), changes=changes)
    db.session.flush()
    return Checked(results, changed, setup(actor))


@operation(Permission.SETUP_MANAGE)
def complete(actor: Actor) -> Setup:
    """Close the setup; the first closing counts.

    :raises RequiredPending: naming the required tasks that are open, at tasks
    """
    tenant_id = _locked(actor)
    found = setup(actor)
    lacking = [
        one.task.code for one in found.tasks if one.task.required and one.status is not TaskStatus.COMPLETED
    ]
    if lacking:
        raise RequiredPending(fields={"tasks": lacking})
    if found.closed_at is None:
        now = clock.now()
        db.session.add(SetupClosing(tenant_id=tenant_id, closed_at=now, closed_by_id=actor.user_id))
        db.session.get_one(Tenant, tenant_id).setup_completed_at = now
        record(actor, AuditKind.SETUP_COMPLETED, subject=("tenant", tenant_id))
        db.session.flush()  # the setup is read anew
    return setup(actor)


def complete_by_check(tenant_id: int, code: str) -> None:
    """Complete a task because the facts say so; one that is completed keeps who did it."""
    row = _row(tenant_id, code)
    if row.status is TaskStatus.COMPLETED:
        return
    row.was = row.status
    row.status, row.by_check, row.completed_at = TaskStatus.COMPLETED, True, clock.now()
    row.completed_by_id = None


def _checkable() -> Sequence[str]:
    return [task.code for task in TASKS.values() if task.checkable]


def _locked(actor: Actor) -> int:
    """Hold the organization's setup, so that two who work on it take turns."""
    return db.session.scalars(
        sa.select(Tenant.id).where(Tenant.id == actor.tenant_id).with_for_update()
    ).one()


def _row(tenant_id: int, code: str) -> SetupTask:
    row = db.session.get(SetupTask, (tenant_id, code))
    if row is None:
        row = SetupTask(tenant_id=tenant_id, code=code, status=TaskStatus.PENDING, by_check=False)
        db.session.add(row)
    return row


def _reopen(tenant_id: int) -> None:
    closing = db.session.get(SetupClosing, tenant_id)
    if closing is not None:
        db.session.delete(closing)
        db.session.get_one(Tenant, tenant_id).setup_completed_at = None
