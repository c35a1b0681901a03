"""Ordinary call limits of the ways in, shared by all dialects; how a caller stands is told in headers."""

from collections.abc import Mapping

from flask import Flask, Response, g

from app.core.buckets import DEFAULT, Bucket
from app.core.errors import RateLimited
from app.core.limits import network_of
from app.core.settings import Settings
from app.domains.settings import budgets
from app.domains.settings import queries as settings
from app.surfaces.shared import throttles
from app.surfaces.shared.throttles import Standing


def init_limits(app: Flask, configured: Settings) -> None:
    """Bind the counting to an application, and put on each answer that was counted how the caller stands."""
    throttles.init_throttles(app, configured)
    app.after_request(_tell)


def count_call(
    bucket: Bucket,
    *,
    caller: str,
    endpoint: str,
    user: str,
    tenant: str = "",
    ip: str | None,
    per_minute: int | None,
) -> None:
    """Count one call against an ordinary bucket.

    :param caller: session or token, else the network address
    :param user: the person's id, empty where nobody is signed in
    :param tenant: the id of the organization they work in, empty where they work in none
    :param per_minute: ``limits.requests_per_minute`` where the caller's look-up brought it along
    :raises RateLimited: if the bucket is full
    """
    rule = bucket.rules[0]
    names: Mapping[str, str | None] = {
        "caller": caller,
        "endpoint": endpoint,
        "user": user,
        "tenant": tenant,
        "ip": ip,
    }
    if bucket is DEFAULT:
        limit = per_minute or settings.integer("limits.requests_per_minute")
    else:
        limit = budgets.rules_of(bucket)[0].limit
    key = ":".join(network_of(ip) if name == "ip" else str(names[name]) for name in rule.keys)
    g.standing = throttles.count(bucket.name, key, limit=limit, seconds=rule.seconds or 1)


def headers_of(error: RateLimited) -> dict[str, str]:
    """Return what a refusal tells beside ``Retry-After``, whichever limit it was."""
    return _headers(Standing(error.limit, 0, error.retry_after or 1))


def _tell(response: Response) -> Response:
    standing: Standing | None = g.get("standing")
    if standing is not None:
        for name, value in _headers(standing).items():
            response.headers.setdefault(name, value)
    return response


def _headers(standing: Standing) -> dict[str, str]:
    return {
        "RateLimit-Limit": str(standing.limit),
        "RateLimit-Remaining": str(standing.remaining),
        "RateLimit-Reset": str(standing.reset_after),
    }
