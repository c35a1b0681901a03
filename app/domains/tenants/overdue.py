"""An organization that does not pay is suspended, and goes on as soon as it has."""

from datetime import timedelta

import sqlalchemy as sa

from app.core import clock
from app.core.access import system
from app.core.db import db
from app.core.ids import Ref
from app.domains.billing.invoices import follows_debts, mark_enforced, overdue_since
from app.domains.settings import queries as settings
from app.domains.tenants.administration import set_status
from app.domains.tenants.models import Tenant, TenantStatus

REASON = "Payment overdue"
"""By this it is known later that nothing else was the reason."""
_COLLECT = "billing.collect"


@follows_debts
def follow(tenant_id: int) -> None:
    """Suspend an organization ``billing.grace_days`` after an invoice was found overdue, once for each.

    Whom the platform's admins let go on meanwhile is left alone; what they suspended stays so.
    """
    tenant = db.session.scalars(
        sa.select(Tenant).where(Tenant.id == tenant_id).execution_options(populate_existing=True)
    ).one()
    if tenant.status is TenantStatus.SUSPENDED and tenant.status_reason == REASON:
        if overdue_since(tenant_id) is None:
            set_status(system(_COLLECT), tenant=Ref(id=tenant_id), status=TenantStatus.ACTIVE)
        return
    since = overdue_since(tenant_id, unenforced=True)
    grace = timedelta(days=settings.integer("billing.grace_days"))
    if tenant.is_active and since is not None and since + grace <= clock.now():
        mark_enforced(tenant_id)
        set_status(system(_COLLECT), tenant=Ref(id=tenant_id), status=TenantStatus.SUSPENDED, reason=REASON)
