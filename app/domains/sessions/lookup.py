"""The one query that tells who stands behind a credential, with all that a call is judged by."""

import functools
import re
from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.core import clock
from app.core.db import read
from app.core.environments import Environment
from app.domains.accounts.models import User
from app.domains.billing.models import Subscription
from app.domains.billing.usage import calls_in, month_of
from app.domains.permissions.models import PermissionProfile
from app.domains.sessions.models import UserSession
from app.domains.settings.factor_demand import DEMAND_KEYS
from app.domains.settings.models import SettingValue
from app.domains.tenants.models import Membership, MembershipStatus, Tenant, TenantStatus

FoundBy = Literal["uid", "token_hash"]
WorksIn = Literal["named", "selected", "bound", "token"]
"""Where the call works: what the token's claim names, what the browser selected, the session's own, and an
API token's own, of which more is asked."""


def find(
    found_by: FoundBy,
    works_in: WorksIn,
    shown: UUID | bytes,
    tenant_uid: UUID | None = None,
    environment: Environment = Environment.PROD,
) -> sa.Row[Any] | None:
    """Return the row of what was shown, whatever its state; None if there is none.

    :param shown: a session's UID out of a signed token, or the hash of an opaque one
    """
    values = {"shown": shown, "environment": str(environment)}
    if works_in == "token":
        values["month"] = month_of(clock.now())
    if tenant_uid is not None:
        values["tenant_uid"] = tenant_uid
    rows: Sequence[sa.Row[Any]] = read(_statement(found_by, works_in), values)
    return rows[0] if rows else None


@functools.cache
def _statement(found_by: FoundBy, works_in: WorksIn) -> sa.Select[Any]:
    """Return the statement of one kind of credential, made once: making it costs more than running it."""
    session = UserSession
    tenant_is: sa.ColumnElement[bool]
    if works_in == "named":
        tenant_is = Tenant.uid == sa.bindparam("tenant_uid", type_=sa.Uuid())
    elif works_in == "selected":
        chosen = sa.func.coalesce(session.tenant_id, session.selected_tenant_id, joined_first())
        tenant_is = Tenant.id == chosen
    else:
        tenant_is = Tenant.id == session.tenant_id
    membership_is = sa.and_(Membership.tenant_id == Tenant.id, Membership.user_id == session.user_id)
    profile_is = sa.and_(
        PermissionProfile.tenant_id == Membership.tenant_id,
        PermissionProfile.id == Membership.profile_id,
        PermissionProfile.is_active.is_(True),
    )
    key = session.uid if found_by == "uid" else session.token_hash
    asked = () if works_in != "selected" else _ASKED_OF_A_SIGN_IN
    statement = (
        sa.select(
            session.method,
            *(setting(key, tenant=Tenant.id).label(key.partition(".")[2]) for key in asked),
            session.id.label("session_id"),
            session.uid.label("session_uid"),
            session.dialect.label("session_dialect"),
            session.kind,
            session.factors,
            session.proven_at,
            session.scopes,
            session.environment,
            session.tenant_id.label("bound_tenant_id"),
            session.created_at.label("signed_in_at"),
            session.last_used_at,
            session.used_at,
            session.expires_at,
            session.revoked_at,
            session.name.label("session_name"),
            User.id.label("user_id"),
            User.uid.label("user_uid"),
            User.email,
            User.first_name,
            User.last_name,
            User.email_verified_at,
            User.is_platform_admin,
            User.disabled_at,
            User.two_factor_enabled_at,
            User.avatar.label("avatar"),
            User.locale,
            User.timezone,
            Tenant.id.label("tenant_id"),
            Tenant.uid.label("tenant_uid"),
            Tenant.slug.label("tenant_slug"),
            Tenant.name.label("tenant_name"),
            Tenant.status.label("tenant_status"),
            Tenant.status_reason.label("tenant_status_reason"),
            Membership.id.label("membership_id"),
            Membership.role,
            Membership.profile_id,
            PermissionProfile.permission_ids.label("own_permissions"),
            Membership.status.label("membership_status"),
            setting("limits.requests_per_minute").label("calls_per_minute"),
            _setting_unless("localization.locale", User.locale).label("tenant_locale"),
            *(setting(key, tenant=Tenant.id).label(key) for key in DEMAND_KEYS),
            setting(
                "auth.ip_allowlist",
                tenant=Tenant.id,
                environment=sa.func.coalesce(
                    session.environment, sa.bindparam("environment", type_=sa.String())
                ),
            ).label("ip_allowlist"),
        )
        .join(User, User.id == session.user_id)
        .outerjoin(Tenant, tenant_is)
        .outerjoin(Membership, membership_is)
        .outerjoin(PermissionProfile, profile_is)
        .where(key == sa.bindparam("shown", type_=key.type))
    )
    return _asking_of_machines(statement) if works_in == "token" else statement


