"""Reading the trail: who may see which part of it, and what the people and things in it are called."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from app.core.access import (
    Access,
    Actor,
    PermissionDenied,
    ScopeMissing,
    check,
    operation,
    require_platform_admin,
)
from app.core.db import db
from app.core.environments import Environment
from app.core.errors import Forbidden, NotFound
from app.core.ids import Ref
from app.core.paging import CursorWindow
from app.core.permissions import Permission
from app.domains.archiving import naming
from app.domains.archiving.naming import Line
from app.domains.audit.models import AuditEvent
from app.domains.audit.search import Condition, Wanted, search
from app.domains.billing.tools import ProjectNotFound
from app.domains.permissions.queries import rights_in
from app.domains.sessions.identify import SWITCH_OF_METHOD, check_rules
from app.domains.sessions.models import UserSession
from app.domains.settings import queries as settings
from app.domains.settings.factor_demand import DEMAND_KEYS, factor_demand
from app.domains.tenants import queries as tenants
from app.domains.tenants.models import Membership, Tenant, TenantStatus
from app.domains.tenants.queries import TenantNotFound

MOST = 200


class ScopeForbidden(Forbidden):
    code, message = "audit:scope_forbidden", "You may not read this part of the trail."


class SmartFilterNotFound(NotFound):
    code, message = "smart_filter:not_found", "There is no such filter."


class Scope(StrEnum):
    MINE = "mine"
    PROJECT = "project"
    TENANT = "tenant"
    ALL = "all"


@dataclass(frozen=True)
class Reach:
    """A part of the trail that somebody may read."""

    scope: Scope
    tenant_id: int | None
    conditions: Sequence[Condition]

    @property
    def list_name(self) -> str:
        """Return what cursors of this part are good for."""
        return f"audit.{self.scope}.{self.tenant_id or ''}"


@dataclass(frozen=True)
class TrailPage:
    """A page of the trail with its names."""

    lines: Sequence[Line]
    next_cursor: str | None
    searched_until: Any
    window: CursorWindow

    @property
    def has_more(self) -> bool:
        """Say whether rows follow, or may follow."""
        return self.next_cursor is not None


@operation(Access.SIGNED_IN)
def read_trail(
    actor: Actor,
    *,
    window: CursorWindow,
    wanted: Wanted,
    scope: Scope = Scope.MINE,
    tenant_id: int | None = None,
    smart_filter_id: int | None = None,
) -> TrailPage:
    """Return a page of the trail, newest first, in the scope that the actor may see.

    :raises ScopeForbidden, PlatformAdminRequired: if it is not for them
    :raises TenantNotFound, ProjectNotFound, SmartFilterNotFound: if what is named is not there for them
    :raises BadCursor: if the cursor is another list's
    """
    if smart_filter_id is not None:
        raise SmartFilterNotFound
    return page_of(actor, reach_of(actor, scope, tenant_id), wanted, window)


def page_of(actor: Actor, reach: Reach, wanted: Wanted, window: CursorWindow) -> TrailPage:
    """Return a page of a part that the actor may read: as many queries for one row as for many."""
    people = naming.people_called(wanted.text, reach.tenant_id, everybody=reach.scope is Scope.ALL)
    found = search(reach.conditions, wanted, window, name=reach.list_name, people=people)
    everybody, oneself = reach.scope is Scope.ALL, reach.scope is Scope.MINE
    names = naming.names_for(actor, found.events, everybody=everybody, as_oneself=oneself)
    lines = [names.line(event) for event in found.events]
    return TrailPage(lines, found.next_cursor, found.searched_until, window)


def reach_of(actor: Actor, scope: Scope, tenant_id: int | None) -> Reach:
    """Return the part of the trail that a scope means for the actor, if they may read it."""
    if scope is Scope.ALL:
        return _everything(actor, tenant_id)
    if scope is Scope.TENANT:
        found = _readable_tenant(actor, tenant_id)
        return Reach(scope, found, [AuditEvent.tenant_id == found])
    if scope is Scope.PROJECT:
        raise ProjectNotFound
    return _mine(actor, tenant_id)


def _everything(actor: Actor, tenant_id: int | None) -> Reach:
    require_platform_admin(actor)
    if actor.kind == "api_token" and "admin" not in actor.scopes:
        raise ScopeMissing(layer="scope", remedy="Make a token with the scope admin.")
    if tenant_id is None:
        return Reach(Scope.ALL, None, [sa.true()])
    if db.session.get(Tenant, tenant_id) is None:
        raise TenantNotFound
    return Reach(Scope.ALL, tenant_id, [AuditEvent.tenant_id == tenant_id])


def _mine(actor: Actor, tenant_id: int | None) -> Reach:
    """Return what the actor did or was done to them; an API token reads of its own organization alone."""
    within: list[Condition] = []
    if actor.kind == "api_token":
        if tenant_id not in (None, actor.tenant_id):
            raise TenantNotFound
        tenant_id = actor.tenant_id
    if tenant_id is not None:
        if tenant_id != actor.tenant_id:
            tenants.membership_in(actor, Ref(id=tenant_id))
        within = [AuditEvent.tenant_id == tenant_id]
    memberships = sa.select(Membership.id).where(Membership.user_id == actor.user_id)
    not_by_them = AuditEvent.actor_user_id.is_distinct_from(actor.user_id)
    done = sa.and_(AuditEvent.actor_user_id == actor.user_id, *within)
    about = sa.and_(AuditEvent.subject_type == "user", AuditEvent.subject_id == actor.user_id)
    as_member = sa.and_(
        AuditEvent.subject_type.in_(("member", "membership")), AuditEvent.subject_id.in_(memberships)
    )
    suffered = [sa.and_(condition, not_by_them, *within) for condition in (about, as_member)]
    return Reach(Scope.MINE, tenant_id, [done, *suffered])


def _readable_tenant(actor: Actor, tenant_id: int | None) -> int:
    if tenant_id is None:
        tenant_id = actor.tenant_id if actor.tenant_id is not None else _oldest(actor)
    rights = actor.permissions if tenant_id == actor.tenant_id else _rights_elsewhere(actor, tenant_id)
    if Permission.AUDIT_VIEW not in rights:
        remedy = "An owner or admin of the organization can give it through role or profile."
        raise ScopeForbidden(layer="role", remedy=remedy, needs=str(Permission.AUDIT_VIEW))
    return tenant_id


def _oldest(actor: Actor) -> int:
    active = tenants.visible(actor).where(Tenant.status == TenantStatus.ACTIVE)
    found = db.session.scalar(active.order_by(Membership.id).limit(1))
    if found is None:
        raise TenantNotFound
    return found.tenant_id


def _rights_elsewhere(actor: Actor, tenant_id: int) -> frozenset[Permission]:
    """Return the actor's rights in another organization than they work in, held against its rules."""
    if actor.kind != "session" or actor.impersonator is not None:
        raise TenantNotFound
    membership = tenants.membership_in(actor, Ref(id=tenant_id))
    tenant = membership.tenant
    keys = ("auth.ip_allowlist", *DEMAND_KEYS, *SWITCH_OF_METHOD.values())
    asked = settings.values(keys, tenant_id=tenant_id, environment=Environment.PROD)
    check_rules(
        status=tenant.status,
        reason=tenant.status_reason,
        allowed=settings.as_entries(asked["auth.ip_allowlist"]),
        enforced=factor_demand(asked).holds(),
        two_factor=actor.particulars.two_factor_enabled,
        factors=actor.factors,
        origin=actor.origin,
    )
    _require_way_in(actor, asked)
    return rights_in(tenant_id, membership.role, membership.profile_id)


def _require_way_in(actor: Actor, asked: Mapping[str, Any]) -> None:
    method = db.session.scalar(sa.select(UserSession.method).where(UserSession.id == actor.session_id))
    switch = SWITCH_OF_METHOD.get(method or "")
    if switch is not None and asked[switch] is not True:
        raise PermissionDenied(layer="organization", remedy="Sign in with your password.")


def require_reader(actor: Actor, tenant_id: int | None) -> Reach:
    """Return the whole trail of an organization, or of the instance, for who may read it now."""
    if tenant_id is None:
        check(actor, Access.PLATFORM_ADMIN)
        return reach_of(actor, Scope.ALL, None)
    return reach_of(actor, Scope.TENANT, tenant_id)
