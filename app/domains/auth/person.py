"""The person who is signed in, with all that a front end needs at its start."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.db import db
from app.core.paging import WHOLE
from app.core.permissions import Permission
from app.domains.accounts import preferences
from app.domains.accounts.models import User
from app.domains.accounts.policies import Agreement, agreements
from app.domains.accounts.preferences import ScreenPreferences
from app.domains.accounts.queries import me
from app.domains.permissions.queries import rights_in
from app.domains.sessions.models import UserSession
from app.domains.sessions.operations import step_up_window
from app.domains.sessions.queries import current
from app.domains.settings import queries as settings
from app.domains.tenants import queries as tenants
from app.domains.tenants.models import Membership, Tenant
from app.domains.twofactor.queries import Standing, standing

_SETTINGS = ("instance.languages", "support.staff_tenant")


@dataclass(frozen=True)
class Person:
    """Someone signed in: who they are, what they agreed to, where they belong."""

    user: User
    session: UserSession
    verified_until: datetime | None
    """Until when the session opens sensitive calls; None where it does not now."""
    language: str
    timezone: str
    screen: ScreenPreferences
    editor_settings: Mapping[str, Any]
    agreements: Sequence[Agreement]
    memberships: Sequence[Membership]
    two_factor: Standing
    two_factor_enforced: bool
    """Whether an organization of theirs demands the second factor."""
    is_support_staff: bool


@operation(Access.SIGNED_IN)
def myself(actor: Actor) -> Person:
    """Return the actor with everything about them: as many queries for a hundred organizations as for one."""
    user, session = me(actor), current(actor)
    wanted = settings.values(_SETTINGS)
    memberships = _memberships(actor)
    enforced = settings.by_tenant("auth.mfa_enforced", [m.tenant_id for m in memberships])
    return Person(
        user=user,
        session=session,
        verified_until=_if_ahead(session.proven_at + step_up_window()) if actor.kind == "session" else None,
        language=user.locale or (settings.as_entries(wanted["instance.languages"]) or ("en",))[0],
        timezone=user.timezone or "UTC",
        screen=preferences.of(user).ui,
        editor_settings=user.preferences.get("editor_settings", {}),
        agreements=agreements(actor),
        memberships=memberships,
        two_factor=standing(actor),
        two_factor_enforced=any(value is True for value in enforced.values()),
        is_support_staff=user.is_platform_admin
        or _answers_tickets(memberships, wanted["support.staff_tenant"]),
    )


def _memberships(actor: Actor) -> Sequence[Membership]:
    """Return the actor's organizations by name; an API token sees its own."""
    query = tenants.visible(actor)
    if actor.kind == "api_token":
        query = query.where(Membership.tenant_id == actor.tenant_id)
    ordered = query.order_by(sa.func.lower(Tenant.name), Membership.id).limit(WHOLE.limit)
    return db.session.scalars(ordered).all()


def _answers_tickets(memberships: Sequence[Membership], staff_tenant: object) -> bool:
    return any(
        m.tenant.slug == staff_tenant
        and m.tenant.is_active
        and Permission.SUPPORT_MANAGE in rights_in(m.tenant_id, m.role, m.profile_id)
        for m in memberships
    )


def _if_ahead(moment: datetime) -> datetime | None:
    return moment if moment > clock.now() else None
