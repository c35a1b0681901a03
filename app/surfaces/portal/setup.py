"""The setup hub: what is left to do, and what was found to be done already."""

from flask import flash, request
from flask_babel import gettext as _

from app.core.errors import ValidationFailed
from app.domains.onboarding import operations, queries
from app.domains.onboarding.models import TaskStatus
from app.surfaces.portal.base import area, away, door, page
from app.surfaces.shared.actor import current_actor

bp = area("setup")

PAGE = "/organization/setup"


@bp.get(PAGE)
@door("user")
def index():
    return page("organizations/setup.html", setup=queries.setup(current_actor()))


@bp.post("/organization/setup/tasks/<string:task_code>")
@door("user")
def update_task(task_code: str):
    status = request.form.get("status", "")
    if status not in set(TaskStatus):
        raise ValidationFailed({"status": [_("Choose one.")]})
    operations.update_task(current_actor(), code=task_code, status=TaskStatus(status))
    return away(f"{PAGE}#{task_code}")


@bp.post("/organization/setup/check")
@door("user")
def check():
    found = operations.auto_check(current_actor())
    flash(_("Looked: %(count)s tasks are done since the last time.", count=len(found.changed)), "success")
    return away(PAGE)


@bp.post("/organization/setup/complete")
@door("user")
def complete():
    operations.complete(current_actor())
    flash(_("The setup is closed. Everything stays where it is."), "success")
    return away(PAGE)
