"""Watching organizations' mail servers: who refuses message after message is told of once."""

from datetime import timedelta

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.jobs import job
from app.core.links import public_url
from app.domains.email.server_mails import smtp_failure
from app.domains.email.settings_models import TenantMailServer
from app.domains.outlines.tables import TENANTS, heads

FAILURES = 10
_MOST = 200


@job("smtp.watch", every=timedelta(minutes=5))
def tell_of_failures() -> int:
    """Mail owner and admins of each server that failed ten times in a row; returns how many servers."""
    failing = db.session.scalars(
        sa.select(TenantMailServer)
        .join(TENANTS, TENANTS.c.id == TenantMailServer.tenant_id)
        .where(
            TenantMailServer.failures >= FAILURES,
            TenantMailServer.warned_at.is_(None),
            TenantMailServer.enabled.is_(True),
            TENANTS.c.status == "active",
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
    for email, first_name, tenant_name in db.session.execute(heads(server.tenant_id)).all():
        smtp_failure(
            email,
            first_name=first_name,
            tenant_name=tenant_name,
            smtp_host=server.host,
            failures=server.failures,
            last_error=server.last_error or "no answer",
            link=public_url("/organization/email"),
        )
