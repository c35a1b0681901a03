"""The organization of a call that needs one and names none."""

from app.core import ids
from app.core.access import Actor
from app.core.db import db
from app.domains.accounts.models import User
from app.domains.tenants import operations, queries
from app.domains.tenants.models import Membership, MembershipStatus, Tenant, TenantStatus


def membership_by_default(actor: Actor) -> Membership:
    """Return the person's oldest active membership; one who has none gets an organization of their own.

    :raises SelfServiceOff: if they have none, and the platform's admins open organizations here
    """
    oldest = (
        queries.visible(actor).where(Tenant.status == TenantStatus.ACTIVE).order_by(Membership.id).limit(1)
    )
    return db.session.scalar(oldest) or _found(actor)


def _found(actor: Actor) -> Membership:
    operations.check_may_open(actor)
    owner = db.session.get_one(User, actor.user_id)
    name = f"{owner.first_name}'s organization" if owner.first_name else "My organization"
    tenant = operations.found(
        actor, name=name, slug=_slug(), billing_email=owner.email, founder_id=actor.user_id
    )
    membership = operations.add_owner(tenant, owner, status=MembershipStatus.ACTIVE)
    membership.tenant = tenant
    db.session.flush()  # generate membership.id and the trial, of which the welcome speaks
    operations.welcome(actor, tenant, owner)
    return membership


def _slug() -> str:
    """Return a slug that nobody chose: it can be changed, and tells nothing of the person."""
    return f"personal-{ids.new_uid().hex[-10:]}"
