"""The door of client_v1: instance, organization, token, feature, call limit; the body comes afterwards."""

import functools
from collections.abc import Callable
from typing import Any, Literal, ParamSpec, TypeVar

from flask import abort, g, request

from app.core.buckets import DEFAULT, SERVICE_LOGINS, Bucket
from app.core.limits import network_of
from app.domains.clients import instances
from app.domains.sessions.identify import Caller
from app.surfaces.client_v1.naming import named
from app.surfaces.shared import throttles
from app.surfaces.shared.actor import current_actor, origin_of
from app.surfaces.shared.limits import count_call

P = ParamSpec("P")
R = TypeVar("R")

Level = Literal["public", "service"]


def door(
    level: Level, *, limit: Bucket | None = DEFAULT, leaves: bool = False
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Guard a view: whoever calls is known, and counted, before the body is looked at.

    A service user's calls are counted for each endpoint, whichever of its tokens makes them; calls without a
    token for each instance and calling address, so that a stranger uses up nobody else's share.

    :param limit: None where a bucket of its own counts besides
    :param leaves: the call ends its own session, whatever feature and plan say
    """

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            _enter(level, leaves=leaves)
            return view(*args, **kwargs)

        marked: Any = guarded
        marked.level, marked.limit, marked.interactive, marked.scope = level, limit, False, None
        return guarded

    return decorate


def _enter(level: Level, *, leaves: bool) -> None:
    if "\0" in request.path:
        abort(404)  # no name of ours holds it, and PostgreSQL cannot even look for it
    origin, instance = origin_of("client_v1"), named()
    if level == "public":
        caller = instances.visitor(instance.platform_id, instance.environment, origin)
        _know(caller)
        _count_sign_in()
        return
    caller = instances.identify(instance.platform_id, instance.environment, _token(), origin, leaves=leaves)
    _know(caller)
    _count(caller)


def _know(caller: Caller) -> None:
    g.caller, g.actor = caller, caller.actor


def _token() -> str:
    """Return the one bearer token that the call shows, nothing where it shows anything else."""
    headers = request.headers.getlist("Authorization")
    scheme, _, token = headers[0].strip().partition(" ") if len(headers) == 1 else ("", "", "")
    return token.strip() if scheme.lower() == "bearer" and "," not in token else ""


def _count(caller: Caller) -> None:
    actor = caller.actor
    count_call(
        DEFAULT,
        caller=f"service-{actor.service_user_id}",
        endpoint=request.endpoint or "",
        user="",
        ip=actor.origin.ip,
        per_minute=caller.calls_per_minute,
    )


def _count_sign_in() -> None:
    actor, rule = current_actor(), SERVICE_LOGINS.rules[0]
    key = f"{actor.tenant_id}:{actor.environment}:{network_of(actor.origin.ip)}"
    g.standing = throttles.count(SERVICE_LOGINS.name, key, limit=rule.limit, seconds=rule.seconds or 1)
