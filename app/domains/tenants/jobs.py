"""What happens to organizations by itself."""

from datetime import timedelta

import sqlalchemy as sa

from app.core import clock
from app.core.access import system
from app.core.db import db
from app.core.jobs import job
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.permissions.roles import Role
from app.domains.tenants.models import Membership, MembershipStatus, Tenant, TenantStatus

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
        changes = {"status": {"from": str(tenant.status), "to": "archived"}, "slug": tenant.slug}
        tenant.status, tenant.slug = TenantStatus.ARCHIVED, f"unclaimed-{tenant.uid.hex}"
        record(
            system(_DROP_UNCLAIMED),
            AuditKind.TENANT_STATUS_CHANGED,
            subject=("tenant", tenant.id),
            tenant_id=tenant.id,
            changes=changes,
        )
    return len(unclaimed)
