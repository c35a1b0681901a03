"""How far back an organization's logs of deliveries reach: as its plan says (``log_retention_days``)."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.jobs import job
from app.domains.billing.models import Subscription
from app.domains.billing.queries import plan_of
from app.domains.email import deliveries
from app.domains.tenants.models import Tenant

LIMIT = "log_retention_days"
_TENANTS = 500
_MOST = 50_000
"""Rows let go of in one run: what is left goes with the next."""


@job("retention.prune", every=timedelta(days=1))
def prune_logs() -> int:
    """Let go of what organizations sent longer ago than their plan keeps it; returns how many."""
    gone = 0
    for by_days in _plans():
        for days, tenant_ids in by_days.items():
            before = clock.now() - timedelta(days=days)
            gone += deliveries.forget(tenant_ids, before=before, most=_MOST - gone)
    return gone


def _plans() -> Iterator[Mapping[int, list[int]]]:
    """Yield organizations by how many days their plan keeps logs, some of them at a time."""
    columns = (Tenant.id, Subscription.plan_code, Subscription.status, Subscription.period_end)
    query = sa.select(*columns).outerjoin(Subscription, Subscription.tenant_id == Tenant.id)
    after = 0
    while rows := db.session.execute(
        query.where(Tenant.id > after).order_by(Tenant.id).limit(_TENANTS)
    ).all():
        by_days: dict[int, list[int]] = {}
        for tenant_id, code, status, period_end in rows:
            days = plan_of(code, status, period_end).limits[LIMIT]
            if days is not None:
                by_days.setdefault(days, []).append(tenant_id)
        yield by_days
        after = rows[-1][0]
