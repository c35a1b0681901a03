"""The plan that the platform's admins agree on with an organization."""

from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa

from app.core.access import Access, Actor, operation
from app.core.db import db, is_named
from app.core.errors import ValidationFailed
from app.core.ids import Ref
from app.core.languages import Sentence
from app.core.money import smallest
from app.domains.billing import operations as billing
from app.domains.billing.queries import Running
from app.domains.settings import queries as settings
from app.domains.tenants.models import Tenant, TenantStatus
from app.domains.tenants.queries import TenantNotFound


@operation(Access.PLATFORM_ADMIN)
def set_plan(
    actor: Actor,
    *,
    tenant: Ref,
    plan_code: str,
    end_date: datetime | None = None,
    price: Decimal | None = None,
) -> Running:
    """Put an organization on any plan; the same terms again change nothing.

    :param price: for each month, in whole units of ``billing.currency``; None for the plan's own
    :raises TenantNotFound, PlanNotFound: if there is none
    :raises ValidationFailed: at end_date, price; at plan_id for an organization that is closed
    :raises OverLimit: if more is in use than the plan allows
    """
    found = db.session.scalar(sa.select(Tenant).where(is_named(Tenant, tenant)))
    if found is None:
        raise TenantNotFound
    if found.status is TenantStatus.ARCHIVED:
        raise ValidationFailed({"plan_id": [Sentence("This organization is closed. Open it again first.")]})
    amount = None if price is None else smallest(price, settings.text("billing.currency") or "")
    return billing.agree(actor, tenant_id=found.id, plan_code=plan_code, until=end_date, price=amount)
