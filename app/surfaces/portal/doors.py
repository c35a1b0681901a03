"""The portal's door: who is signed in, and whether they have agreed to what is in force before they go on."""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar
from urllib.parse import quote

from flask import make_response, redirect, request

from app.core.buckets import DEFAULT, Bucket
from app.domains.accounts import policies
from app.surfaces.shared.actor import Door, Level, current_actor

P = ParamSpec("P")
R = TypeVar("R")

_FREE = ("/policies/", "/account/privacy", "/account/export")
"""Open to those who do not agree: the texts themselves, one's data, and the way out."""


class PortalDoor(Door):
    """A door behind which pages wait until the policies in force are agreed to; what is sent is taken."""

    def __call__(
        self, level: Level, *, limit: Bucket | None = DEFAULT, **more: Any
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Guard a view as any door does."""
        guard = super().__call__(level, limit=limit, **more)

        def decorate(view: Callable[P, R]) -> Callable[P, R]:
            return guard(view if level == "public" else _after_agreeing(view))

        return decorate


def _after_agreeing(view: Callable[P, R]) -> Callable[P, R]:
    @functools.wraps(view)
    def shown(*args: P.args, **kwargs: P.kwargs) -> Any:
        if request.method != "GET" or request.path.startswith(_FREE) or not policies.awaited(current_actor()):
            return view(*args, **kwargs)
        asked = f"/policies/accept?next={quote(request.full_path.rstrip('?'), safe='/?=')}"
        response = make_response(redirect(asked, 303))
        if request.headers.get("HX-Request") == "true":
            response.headers["HX-Redirect"] = asked
            response.status_code = 200
        return response

    return shown
