"""People of an organization for tests: put in by hand, whatever the product asks before it does so."""

from typing import Any

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.domains.accounts.models import User
from app.domains.permissions.roles import Role
from app.domains.tenants.models import Membership, MembershipStatus, Tenant
from app.surfaces.shared.transaction import transaction
from tests.support.world import World


def join(
    world: World,
    email: str,
    role: str = "member",
    *,
    slug: str = "world-corp",
    status: MembershipStatus = MembershipStatus.ACTIVE,
    **more: Any,
) -> int:
    """Let a person, new if need be, be a member; returns the membership's id."""
    with world.app.app_context():
        known = db.session.scalar(sa.select(User.id).where(User.email == email))
    user_id = known or world.person(email)
    with world.app.app_context(), transaction():
        tenant_id = db.session.scalars(sa.select(Tenant.id).where(Tenant.slug == slug)).one()
        joined = None if status is MembershipStatus.INVITED else clock.now()
        membership = Membership(
            tenant_id=tenant_id, user_id=user_id, role=Role(role), status=status, joined_at=joined, **more
        )
        db.session.add(membership)
        db.session.flush()  # generate membership.id
        return membership.id


def uid_of(world: World, email: str) -> str:
    """Return a person's id as platform_api has it."""
    with world.app.app_context():
        uid = db.session.scalars(sa.select(User.uid).where(User.email == email)).one()
        return f"usr_{uid.hex}"


def membership_of(world: World, email: str, slug: str = "world-corp") -> int | None:
    """Return the id of a person's membership, None where there is none."""
    with world.app.app_context():
        return db.session.scalar(
            sa.select(Membership.id)
            .join(User, User.id == Membership.user_id)
            .join(Tenant, Tenant.id == Membership.tenant_id)
            .where(User.email == email, Tenant.slug == slug)
        )


def plan(world: World, code: str = "enterprise", slug: str = "world-corp") -> None:
    """Put an organization on a plan, so that seats are no matter."""
    from app.domains.billing.models import Subscription, SubscriptionStatus  # noqa: PLC0415

    with world.app.app_context(), transaction():
        tenant_id = db.session.scalars(sa.select(Tenant.id).where(Tenant.slug == slug)).one()
        found = db.session.scalars(sa.select(Subscription).where(Subscription.tenant_id == tenant_id)).one()
        found.plan_code, found.status = code, SubscriptionStatus.ACTIVE
