"""How a person's second factor stands, and who demands it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.db import db
from app.core.signs import ME, sign
from app.domains.accounts.models import User
from app.domains.settings import queries as settings
from app.domains.settings.factor_demand import DEMAND_KEYS, FactorDemand, factor_demand
from app.domains.settings.models import SettingValue
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


@dataclass(frozen=True)
class Demanding:
    """An organization that demands the second factor of its members, now or from a day on."""

    name: str
    demand: FactorDemand


sign(
    "factor_demand",
    sa.exists().where(
        SettingValue.key == DEMAND_KEYS[0],
        SettingValue.environment == "",
        sa.cast(SettingValue.value, sa.Text) == "true",
        sa.or_(
            SettingValue.tenant_id.is_(None),
            SettingValue.tenant_id.in_(sa.select(Membership.tenant_id).where(Membership.user_id == ME)),
        ),
    ),
)
sign("few_codes", recovery_codes.remaining_of(ME).scalar_subquery() <= FEW_CODES)


@operation(Access.SIGNED_IN)
def demanded_by(actor: Actor) -> Sequence[Demanding]:
    """Return the organizations of the actor that demand the second factor, by name."""
    return demanding(actor.user_id or 0)


def demanding(user_id: int) -> Sequence[Demanding]:
    """Return the organizations of a person that demand the second factor, whatever their day: one query."""
    is_asked = sa.and_(
        SettingValue.key.in_(DEMAND_KEYS),
        SettingValue.environment == "",
        sa.or_(SettingValue.tenant_id.is_(None), SettingValue.tenant_id == Tenant.id),
    )
    rows = db.session.execute(
        sa.select(
            Tenant.id,
            Tenant.name,
            SettingValue.key,
            SettingValue.tenant_id,
            SettingValue.value,
            SettingValue.locked,
        )
        .join(Membership, Membership.tenant_id == Tenant.id)
        .outerjoin(SettingValue, is_asked)
        .where(
            Membership.user_id == user_id,
            Membership.status == MembershipStatus.ACTIVE,
            Tenant.status != TenantStatus.ARCHIVED,
        )
        .order_by(Tenant.name, Tenant.id)
    ).all()
    stored = {(row.key, row.tenant_id): row for row in rows}
    names = {row.id: row.name for row in rows}
    found = [Demanding(name, _demand_of(tenant_id, stored)) for tenant_id, name in names.items()]
    return [one for one in found if one.demand.on]


def _demand_of(tenant_id: int, stored: settings.Rows) -> FactorDemand:
    worth = {key: settings.effective(settings.definition_of(key), stored, tenant_id) for key in DEMAND_KEYS}
    return factor_demand(worth)
