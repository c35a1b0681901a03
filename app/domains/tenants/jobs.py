"""What happens to organizations by itself."""

from datetime import timedelta

import sqlalchemy as sa

from app.core import clock
from app.core.access import system
from app.core.db import db
from app.core.jobs import job
from app.domains.permissions.roles import Role
from app.domains.tenants import logs as _logs  # noqa: F401 - has a job of its own
from app.domains.tenants.models import Membership, MembershipStatus, Tenant, TenantStatus
from app.domains.tenants.operations import abandon

_DROP_UNCLAIMED = "tenants.drop_unclaimed"
_TIME_TO_CLAIM = timedelta(days=7)


@job(_DROP_UNCLAIMED, every=timedelta(days=1))
def drop_unclaimed() -> int:
    """Archive organizations whose named owner never said that it was them, and let go of their slugs."""
    unclaimed = db.session.scalars(
        sa.select(Tenant)
        .join(Membership, Membership.tenant_id == Tenant.id)
        .where(
            Tenant.status == TenantStatus.ACTIVE,
            Membership.role == Role.OWNER,
            Membership.status == MembershipStatus.INVITED,
            Membership.created_at < clock.now() - _TIME_TO_CLAIM,
        )
    ).all()
    for tenant in unclaimed:
        abandon(system(_DROP_UNCLAIMED), tenant)
    return len(unclaimed)
