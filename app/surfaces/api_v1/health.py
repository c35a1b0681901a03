"""Whether the service runs and reaches its database."""

from typing import Any

import marshmallow as ma

from app.domains.platform import health
from app.domains.platform.health import Health
from app.surfaces.api_v1.dialect import blp, door, envelope, ok
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.ids import Moment
from app.surfaces.shared.openapi import Schema
from app.surfaces.shared.transaction import has_no_transaction


class DatabaseOut(Schema):
    """How the database answered."""

    status = ma.fields.String()
    latency_ms = ma.fields.Float(data_key="latencyMs")


class HealthOut(Schema):
    """A service that runs."""

    status = ma.fields.String()
    database = ma.fields.Nested(DatabaseOut)
    time = Moment()


def _health(found: Health) -> dict[str, Any]:
    database = {"status": "up", "latency_ms": round(found.latency_ms, 1)}
    return {"status": "ok", "database": database, "time": found.at}


@blp.get("/health")
@door("public", limit=None)
@has_no_transaction
@blp.response(200, envelope(HealthOut))
@blp.refuses({503: ("health:database_down",)})
def check():
    """Say whether the service runs and reaches its database; asked anew each time."""
    return ok(_health(health.check(current_actor())))
