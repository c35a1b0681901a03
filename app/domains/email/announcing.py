"""Telling owner and admins of a change of their sender domain, as far as they want mail of it."""

import sqlalchemy as sa

from app.core.db import db
from app.core.links import public_url
from app.domains.email.domain_mails import sender_domain_status
from app.domains.email.rules_models import EventChoice

EVENT = "email.domain_status_changed"
_USERS = sa.table("users", sa.column("id"), sa.column("email"), sa.column("first_name"))
_TENANTS = sa.table("tenants", sa.column("id"), sa.column("name"))
_MEMBERSHIPS = sa.table(
    "memberships", sa.column("tenant_id"), sa.column("user_id"), sa.column("role"), sa.column("status")
)


def announce(tenant_id: int, *, domain: str, status: str) -> None:
    """Mail those who lead the organization and want mail of this event: by itself it is a notice."""
    query = (
        sa.select(_USERS.c.email, _USERS.c.first_name, _TENANTS.c.name)
        .join(_MEMBERSHIPS, _MEMBERSHIPS.c.user_id == _USERS.c.id)
        .join(_TENANTS, _TENANTS.c.id == _MEMBERSHIPS.c.tenant_id)
        .join(EventChoice, EventChoice.user_id == _USERS.c.id)
        .where(
            _MEMBERSHIPS.c.tenant_id == tenant_id,
            _MEMBERSHIPS.c.status == "active",
            _MEMBERSHIPS.c.role.in_(("owner", "admin")),
            EventChoice.tenant_id == tenant_id,
            EventChoice.event == EVENT,
            EventChoice.channel == "email",
            EventChoice.enabled.is_(True),
        )
        .order_by(_USERS.c.id)
    )
    for email, first_name, tenant_name in db.session.execute(query).all():
        sender_domain_status(
            email,
            first_name=first_name,
            tenant_name=tenant_name,
            tenant_id=tenant_id,
            domain=domain,
            status=status,
            link=public_url("/organization/email/domain"),
        )