def _asking_of_machines(statement: sa.Select[Any]) -> sa.Select[Any]:
    """Ask as well what the organization has for its machines: whether they may call, and how often."""
    return statement.outerjoin(Subscription, Subscription.tenant_id == Tenant.id).add_columns(
        setting("data.api_tokens_enabled", tenant=Tenant.id).label("api_tokens_enabled"),
        Subscription.plan_code,
        Subscription.status.label("plan_status"),
        Subscription.period_end.label("plan_ends_at"),
        calls_in(Tenant.id, sa.bindparam("month", type_=sa.String())).label("calls_this_month"),
    )


_ASKED_OF_A_SIGN_IN = (
    "auth.code_login_enabled",
    "auth.social_login_enabled",
    "auth.email_verification_required",
    "auth.session_lifetime",
)
"""What an organization asks of a sign-in when it is selected, which the portal does at each page."""


def joined_first() -> sa.ScalarSelect[int]:
    """Select the organization that the person joined first: a browser that has chosen none works in it.

    A suspended one only where there is no other, so that its people are told why they cannot work.
    """
    mine, organization = aliased(Membership), aliased(Tenant)
    return (
        sa.select(mine.tenant_id)
        .join(organization, organization.id == mine.tenant_id)
        .where(mine.user_id == UserSession.user_id, mine.status == MembershipStatus.ACTIVE)
        .where(organization.status != TenantStatus.ARCHIVED)
        .order_by(sa.case((organization.status == TenantStatus.ACTIVE, 0), else_=1), mine.id)
        .limit(1)
        .correlate(UserSession)
        .scalar_subquery()
    )


def setting(
    key: str,
    *,
    tenant: sa.SQLColumnExpression[int] | None = None,
    environment: sa.ColumnElement[str] | str = "",
) -> sa.ScalarSelect[Any]:
    """Return one setting as part of a query: locked platform value, tenant's, platform's, else NULL.

    What is the same at every call stands in the text: each value beside it would be handed over each time.
    """
    platforms = SettingValue.tenant_id.is_(None)
    owner: sa.ColumnElement[bool] = platforms
    where = _word(environment) if isinstance(environment, str) else environment
    if tenant is not None:
        says_something = sa.cast(SettingValue.value, sa.Text) != _word("null")
        owner = sa.or_(owner, sa.and_(SettingValue.tenant_id == tenant, says_something))
    return (
        sa.select(SettingValue.value)
        .where(SettingValue.key == _word(key), SettingValue.environment == where, owner)
        .order_by(sa.case((sa.and_(platforms, SettingValue.locked), _FIRST), (platforms, _LAST), else_=_THEN))
        .limit(_ONE)
        .correlate(Tenant, UserSession)
        .scalar_subquery()
    )


_FIRST, _THEN, _LAST = (sa.literal_column(rank, sa.Integer) for rank in "012")
_ONE: Any = sa.literal_column("1", sa.Integer)


def _word(ours: str) -> sa.ColumnClause[str]:
    if not re.fullmatch(r"[a-z0-9_.]*", ours):
        raise ValueError(ours)
    return sa.literal_column(f"'{ours}'", sa.String)


def _setting_unless(key: str, own: sa.SQLColumnExpression[str | None]) -> sa.ColumnElement[Any]:
    """Return the organization's value of a setting for a person who has none of their own."""
    return sa.case((own.is_(None), setting(key, tenant=Tenant.id)))
