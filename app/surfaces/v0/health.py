"""Whether the instance can serve."""

from flask import Response

from app.domains.platform import health
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.transaction import has_no_transaction
from app.surfaces.v0.dialect import blp, door


@blp.get("/health-check")
@has_no_transaction
@door("public", limit=None)
@blp.refuses({503: "health:database_down"})
@blp.response(204)
def check():
    """Say whether the instance can serve."""
    health.check(current_actor())
    return Response(status=204)
