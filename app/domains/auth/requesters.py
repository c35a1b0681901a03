"""Requests that the worker answers, so that a known address costs the caller no more time than another."""

from app.core.access import Actor, Origin
from app.core.outbox import Claimed


def origin_of(actor: Actor) -> dict[str, str | None]:
    """Return where a request came from, as part of an outbox payload."""
    origin = actor.origin
    return {
        "ip": origin.ip,
        "user_agent": origin.user_agent[:400],
        "dialect": origin.dialect,
        "request_id": origin.request_id,
    }


def requester(claimed: Claimed) -> Actor:
    """Return the anonymous actor who made the request that the worker now answers."""
    payload = claimed.payload
    return Actor(
        kind="anonymous",
        origin=Origin(
            ip=payload.get("ip"),
            user_agent=payload.get("user_agent") or "",
            dialect=payload["dialect"],
            request_id=payload.get("request_id") or "",
        ),
    )
