"""People and organizations in outline, for the domains that they are built on.

Those cannot import the models, which import them. A test holds these columns against the models'.
"""

from typing import Any

import sqlalchemy as sa

USERS = sa.table(
    "users",
    sa.column("id", sa.BigInteger),
    sa.column("email", sa.String),
    sa.column("email_key", sa.String),
    sa.column("first_name", sa.String),
    sa.column("last_name", sa.String),
    sa.column("avatar_url", sa.String),
    sa.column("disabled_at"),
)
TENANTS = sa.table(
    "tenants",
    sa.column("id", sa.BigInteger),
    sa.column("uid", sa.Uuid),
    sa.column("name", sa.String),
    sa.column("status", sa.String),
    sa.column("billing_email", sa.String),
)
MEMBERSHIPS = sa.table(
    "memberships",
    sa.column("id", sa.BigInteger),
    sa.column("tenant_id", sa.BigInteger),
    sa.column("user_id", sa.BigInteger),
    sa.column("profile_id", sa.Integer),
    sa.column("role", sa.String),
    sa.column("status", sa.String),
)


def heads(tenant_id: int) -> sa.Select[Any]:
    """Select address and first name of owner and admins, and the organization's name: ``tenants.heads``."""
    return (
        sa.select(USERS.c.email, USERS.c.first_name, TENANTS.c.name)
        .join(MEMBERSHIPS, MEMBERSHIPS.c.user_id == USERS.c.id)
        .join(TENANTS, TENANTS.c.id == MEMBERSHIPS.c.tenant_id)
        .where(
            MEMBERSHIPS.c.tenant_id == tenant_id,
            MEMBERSHIPS.c.status == "active",
            MEMBERSHIPS.c.role.in_(("owner", "admin")),
            USERS.c.disabled_at.is_(None),
        )
        .order_by(MEMBERSHIPS.c.id)
    )
