"""What organizations hold of a person, and what becomes of those that they leave behind."""

from typing import Any

import sqlalchemy as sa

from app.core.access import system
from app.core.db import db
from app.core.personal import Leaver, exported_rows, on_erasure
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.tenants import operations
from app.domains.tenants.models import Membership, Tenant, TenantStatus

_SYSTEM = system("accounts.erase")


@exported_rows("organizations", about="Organizations you belong to, and your role there.", by=Membership.id)
def organizations(user_id: int) -> sa.Select[Any]:
    """Select memberships, ended ones and invitations too."""
    return (
        sa.select(
            Tenant.uid.label("id"),
            Tenant.name,
            Tenant.slug,
            Membership.role,
            Membership.status,
            Membership.job_title,
            Membership.joined_at,
            Membership.created_at,
        )
        .join(Tenant, Tenant.id == Membership.tenant_id)
        .where(Membership.user_id == user_id)
    )


@on_erasure
def close_what_is_left_alone(leaver: Leaver) -> None:
    """Archive the organizations whose owner leaves, tell the others' trail, send no bill to who is gone."""
    for tenant in operations.owned_by(leaver.user_id):
        if tenant.status is not TenantStatus.ARCHIVED:
            operations.abandon(_SYSTEM, tenant)
    _note_in_the_trail(leaver)
    billed = sa.func.lower(Tenant.billing_email).in_([mail.lower() for mail in leaver.addresses])
    unbilled = sa.update(Tenant).where(Tenant.id.in_(leaver.tenant_ids), billed).values(billing_email=None)
    db.session.execute(unbilled.execution_options(synchronize_session=False))


def _note_in_the_trail(leaver: Leaver) -> None:
    stay = sa.select(Membership.id, Membership.tenant_id).join(Tenant, Tenant.id == Membership.tenant_id)
    stay = stay.where(Membership.user_id == leaver.user_id, Tenant.status != TenantStatus.ARCHIVED)
    for membership_id, tenant_id in db.session.execute(stay).all():
        record(_SYSTEM, AuditKind.MEMBER_ERASED, subject=("member", membership_id), tenant_id=tenant_id)
