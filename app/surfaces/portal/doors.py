"""The portal's door: who is signed in, and whether they have agreed to what is in force before they go on."""

import functools
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ParamSpec, TypeVar
from urllib.parse import quote

from flask import Flask, Response, g, make_response, redirect, request

from app.core.access import Actor, NotOnBehalf, TenantTokenRequired
from app.core.buckets import DEFAULT, Bucket
from app.core.errors import Conflict
from app.core.languages import Sentence
from app.domains.accounts import policies
from app.domains.platform import support
from app.domains.platform.support import AccessOver
from app.domains.sessions.identify import Caller
from app.surfaces.portal.banners import signs_for_page
from app.surfaces.shared.actor import SAFE_METHODS, Door, Level, current_actor

P = ParamSpec("P")
R = TypeVar("R")

_FREE = ("/policies/", "/account/privacy", "/account/export")
"""Open to those who do not agree: the texts themselves, one's data, and the way out."""


SUPPORT_COOKIE = "support_session"
"""Carries a session in somebody's name, beside the admin's own sign-in, without which it is worth nothing."""

_ON_BEHALF = re.compile(
    r"/organization/(settings|setup)/.+|/organizations/[0-9a-f-]+/select|/support-access/end|/sign-out"
)
"""What support may change in somebody's name: settings and the way through setting up, nothing else.

Not who belongs to the organization and what they may do, not its mail server: that would outlast the consent.
"""
_NOT_ON_BEHALF = frozenset(
    {
        "clients",
        "closing",
        "csv",
        "delete",
        "deletion",
        "erase",
        "export",
        "exports",
        "json",
        "leave",
        "ownership",
    }
    | {"service-users", "tokens", "transfer"}
)
"""Parts of addresses under which credentials are made, data leaves, or something is gone for good."""


class ShownForAnother(Conflict):
    code = "page:shown_for_another"
    message = (
        "This page was opened for another organization than the one you work in by now, "
        "perhaps in another tab. Nothing was changed."
    )


_ANOTHER_PERSON = Sentence(
    "This page was opened by somebody else, who is not signed in here any more. Nothing was changed."
)


def shown_for(person: object, organization: object | None) -> str:
    """Return what the forms of a page carry, so that another tab cannot turn them on somebody else."""
    return f"{person}.{organization or ''}"


def _hold_to_the_page(actor: Actor) -> None:
    """Refuse a form whose page was shown to somebody else, or for another organization's pages.

    :raises ShownForAnother: if it says so; a form without the mark is judged by its proof of origin alone
    """
    marked = request.form.get("shown_for", "")
    if not marked or not actor.is_signed_in or marked == shown_for(actor.user_uid, actor.tenant_uid):
        return
    if marked.partition(".")[0] != str(actor.user_uid):
        raise ShownForAnother(says=_ANOTHER_PERSON)
    if request.path.startswith("/organization/"):
        raise ShownForAnother(remedy="Choose that organization again, then send it again.")


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

    def _check(self, level: Level, actor: Actor) -> None:
        # A cookie without an organization is signed in all the same: sent to sign in, it would come back.
        if level == "tenant" and actor.is_signed_in and actor.tenant_id is None:
            raise TenantTokenRequired(layer="session")
        super()._check(level, actor)

    def enter(self, level: Level, **more: Any) -> Caller:
        """Let somebody in as any door does, with a form that was shown to them for what it acts on."""
        caller = super().enter(level, **more)
        if request.method not in SAFE_METHODS:
            _hold_to_the_page(caller.actor)
        return caller

    def _known(self, caller: Caller) -> Caller:
        """Let an admin of the platform be the person in whose name they act, as long as that holds.

        :raises AccessOver: a form sent in somebody's name once it is over: it must not change the admin's own
        :raises NotOnBehalf: for what support never does in anybody's name
        """
        token = request.cookies.get(SUPPORT_COOKIE, "")
        if not token or not caller.actor.is_signed_in:
            return caller
        try:
            actor = support.represented(caller.actor, token=token)
        except AccessOver:
            g.support_is_over = True
            if request.method in SAFE_METHODS:
                return caller
            raise
        caller = replace(caller, actor=actor)
        g.caller, g.actor = caller, actor  # so that the page of a refusal says in whose name it was tried
        _hold_to_what_support_may()
        return caller


def _hold_to_what_support_may() -> None:
    changes = request.method not in SAFE_METHODS and not _ON_BEHALF.fullmatch(request.path)
    if changes or _NOT_ON_BEHALF.intersection(request.path.split("/")):
        raise NotOnBehalf(layer="platform")


def init_support(app: Flask) -> None:
    """Take the cookie of a support session back once it is worth nothing."""

    @app.after_request
    def forget(response: Response) -> Response:
        if g.get("support_is_over"):
            response.delete_cookie(SUPPORT_COOKIE, path="/")
        return response


def _after_agreeing(view: Callable[P, R]) -> Callable[P, R]:
    @functools.wraps(view)
    def shown(*args: P.args, **kwargs: P.kwargs) -> Any:
        if request.method != "GET" or request.path.startswith(_FREE) or current_actor().impersonator:
            return view(*args, **kwargs)
        if not (policies.may_be_awaited(signs_for_page()) and policies.awaited(current_actor())):
            return view(*args, **kwargs)
        asked = f"/policies/accept?next={quote(request.full_path.rstrip('?'), safe='/?=')}"
        response = make_response(redirect(asked, 303))
        if request.headers.get("HX-Request") == "true":
            response.headers["HX-Redirect"] = asked
            response.status_code = 200
        return response

    return shown
