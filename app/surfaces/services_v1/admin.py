"""Starting anew what works in the background."""

import marshmallow as ma

from app.core.buckets import RESTARTS
from app.domains.platform import restarts
from app.surfaces.services_v1.dialect import blp, done, door, told
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.ids import Moment
from app.surfaces.shared.openapi import Schema

_ADMINS = ("auth:platform_admin_required", "two_factor:session_too_weak", "auth:step_up_required")


class RestartOut(Schema):
    kind = ma.fields.String()
    generation = ma.fields.Integer()
    signalled = ma.fields.Integer()
    requested_at = Moment()


@blp.post("/services/platforms/v1/workers/restart-all")
@door("platform_admin", limit=RESTARTS)
@blp.refuses({403: _ADMINS})
@blp.response(202, told(RestartOut))
def workers_restart_all():
    """Tell every queue worker to finish the job in hand and start anew."""
    restart = restarts.restart_all(current_actor(), kind="workers")
    return done(restart, "Workers will restart after their present job.")


@blp.post("/services/platforms/v1/daemons/restart-all")
@door("platform_admin", limit=RESTARTS)
@blp.refuses({403: _ADMINS})
@blp.response(202, told(RestartOut))
def daemons_restart_all():
    """Tell every long-running daemon to drain and start anew."""
    restart = restarts.restart_all(current_actor(), kind="daemons")
    return done(restart, "Daemons will restart once drained.")
