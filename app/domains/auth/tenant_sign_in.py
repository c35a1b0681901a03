"""Sign-ins bound to one organization from their first call: short access tokens, rotated refresh tokens."""

from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager

from app.core.access import Access, Actor, operation
from app.core.db import db
from app.core.environments import Environment
from app.core.errors import Forbidden
from app.domains.accounts.models import User
from app.domains.auth.credentials import (
    TwoFactorRequired,
    prove,
    refuse,
    require_verified_where_asked,
)
from app.domains.auth.second_step import factor_of
from app.domains.auth.selection import hold_rules
from app.domains.sessions.identify import check_rules
from app.domains.sessions.models import UserSession
from app.domains.sessions.operations import Plan, open_session, rotate
from app.domains.sessions.tokens import Reach, RefreshTokenInvalid, access_token
from app.domains.settings import queries as settings
from app.domains.settings.factor_demand import DEMAND_KEYS, factor_demand
from app.domains.tenants.former_slugs import goes_by
from app.domains.tenants.models import Membership, MembershipStatus, Tenant
from app.domains.tenants.queries import language_and_zone

ACCESS_LIFE = timedelta(minutes=15)


class MembershipInactive(Forbidden):
    code = "auth:membership_inactive"
    message = "Your access to this organization has been ended."


@dataclass(frozen=True)
class TenantTokens:
    """What carries a sign-in: shown once, here."""

    access_token: str
    refresh_token: str
    refresh_expires_in: timedelta
    expires_in: timedelta = ACCESS_LIFE


@dataclass(frozen=True)
class TenantSignIn:
    """A new sign-in to one organization."""

    tokens: TenantTokens
    user: User
    membership: Membership
    tenant: Tenant
    locale: str
    timezone: str


@operation(Access.PUBLIC)
def sign_in_to_tenant(
    actor: Actor, *, email: str, password: str, tenant_slug: str, two_factor_code: str | None = None
) -> TenantSignIn:
    """Sign a person in to one organization and open a refresh-token family there.

    :raises InvalidCredentials: also for an unknown slug, no membership, an invitation not taken up
    :raises TwoFactorRequired, MembershipInactive, TenantSuspended, TenantArchived, AddressNotAllowed,
        TwoFactorSetupRequired, EmailUnverified: after the right password only; no failures
    :raises CodeInvalid: a failure like a wrong password
    """
    proven = prove(actor, email=email, password=password)
    user = proven.user
    membership = db.session.scalar(_BY_SLUG, {"user_id": user.id, "slug": tenant_slug.lower()})
    if membership is None or membership.status is MembershipStatus.INVITED:
        refuse(actor, user_id=user.id, email_key=user.email_key)
    with proven.without_failure():
        require_verified_where_asked(user)
        if user.two_factor_enabled and not two_factor_code:
            raise TwoFactorRequired
        if membership.status is MembershipStatus.INACTIVE:
            raise MembershipInactive(layer="organization", remedy="An owner or admin can give it back.")
        asked = 2 if user.two_factor_enabled else 1
        hold_rules(
            actor, membership.tenant, user, method="password", factors=asked, environment=Environment.PROD
        )
    # Last, so that no recovery code is burned at a closed door.
    factors = factor_of(actor, proven, code=two_factor_code, tenant_id=membership.tenant_id)
    proven.succeed()
    plan = Plan(kind="app", refreshable=True, tenant_id=membership.tenant_id, environment=Environment.PROD)
    opened = open_session(actor, user=user, method="password", factors=factors, plan=plan)
    if opened.refresh is None:
        raise AssertionError  # a refreshable plan has one
    access = _access_token(opened.session, user, membership)
    tokens = TenantTokens(access, opened.refresh.token, opened.refresh.expires_in)
    locale, timezone = language_and_zone(user, membership.tenant_id)
    return TenantSignIn(tokens, user, membership, membership.tenant, locale, timezone)


@operation(Access.PUBLIC)
def refresh_in_tenant(actor: Actor, *, refresh_token: str) -> TenantTokens:
    """Swap a refresh token of such a sign-in for a new pair; membership, state and rules are read anew.

    A refusal by the organization does not spend the token.

    :raises RefreshTokenInvalid: also when the membership has ended, or the sign-in is bound to none
    :raises RefreshTokenReused: the family was ended
    :raises TenantSuspended, TenantArchived, AddressNotAllowed, TwoFactorSetupRequired, SessionTooWeak:
        as the organization's state and settings have it
    """
    rotated = rotate(actor, refresh_token=refresh_token)
    session, user = rotated.session, rotated.user
    membership = db.session.scalar(_BY_ID, {"user_id": user.id, "tenant_id": session.tenant_id})
    if membership is None or membership.status is not MembershipStatus.ACTIVE:
        raise RefreshTokenInvalid
    _hold_standing_rules(actor, session, user, membership.tenant)
    access = _access_token(session, user, membership)
    return TenantTokens(access, rotated.refresh.token, rotated.refresh.expires_in)


def _hold_standing_rules(actor: Actor, session: UserSession, user: User, tenant: Tenant) -> None:
    """Hold the sign-in against what the organization asks at every call."""
    wanted = settings.values(
        ("auth.ip_allowlist", *DEMAND_KEYS), tenant_id=tenant.id, environment=_environment(session)
    )
    allowed = wanted["auth.ip_allowlist"]
    check_rules(
        status=tenant.status,
        allowed=allowed if isinstance(allowed, tuple) else (),
        enforced=factor_demand(wanted).holds(),
        two_factor=user.two_factor_enabled,
        factors=session.factors,
        origin=actor.origin,
    )


def _access_token(session: UserSession, user: User, membership: Membership) -> str:
    reach = Reach(membership.tenant.uid, str(membership.role), _environment(session))
    return access_token(session.uid, user.uid, ACCESS_LIFE, reach=reach)


def _environment(session: UserSession) -> Environment:
    return Environment(session.environment or Environment.PROD)


_OF_USER = (
    sa.select(Membership)
    .join(Membership.tenant)
    .options(contains_eager(Membership.tenant))
    .where(Membership.user_id == sa.bindparam("user_id"))
)
_BY_SLUG = _OF_USER.where(goes_by(sa.bindparam("slug", type_=sa.String())))
_BY_ID = _OF_USER.where(Tenant.id == sa.bindparam("tenant_id"))
