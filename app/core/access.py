"""Who acts, and what an operation asks of them.

Access sits on the operation, so that none of the six surfaces can forget it; ``OPERATIONS`` lists them all.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar
from uuid import UUID

from app.core.environments import Environment
from app.core.errors import AppError, Forbidden, Unauthenticated
from app.core.permissions import Permission

P = ParamSpec("P")
R = TypeVar("R")

ActorKind = Literal["anonymous", "session", "api_token", "service", "system"]


class Access(StrEnum):
    """What an operation asks for besides permissions."""

    PUBLIC = "public"
    SIGNED_IN = "signed_in"
    """Any credential of a person."""
    INTERACTIVE = "interactive"
    """A person's own sign-in; neither an API token nor support in their name can do this."""
    BROWSING = "browsing"
    """A sign-in in a browser, support's in somebody's name included."""
    TENANT = "tenant"
    """A person with an active membership, working in that organization."""
    TENANT_MANAGER = "tenant_manager"
    """Its owner, an admin or a manager; where the role is asked for, no permission opens the door."""
    TENANT_ADMIN = "tenant_admin"
    """Its owner or an admin."""
    TENANT_OWNER = "tenant_owner"
    """Its owner alone."""
    SERVICE = "service"
    """A service user of an organization."""
    PLATFORM_ADMIN = "platform_admin"
    SYSTEM = "system"
    """The product itself: jobs, the command line."""


class NotSignedIn(Unauthenticated):
    code, message = "auth:unauthenticated", "Sign in first."


class InteractiveSessionRequired(Forbidden):
    code, message = "auth:interactive_session_required", "An API token cannot do this."
    layer, remedy = "token", "Sign in yourself and do it there."


class ScopeMissing(Forbidden):
    code, message = "auth:scope_missing", "This token's scopes do not reach here."


class TenantTokenRequired(Forbidden):
    code, message = "auth:tenant_token_required", "Select an organization first."
    layer, remedy = "session", "Choose one of your organizations."


class GlobalTokenRequired(Forbidden):
    code, message = "auth:global_token_required", "Use the global token here."
    layer, remedy = "token", "Use the token that the sign-in gave you."


class PermissionDenied(Forbidden):
    code, message = "auth:permission_denied", "You lack the permission for this."


class RoleRequired(Forbidden):
    code, message = "auth:role_required", "Your role does not allow this."


class PlatformAdminRequired(Forbidden):
    code, message = "auth:platform_admin_required", "This is for the platform's admins."
    layer, remedy = "platform", "One of the platform's admins can do it."


class SessionTooWeak(Forbidden):
    code = "two_factor:session_too_weak"
    message = "This sign-in was made without the second factor. Add it or sign in anew."


class NotOnBehalf(Forbidden):
    code, message = "support:not_on_behalf", "This cannot be done in somebody else's name."
    layer, remedy = "platform", "Only the person themselves can do it."


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a call came from: what audit rows, notices and limits say of it."""

    ip: str | None = None
    user_agent: str = ""
    dialect: str = "system"
    request_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Particulars:
    """What is shown of a person and their sign-in; nothing is decided by it. It comes with the credential."""

    locale: str = ""
    """Their own, else their organization's."""
    locale_is_own: bool = False
    """Else the organization's way of writing dates and times counts too."""
    timezone: str = ""
    avatar_url: str | None = None
    two_factor_enabled: bool = False
    session_name: str = ""
    session_expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Impersonator:
    """The platform's admin who acts as somebody with their consent."""

    user_id: int
    name: str
    access_uid: UUID
    """Under which consent."""
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Actor:
    """One caller at one call, whatever they showed; read afresh each time."""

    kind: ActorKind
    origin: Origin = field(default_factory=Origin)
    user_id: int | None = None
    user_uid: UUID | None = None
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    email_verified: bool = False
    is_platform_admin: bool = False
    service_user_id: int | None = None
    service_user_uid: UUID | None = None
    """Who calls where it is no person but a program of the organization's."""
    session_id: int | None = None
    session_uid: UUID | None = None
    session_dialect: str = ""
    factors: int = 0
    signed_in_at: datetime | None = None
    proven_at: datetime | None = None
    """When the person last proved who they are: sign-in or step-up."""
    token_expires_at: datetime | None = None
    """When the access token shown runs out; None for what lasts as long as the session."""
    tenant_id: int | None = None
    tenant_uid: UUID | None = None
    tenant_slug: str = ""
    tenant_name: str = ""
    membership_id: int | None = None
    role: str = ""
    profile_id: int | None = None
    permissions: frozenset[Permission] = frozenset()
    environment: Environment = Environment.PROD
    scopes: frozenset[str] = frozenset()
    particulars: Particulars = Particulars()
    impersonator: Impersonator | None = None
    """Who really is at the keyboard, where it is not the person."""

    @property
    def is_signed_in(self) -> bool:
        """Say whether a person stands behind the call."""
        return self.user_id is not None

    @property
    def name(self) -> str:
        """Return the person's full name."""
        return f"{self.first_name} {self.last_name}".strip()

    def may(self, permission: Permission) -> bool:
        """Say whether the actor has a permission in the organization they work in."""
        return permission in self.permissions

    def at(self, origin: Origin) -> "Actor":
        """Return the same actor calling from elsewhere."""
        return replace(self, origin=origin)


def anonymous(origin: Origin) -> Actor:
    """Return the actor of a call that shows no credential."""
    return Actor(kind="anonymous", origin=origin)


def system(reason: str) -> Actor:
    """Return the actor of a job or a command; ``reason`` is its name and stands in the audit trail."""
    return Actor(kind="system", origin=Origin(dialect=reason))


