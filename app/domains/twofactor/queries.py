"""How a person's second factor stands, and who demands it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.db import db
from app.domains.accounts.models import User
from app.domains.settings import queries as settings
from app.domains.tenants.models import Membership, MembershipStatus, Tenant, TenantStatus
from app.domains.twofactor import recovery_codes
from app.domains.twofactor.models import Authenticator

FEW_CODES = 3
"""From so many recovery codes on, the person is reminded to make new ones."""


@dataclass(frozen=True)
class Standing:
    """The second factor of one person."""

    enabled_at: datetime | None
    pending: bool
    """Whether a set-up waits for its first code."""
    recovery_codes_remaining: int

    @property
    def enabled(self) -> bool:
        """Say whether a sign-in asks for it."""
        return self.enabled_at is not None

    @property
    def few_codes(self) -> bool:
        """Say whether the person should make new recovery codes."""
        return self.enabled and self.recovery_codes_remaining <= FEW_CODES


@operation(Access.SIGNED_IN)
def standing(actor: Actor) -> Standing:
    """Return how the actor's second factor stands: one query."""
    user_id = actor.user_id or 0
    row = db.session.execute(
        sa.select(
            User.two_factor_enabled_at,
            Authenticator.pending_expires_at,
            recovery_codes.remaining_of(user_id).scalar_subquery().label("remaining"),
        )
        .outerjoin(Authenticator, Authenticator.user_id == User.id)
        .where(User.id == user_id)
    ).one()
    pending = row.pending_expires_at is not None and row.pending_expires_at > clock.now()
    return Standing(row.two_factor_enabled_at, pending, row.remaining)


def demanding(user_id: int) -> Sequence[Tenant]:
    """Return the organizations of a person that demand the second factor, by name."""
    query = sa.select(Tenant).join(Membership, Membership.tenant_id == Tenant.id)
    query = query.where(
        Membership.user_id == user_id,
        Membership.status == MembershipStatus.ACTIVE,
        Tenant.status != TenantStatus.ARCHIVED,
    )
    tenants = db.session.scalars(query.order_by(Tenant.name, Tenant.id)).all()
    enforced = settings.by_tenant("auth.mfa_enforced", [tenant.id for tenant in tenants])
    return [tenant for tenant in tenants if enforced.get(tenant.id) is True]
