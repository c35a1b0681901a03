"""From a request to the actor behind it, and the door that every view is reached through."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Any, Literal, ParamSpec, TypeVar, cast

from flask import abort, g, request

from app.core.access import (
    Access,
    Actor,
    GlobalTokenRequired,
    InteractiveSessionRequired,
    NotSignedIn,
    Origin,
    ScopeMissing,
    TenantTokenRequired,
    anonymous,
    check,
    require_platform_admin,
)
from app.core.buckets import DEFAULT, Bucket
from app.core.errors import AppError
from app.core.languages import Sentence
from app.core.limits import network_of
from app.core.permissions import Permission
from app.domains.sessions.identify import Caller, Credential, identify
from app.surfaces.shared.limits import count_call

P = ParamSpec("P")
R = TypeVar("R")

Level = Literal["public", "user", "global", "tenant", "scoped", "either", "platform_admin"]
"""Who may pass: anybody; a person by any credential; only a person-level token; a person working in an
organization; the same, told so when the token is a person-level one; a person by either token; an admin."""

Scope = Literal["read", "write", "billing", "admin"]
"""What an API token may be made for (catalog: api_token_scopes)."""

COOKIE = "session_id"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

CookieGuard = Callable[[Actor], None]
"""Refuses a changing call that rests on the cookie unless it shows that it comes from our own pages."""


@dataclass(frozen=True)
class Door:
    """How one dialect lets callers in: which credentials it takes, and what it says to the others."""

    dialect: str
    cookie_guard: CookieGuard | None = None
    """None: the dialect takes no cookies."""
    in_portal: bool = False
    api_tokens: bool = True
    """Whether an API token opens it."""

    def __call__(
        self,
        level: Level,
        *,
        limit: Bucket | None = DEFAULT,
        interactive: bool = False,
        scope: Scope | None = None,
        access: Access | Permission | None = None,
        while_suspended: bool = False,
        way_out: bool = False,
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Guard a view: credentials first, then the call limit; the body is looked at afterwards.

        :param limit: an ordinary bucket; None where the operation counts a bucket of its own, or none counts
        :param interactive: only a person's own sign-in passes, an API token of whatever scope does not
        :param scope: what an API token needs, where method and level do not say it (``billing``)
        :param access: what the view's operation asks for, where that is to be held before the body is read
        :param while_suspended: in the portal: owner and admins of a suspended organization still pass
        :param way_out: it only ends sign-ins, which no organization's state or rule holds up
        """

        def decorate(view: Callable[P, R]) -> Callable[P, R]:
            @functools.wraps(view)
            def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
                caller = self.enter(
                    level,
                    interactive=interactive,
                    scope=scope,
                    while_suspended=while_suspended,
                    way_out=way_out,
                )
                if access is not None:
                    check(caller.actor, access)
                if limit is not None:
                    self._count(limit, caller)
                return view(*args, **kwargs)

            marked: Any = guarded
            marked.level = level
            marked.limit = limit
            marked.interactive = interactive
            marked.scope = scope
            marked.access = access
            marked.while_suspended = while_suspended
            marked.way_out = way_out
            return guarded

        return decorate

    def enter(
        self,
        level: Level,
        *,
        interactive: bool = False,
        scope: Scope | None = None,
        while_suspended: bool = False,
        way_out: bool = False,
    ) -> Caller:
        """Find out who calls and whether that is enough; afterwards ``current_actor`` knows.

        :raises NotSignedIn, TenantTokenRequired, GlobalTokenRequired: by the level
        :raises PlatformAdminRequired, SessionTooWeak: who is no admin, or has not shown their second factor
        :raises InteractiveSessionRequired, ScopeMissing: an API token that does not reach here
        """
        if "\0" in request.path:
            abort(404)  # no name of ours holds it, and PostgreSQL cannot even look for it
        origin = self._origin()
        credential = None if level == "public" else self._credential()
        caller = self._known(
            identify(
                credential,
                origin,
                in_portal=self.in_portal,
                while_suspended=while_suspended,
                way_out=way_out,
            )
        )
        g.caller, g.actor = caller, caller.actor
        if level == "public":
            return caller
        self._check(level, caller.actor)
        if caller.actor.kind == "api_token":
            _check_reach(caller.actor, interactive, scope or _scope_of(level, request.method))
        if caller.rests_on_cookie and request.method not in SAFE_METHODS and self.cookie_guard:
            self.cookie_guard(caller.actor)
        return caller

    def visitor(self) -> Actor:
        """Return who calls where nobody needs to be signed in, but may be (portal pages)."""
        try:
            caller = self._known(identify(self._credential(), self._origin(), in_portal=self.in_portal))
        except AppError:
            caller = Caller(anonymous(self._origin()))
        if caller.actor.kind == "api_token" and not self.api_tokens:
            caller = Caller(anonymous(self._origin()))
        g.caller, g.actor = caller, caller.actor
        return caller.actor

    def _known(self, caller: Caller) -> Caller:
        """Return who counts as the caller: whoever's credential it is, where a dialect knows no better."""
        return caller

    def _origin(self) -> Origin:
        return origin_of(self.dialect)

    def _credential(self) -> Credential | None:
        """Return what the call shows. The header counts alone where it is there: identities are never mixed.

        :raises NotSignedIn: for two headers, one that holds anything but one bearer token, and in the portal,
            which is for browsers
        """
        headers = request.headers.getlist("Authorization")
        if headers:
            scheme, _, token = headers[0].strip().partition(" ")
            odd = len(headers) > 1 or scheme.lower() != "bearer" or not token.strip() or "," in token
            if odd or self.in_portal:
                raise NotSignedIn(layer="session")
            return Credential(token.strip(), "bearer")
        token = request.cookies.get(COOKIE, "")
        return Credential(token, "cookie") if token and self.cookie_guard else None

    def _check(self, level: Level, actor: Actor) -> None:
        if not actor.is_signed_in or (actor.kind == "api_token" and not self.api_tokens):
            raise NotSignedIn(layer="session")
        if level == "global" and actor.tenant_id is not None and not self.in_portal:
            raise GlobalTokenRequired(layer="token")
        if level == "tenant" and actor.tenant_id is None:
            raise NotSignedIn(layer="token")
        if level == "scoped" and actor.tenant_id is None:
            raise TenantTokenRequired(layer="token")
        if level == "platform_admin":
            require_platform_admin(actor)

    def _count(self, limit: Bucket, caller: Caller) -> None:
        actor = caller.actor
        name = f"session-{actor.session_id}" if actor.session_id else f"ip-{network_of(actor.origin.ip)}"
        count_call(
            limit,
            caller=name,
            endpoint=(request.endpoint or "").removeprefix("alias_"),
            user=str(actor.user_id or ""),
            tenant=str(actor.tenant_id or ""),
            ip=actor.origin.ip,
            per_minute=caller.calls_per_minute,
        )


