"""How many service users and client accounts an organization has in the environment with the most of them."""

from typing import Any

import sqlalchemy as sa

from app.core.db import db
from app.domains.billing.capacity import counts
from app.domains.clients.models import ClientAccount, ServiceUser


@counts("service_users")
def service_users(tenant_id: int) -> int:
    """Return how many service users there are in one environment."""
    return _most(ServiceUser, tenant_id)


@counts("client_accounts")
def client_accounts(tenant_id: int) -> int:
    """Return how many client accounts there are in one environment."""
    return _most(ClientAccount, tenant_id)


def _most(model: Any, tenant_id: int) -> int:
    number = sa.func.count().label("number")
    counted = sa.select(number).where(model.tenant_id == tenant_id).group_by(model.environment).subquery()
    return db.session.scalar(sa.select(sa.func.max(counted.c.number))) or 0
