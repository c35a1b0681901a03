"""Watching organizations' mail servers: who refuses message after message is told of once."""

from datetime import timedelta

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.jobs import job
from app.core.links import public_url
from app.domains.email.server_mails import smtp_failure
from app.domains.email.settings_models import TenantMailServer

FAILURES = 10
_MOST = 200
_USERS = sa.table("users", sa.column("id"), sa.column("email"), sa.column("first_name"))
_TENANTS = sa.table("tenants", sa.column("id"), sa.column("name"), sa.column("status"))
_MEMBERSHIPS = sa.table(
    "memberships", sa.column("tenant_id"), sa.column("user_id"), sa.column("role"), sa.column("status")
)


@job("smtp.watch", every=timedelta(minutes=5))
def tell_of_failures() -> int:
    """Mail owner and admins of each server that failed ten times in a row; returns how many servers."""
    failing = db.session.scalars(
        sa.select(TenantMailServer)
        .join(_TENANTS, _TENANTS.c.id == TenantMailServer.tenant_id)
        .where(
            TenantMailServer.failures >= FAILURES,
            TenantMailServer.warned_at.is_(None),
            TenantMailServer.enabled.is_(True),
            _TENANTS.c.status == "active",
        )
        .order_by(TenantMailServer.tenant_id)
        .limit(_MOST)
        .with_for_update()
    ).all()
    for server in failing:
        server.warned_at = clock.now()
        _tell(server)
    return len(failing)


def _tell(server: TenantMailServer) -> None:
    query = (
        sa.select(_USERS.c.email, _USERS.c.first_name, _TENANTS.c.name)
        .join(_MEMBERSHIPS, _MEMBERSHIPS.c.user_id == _USERS.c.id)
        .join(_TENANTS, _TENANTS.c.id == _MEMBERSHIPS.c.tenant_id)
        .where(
            _MEMBERSHIPS.c.tenant_id == server.tenant_id,
            _MEMBERSHIPS.c.status == "active",
            _MEMBERSHIPS.c.role.in_(("owner", "admin")),
        )
        .order_by(_USERS.c.id)
    )
    for email, first_name, tenant_name in db.session.execute(query).all():
        smtp_failure(
            email,
            first_name=first_name,
            tenant_name=tenant_name,
            smtp_host=server.host,
            failures=server.failures,
            last_error=server.last_error or "no answer",
            link=public_url("/organization/email"),
        )