def _scope_of(level: Level, method: str) -> Scope:
    if level == "platform_admin":
        return "admin"
    return "read" if method in SAFE_METHODS else "write"


def _check_reach(actor: Actor, interactive: bool, scope: Scope) -> None:
    """Hold an API token against what it was made for; a token never changes credentials.

    :raises InteractiveSessionRequired: whatever its scopes
    :raises ScopeMissing: if the call needs another scope
    """
    if interactive:
        raise InteractiveSessionRequired(layer="token")
    if scope not in actor.scopes:
        raise ScopeMissing(
            layer="scope", remedy=Sentence("Make a token with the scope %(scope)s.", scope=scope)
        )


def origin_of(dialect: str) -> Origin:
    """Return where the request comes from, through the dialect named."""
    return Origin(
        ip=_address(request.remote_addr),
        user_agent=_one_line(request.headers.get("User-Agent", "")),
        dialect=dialect,
        request_id=g.get("request_id", ""),
    )


def current_actor() -> Actor:
    """Return the actor of this call, whom the door let in."""
    return cast("Actor", g.actor)


@functools.lru_cache(maxsize=1024)
def _address(text: str | None) -> str | None:
    """Return the caller's network address; None for what is none, as an odd proxy or a socket gives it."""
    try:
        address = ip_address((text or "").strip())
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        # Without a zone, which may be any text; and an IPv4 caller of a socket for both is an IPv4 caller.
        return str(address.ipv4_mapped or IPv6Address(int(address)))
    return str(address)


@functools.lru_cache(maxsize=256)
def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)[:400]
