"""The one query of a call of client_v1: the instance it names, who calls, and all that it is judged by."""

import contextlib
import functools
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from app.core import clock
from app.core.access import Origin
from app.core.db import db, read
from app.core.environments import Environment
from app.domains.billing.models import Subscription
from app.domains.billing.usage import calls_in, month_of
from app.domains.clients.models import ServiceUser
from app.domains.sessions.lookup import setting
from app.domains.sessions.models import UserSession
from app.domains.tenants.former_slugs import goes_by
from app.domains.tenants.models import Tenant

_TOUCH_AFTER = timedelta(minutes=1)
_NOBODY = UUID(int=0)


def find(slug: str, environment: Environment, session_uid: UUID | None) -> sa.Row[Any] | None:
    """Return the row of an organization, with the service user's session in that environment where it is one.

    None if there is no such organization.
    """
    values = {
        "slug": slug,
        "environment": str(environment),
        "session_uid": session_uid or _NOBODY,
        "month": month_of(clock.now()),
    }
    rows: Sequence[sa.Row[Any]] = read(_statement(), values)
    return rows[0] if rows else None


@functools.cache
def _statement() -> sa.Select[Any]:
    """Return the statement, made once: making it costs more than running it."""
    environment = sa.bindparam("environment", type_=sa.String())
    its_session = sa.and_(
        UserSession.uid == sa.bindparam("session_uid", type_=sa.Uuid()),
        UserSession.tenant_id == Tenant.id,
        UserSession.environment == environment,
        UserSession.kind == "service",
    )
    return (
        sa.select(
            Tenant.id.label("tenant_id"),
            Tenant.uid.label("tenant_uid"),
            Tenant.slug.label("tenant_slug"),
            Tenant.name.label("tenant_name"),
            Tenant.status.label("tenant_status"),
            UserSession.id.label("session_id"),
            UserSession.uid.label("session_uid"),
            UserSession.expires_at,
            UserSession.revoked_at,
            UserSession.last_used_at,
            ServiceUser.id.label("service_user_id"),
            ServiceUser.uid.label("service_user_uid"),
            ServiceUser.disabled_at,
            Subscription.plan_code,
            Subscription.status.label("plan_status"),
            Subscription.period_end.label("plan_ends_at"),
            calls_in(Tenant.id, sa.bindparam("month", type_=sa.String())).label("calls_this_month"),
            setting("limits.requests_per_minute").label("calls_per_minute"),
            setting("clients.enabled", tenant=Tenant.id, environment=environment).label("enabled"),
            setting("auth.ip_allowlist", tenant=Tenant.id, environment=environment).label("ip_allowlist"),
        )
        .select_from(Tenant)
        .outerjoin(UserSession, its_session)
        .outerjoin(ServiceUser, ServiceUser.id == UserSession.service_user_id)
        .outerjoin(Subscription, Subscription.tenant_id == Tenant.id)
        .where(goes_by(sa.bindparam("slug", type_=sa.String())))
    )


def touch(row: sa.Row[Any], origin: Origin, now: datetime) -> None:
    """Note when and where a service user was last used: once a minute at most, apart from the call's work."""
    if timedelta(0) <= now - row.last_used_at < _TOUCH_AFTER:
        return
    used = {"last_used_at": now, "updated_at": now}
    of_session = sa.update(UserSession).where(UserSession.id == row.session_id)
    of_user = sa.update(ServiceUser).where(ServiceUser.id == row.service_user_id)
    statements = (
        of_session.values(**used, ip=origin.ip),
        of_user.values(last_used_at=now, last_ip=origin.ip),
    )
    bind: Any = db.engines[None]
    if isinstance(bind, sa.Connection):  # a test that rolls everything back gave us its one connection
        for statement in statements:
            bind.execute(statement)
        return
    with contextlib.suppress(SQLAlchemyError), bind.begin() as connection:
        for statement in statements:
            connection.execute(statement)
