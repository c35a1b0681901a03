"""Founding organizations."""

from collections.abc import Sequence

import sqlalchemy as sa

from app.core import clock, limits
from app.core.access import Access, Actor, operation
from app.core.buckets import TENANT_CREATIONS
from app.core.db import db, one_wins
from app.core.errors import Forbidden, Refused, ValidationFailed
from app.core.languages import Sentence
from app.core.links import public_url
from app.domains.accounts import emails
from app.domains.accounts.models import User
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.billing import operations as billing
from app.domains.billing.models import Subscription
from app.domains.email import mails
from app.domains.permissions.roles import Role
from app.domains.settings import queries as settings
from app.domains.tenants import former_slugs, queries, slugs, standing
from app.domains.tenants.former_slugs import SlugTaken
from app.domains.tenants.models import Membership, MembershipStatus, Tenant, TenantStatus

NAME_LENGTH = 200


class SelfServiceOff(Forbidden):
    code = "tenant:self_service_off"
    message = "Organizations are opened by the platform's admins here."


class TenantLimitReached(Refused):
    code, message = "tenant:limit_reached", "You own as many organizations as one person may."


@operation(Access.INTERACTIVE)
def create(actor: Actor, *, name: str, slug: str, billing_email: str | None = None) -> Tenant:
    """Open an organization with the actor as its owner, on trial as every new one.

    :raises SelfServiceOff: if the platform's admins open organizations here
    :raises TenantLimitReached: if the actor owns ``tenants.max_owned`` already
    :raises SlugTaken: if the slug is another's, or reserved
    :raises ValidationFailed: if name, slug or address cannot be one
    """
    limits.spend(TENANT_CREATIONS, user=actor.user_id)
    check_may_open(actor)
    check_name(name)
    check_slug(slug)
    address = emails.checked(billing_email, field="billing_email") if billing_email else actor.email
    user = db.session.scalars(sa.select(User).where(User.id == actor.user_id).with_for_update()).one()
    if queries.owned_count(user.id) >= settings.integer("tenants.max_owned"):
        raise TenantLimitReached
    tenant = found(actor, name=name, slug=slug, billing_email=address, founder_id=user.id)
    add_owner(tenant, user, status=MembershipStatus.ACTIVE)
    welcome(actor, tenant, user)
    return tenant


def check_may_open(actor: Actor) -> None:
    """Hold the platform's switch ``tenants.self_service`` against someone who opens an organization.

    :raises SelfServiceOff: if it is off and the actor is no platform admin
    """
    if not settings.boolean("tenants.self_service") and not actor.is_platform_admin:
        raise SelfServiceOff(layer="platform", remedy="Ask the platform's admins to open it for you.")


def check_name(name: str, *, field: str = "name") -> None:
    """Refuse a name that is empty, too long or not on one line.

    :raises ValidationFailed: at ``field``
    """
    if not name.strip() or len(name) > NAME_LENGTH or not name.isprintable():
        raise ValidationFailed(
            {field: [Sentence("Give a name of 1 to %(most)s characters on one line.", most=NAME_LENGTH)]}
        )


def check_slug(slug: str, *, reserved_is_taken: bool = True) -> None:
    """Refuse a slug that cannot be one; a reserved one is taken, or, where a document says so, invalid.

    :raises ValidationFailed: at ``slug``
    :raises SlugTaken: if it is reserved
    """
    reason = slugs.check(slug)
    if reason == "reserved" and reserved_is_taken:
        raise SlugTaken
    if reason is not None:
        invalid = "Use 3 to 50 of a-z, 0-9 and single hyphens inside."
        raise ValidationFailed({"slug": [invalid if reason == "invalid" else "This slug is reserved."]})


def check_slug_is_free(slug: str) -> None:
    """Refuse a slug that is another's before anything is counted or worked on; ``found`` decides for good.

    :raises SlugTaken: if it is
    """
    if former_slugs.taken([slug]):
        raise SlugTaken


def found(actor: Actor, *, name: str, slug: str, billing_email: str, founder_id: int | None) -> Tenant:
    """Make the organization with its subscription and its audit row; of two at once one gets the slug.

    :raises SlugTaken: if it is another's, or was until lately
    """
    tenant = Tenant(name=name.strip(), slug=slug, billing_email=billing_email)
    with one_wins(or_else=SlugTaken):
        db.session.add(tenant)
        db.session.flush()  # generate tenant.id
        former_slugs.claim(tenant)
    record(
        actor,
        AuditKind.TENANT_CREATED,
        subject=("tenant", tenant.id),
        tenant_id=tenant.id,
        user_id=founder_id,
        changes={"name": tenant.name, "slug": slug},
    )
    billing.begin(actor, tenant_id=tenant.id)
    return tenant


def add_owner(tenant: Tenant, user: User, *, status: MembershipStatus) -> Membership:
    """Make a person the owner of a new organization; ``invited`` until they have said that it was them."""
    membership = Membership(
        tenant_id=tenant.id,
        user_id=user.id,
        role=Role.OWNER,
        status=status,
        joined_at=clock.now() if status is MembershipStatus.ACTIVE else None,
    )
    db.session.add(membership)
    return membership


def welcome(actor: Actor, tenant: Tenant, owner: User) -> None:
    """Tell the owner that the organization is ready and until when its trial runs."""
    ends = db.session.scalar(sa.select(Subscription.trial_ends_at).where(Subscription.tenant_id == tenant.id))
    if ends is None:
        return
    mails.organization_welcome(
        owner.email,
        first_name=owner.greeting,
        tenant_name=tenant.name,
        tenant_id=tenant.id,
        trial_ends_at=ends,
        link=public_url("/dashboard"),
    )


def owned_by(user_id: int) -> Sequence[Tenant]:
    """Return the organizations that a person owns, merely named ones too."""
    owned = sa.select(Tenant).join(Membership, Membership.tenant_id == Tenant.id)
    return db.session.scalars(owned.where(Membership.user_id == user_id, Membership.role == Role.OWNER)).all()


def abandon(actor: Actor, tenant: Tenant) -> None:
    """Archive an organization that is nobody's, and let go of its slug."""
    changes = {"status": {"from": str(tenant.status), "to": "archived"}, "slug": tenant.slug}
    before, tenant.status = tenant.status, TenantStatus.ARCHIVED
    tenant.slug = f"unclaimed-{tenant.uid.hex}"
    standing.changed(tenant, before)
    record(
        actor,
        AuditKind.TENANT_STATUS_CHANGED,
        subject=("tenant", tenant.id),
        tenant_id=tenant.id,
        changes=changes,
    )
