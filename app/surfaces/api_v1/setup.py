"""The setup hub: what is left to do before an organization is ready."""

from typing import Any

import marshmallow as ma

from app.core.access import Access
from app.domains.onboarding import operations, queries
from app.domains.onboarding.models import TaskStatus
from app.domains.onboarding.queries import Doer, Setup, Standing
from app.surfaces.api_v1.dialect import blp, door, envelope, ok
from app.surfaces.api_v1.org_settings import ChangerOut
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.ids import Moment
from app.surfaces.shared.openapi import Schema


class TaskIn(Schema):
    status = ma.fields.Enum(TaskStatus, by_value=True, required=True)


class SetupTaskOut(Schema):
    """One task as it stands."""

    code = ma.fields.String()
    label = ma.fields.String()
    area = ma.fields.String()
    required = ma.fields.Boolean()
    checkable = ma.fields.Boolean()
    status = ma.fields.String()
    detected_by = ma.fields.String(data_key="detectedBy", allow_none=True)
    completed_at = Moment(data_key="completedAt", allow_none=True)
    completed_by = ma.fields.Nested(ChangerOut, data_key="completedBy", allow_none=True)
    link = ma.fields.String()


class ProgressOut(Schema):
    completed = ma.fields.Integer()
    skipped = ma.fields.Integer()
    total = ma.fields.Integer()
    percent = ma.fields.Integer()
    required_open = ma.fields.Integer(data_key="requiredOpen")


class SetupOut(Schema):
    """The whole setup."""

    status = ma.fields.String()
    progress = ma.fields.Nested(ProgressOut)
    tasks = ma.fields.List(ma.fields.Nested(SetupTaskOut))
    completed_at = Moment(data_key="completedAt", allow_none=True)
    completed_by = ma.fields.Nested(ChangerOut, data_key="completedBy", allow_none=True)


class TaskUpdateOut(Schema):
    task = ma.fields.Nested(SetupTaskOut)
    progress = ma.fields.Nested(ProgressOut)


class TaskChangeOut(Schema):
    code = ma.fields.String()
    before = ma.fields.String(data_key="from")
    after = ma.fields.String(data_key="to")


class TaskResultOut(Schema):
    code = ma.fields.String()
    done = ma.fields.Boolean()


class AutoCheckOut(Schema):
    checked = ma.fields.Integer()
    changed = ma.fields.List(ma.fields.Nested(TaskChangeOut))
    results = ma.fields.List(ma.fields.Nested(TaskResultOut))
    progress = ma.fields.Nested(ProgressOut)


def _doer(doer: Doer | None) -> dict[str, Any] | None:
    if doer is None:
        return None
    return {"user_id": doer.membership_id, "name": doer.name, "avatar": doer.avatar, "deleted": False}


def _task(standing: Standing) -> dict[str, Any]:
    task = standing.task
    return {
        "code": task.code,
        "label": task.label,
        "area": task.area,
        "required": task.required,
        "checkable": task.checkable,
        "status": standing.status,
        "detected_by": standing.detected_by,
        "completed_at": standing.completed_at,
        "completed_by": _doer(standing.completed_by),
        "link": task.link,
    }


def _setup(found: Setup) -> dict[str, Any]:
    return {
        "status": found.status,
        "progress": found.progress,
        "tasks": [_task(one) for one in found.tasks],
        "completed_at": found.closed_at,
        "completed_by": _doer(found.closed_by),
    }


@blp.get("/setup-hub")
@door("tenant")
@blp.response(200, envelope(SetupOut))
def get():
    """Show how far the organization's setup is."""
    return ok(_setup(queries.setup(current_actor())))


@blp.put("/setup-hub/tasks/<string:task_code>")
@door("tenant", access=Access.TENANT_ADMIN)
@blp.refuses({403: "auth:role_required", 404: "setup:task_not_found", 409: "setup:task_required"})
@blp.arguments(TaskIn)
@blp.response(200, envelope(TaskUpdateOut))
def task_update(body, task_code):
    """Set the status of one task by hand."""
    standing, found = operations.update_task(current_actor(), code=task_code, status=body["status"])
    return ok({"task": _task(standing), "progress": found.progress})


@blp.post("/setup-hub/auto-check")
@door("tenant", access=Access.TENANT_ADMIN)
@blp.refuses({403: "auth:role_required"})
@blp.response(200, envelope(AutoCheckOut))
def auto_check():
    """Look which tasks are done."""
    found = operations.auto_check(current_actor())
    results = [{"code": code, "done": done} for code, done in found.results]
    changed = [{"code": one.code, "before": one.before, "after": "completed"} for one in found.changed]
    about = {"checked": len(results), "changed": changed, "results": results}
    return ok({**about, "progress": found.setup.progress})


@blp.put("/setup-hub/complete")
@door("tenant", access=Access.TENANT_ADMIN)
@blp.refuses({403: "auth:role_required", 409: "setup:required_pending"})
@blp.response(200, envelope(SetupOut))
def complete():
    """Close the setup."""
    return ok(_setup(operations.complete(current_actor())))