@dataclass(frozen=True)
class Operation:
    """One thing that can be asked or done, as the tests of the architecture see it."""

    name: str
    access: Access | Permission


OPERATIONS: dict[str, Operation] = {}

_ROLES: Mapping[Access, frozenset[str]] = {
    Access.TENANT_MANAGER: frozenset({"owner", "admin", "manager"}),
    Access.TENANT_ADMIN: frozenset({"owner", "admin"}),
    Access.TENANT_OWNER: frozenset({"owner"}),
}


_ASKED_FOR: Mapping[Access, str | None] = {
    Access.TENANT_MANAGER: "role:manager",
    Access.TENANT_ADMIN: "role:admin",
    Access.TENANT_OWNER: None,
}
"""What can be asked for instead; to be the owner cannot."""

_WHO_CAN: Mapping[Access, str] = {
    Access.TENANT_OWNER: "The organization's owner can do it, or hand the organization over.",
}


def operation(
    access: Access | Permission,
) -> Callable[[Callable[Concatenate[Actor, P], R]], Callable[Concatenate[Actor, P], R]]:
    """Guard an operation: its first argument is the actor, who must have the access named."""

    def decorate(function: Callable[Concatenate[Actor, P], R]) -> Callable[Concatenate[Actor, P], R]:
        name = f"{function.__module__.removeprefix('app.domains.')}.{function.__name__}"
        OPERATIONS[name] = Operation(name, access)

        @functools.wraps(function)
        def guarded(actor: Actor, /, *args: P.args, **kwargs: P.kwargs) -> R:
            check(actor, access)
            return function(actor, *args, **kwargs)

        marked: Any = guarded
        marked.access = access
        return guarded

    return decorate


def check(actor: Actor, access: Access | Permission) -> None:
    """Let the actor pass or raise what the missing access is called.

    :raises NotSignedIn: nobody is signed in
    :raises InteractiveSessionRequired: an API token asks for what only a sign-in may do
    :raises TenantTokenRequired: no organization was chosen
    :raises RoleRequired: the role is another than those asked for
    :raises PermissionDenied: role and profile do not hold the permission
    :raises NotOnBehalf: support asks for what only the person may do
    :raises PlatformAdminRequired: the person is no admin of the platform
    :raises SessionTooWeak: they are, but this sign-in has not shown the second factor that they have
    """
    if access is Access.PUBLIC or actor.kind == "system":
        return  # no request can be the system: only a job, or whoever runs the machine
    _require(
        access is not Access.SYSTEM,
        PermissionDenied(layer="platform", remedy="Only the product itself does this."),
    )
    judge = _check_service if "service" in (actor.kind, access) else _check_person
    judge(actor, access)


def _check_person(actor: Actor, access: Access | Permission) -> None:
    _require(actor.is_signed_in, NotSignedIn(layer="session"))
    if access is Access.INTERACTIVE:
        _require(actor.kind == "session", InteractiveSessionRequired(layer="token"))
        _require(actor.impersonator is None, NotOnBehalf(layer="platform"))
    if access is Access.BROWSING:
        _require(actor.kind == "session", InteractiveSessionRequired(layer="token"))
    if access is Access.PLATFORM_ADMIN:
        require_platform_admin(actor)
    if access in (Access.TENANT, *_ROLES, *Permission):
        _require(actor.tenant_id is not None, TenantTokenRequired(layer="session"))
    if isinstance(access, Access) and access in _ROLES:
        heads = "An owner or admin of the organization can do it or change your role."
        remedy = _WHO_CAN.get(access, heads)
        _require(
            actor.role in _ROLES[access], RoleRequired(layer="role", remedy=remedy, needs=_ASKED_FOR[access])
        )
    if isinstance(access, Permission):
        remedy = "An owner or admin of the organization can give it through role or profile."
        _require(actor.may(access), PermissionDenied(layer="role", remedy=remedy, needs=str(access)))


def _check_service(actor: Actor, access: Access | Permission) -> None:
    """Let a service user do what is for service users, and what its few permissions open: it is no person."""
    may = access is Access.SERVICE or (isinstance(access, Permission) and actor.may(access))
    _require(may and actor.kind == "service" and actor.tenant_id is not None, NotSignedIn(layer="session"))


def working_in(actor: Actor, environment: Environment) -> Actor:
    """Return the actor working in an environment of their organization: a page's choice, not a credential's.

    :raises PermissionDenied: if it is not the one they are in and they may not work in others than prod
    """
    if environment is actor.environment:
        return actor
    remedy = "An owner or admin of the organization can give it through role or profile."
    may = environment is Environment.PROD or actor.may(Permission.ENVIRONMENTS_SWITCH)
    needs = str(Permission.ENVIRONMENTS_SWITCH)
    refusal = PermissionDenied(layer="environment", remedy=remedy, needs=needs)
    _require(may and actor.kind == "session", refusal)
    return replace(actor, environment=environment)


def require_platform_admin(actor: Actor) -> None:
    """Let the platform's admins pass, in a sign-in that has shown the second factor where they have one.

    :raises PlatformAdminRequired, SessionTooWeak: as it lacks
    """
    _require(actor.is_platform_admin, PlatformAdminRequired(layer="platform"))
    shown = actor.kind != "session" or actor.factors > 1 or not actor.particulars.two_factor_enabled
    _require(shown, SessionTooWeak(layer="session", remedy="Confirm with your second factor."))


def _require(held: bool, refusal: AppError) -> None:
    if not held:
        raise refusal
