"""Organizations a person belongs to, and what anybody may ask of a slug."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import aliased, contains_eager

from app.core.access import Access, Actor, operation
from app.core.db import db, is_named
from app.core.errors import NotFound
from app.core.ids import Ref
from app.core.paging import Page, Window, paginate
from app.domains.accounts.models import User
from app.domains.billing.models import Subscription
from app.domains.billing.queries import Standing, standing_of
from app.domains.permissions.roles import Role
from app.domains.settings import queries as settings
from app.domains.settings.registry import DEFINITIONS, Value
from app.domains.tenants import former_slugs, slugs
from app.domains.tenants import listing as _listing  # noqa: F401 - keeps what lists are searched by
from app.domains.tenants.former_slugs import goes_by
from app.domains.tenants.models import Membership, MembershipStatus, Tenant, TenantStatus


class TenantNotFound(NotFound):
    code, message = "tenant:not_found", "There is no such organization."


@dataclass(frozen=True)
class SlugAnswer:
    """Whether a slug can be had; ``reason`` is taken, reserved, invalid or None."""

    slug: str
    reason: str | None
    suggestions: Sequence[str] = ()

    @property
    def available(self) -> bool:
        """Say whether it can be had now; it is promised to nobody."""
        return self.reason is None


@dataclass(frozen=True)
class TenantSheet:
    """An organization with what its front page tells of it."""

    tenant: Tenant
    owner: Membership | None
    member_count: int
    standing: Standing
    timezone: str
    locale: str
    logo_url: str | None


@dataclass(frozen=True)
class SignInPage:
    """What a sign-in page needs to look like an organization: nothing but what anybody may know."""

    tenant: Tenant
    look: Mapping[str, Value]
    """Values of the settings in ``PUBLIC_SETTINGS``, and of the website, which the page links to."""
    providers: Sequence[str] = ()
    """Other sign-in services that are set up on the instance and that the organization takes."""


PUBLIC_SETTINGS = tuple(key for key, one in DEFINITIONS.items() if one.public and one.bound is None)
_SHEET_SETTINGS = ("localization.timezone", "localization.locale", "branding.logo_url")


def visible(actor: Actor) -> sa.Select[tuple[Membership]]:
    """Select the actor's active memberships with their organizations."""
    return (
        sa.select(Membership)
        .join(Membership.tenant)
        .options(contains_eager(Membership.tenant))
        .where(Membership.user_id == actor.user_id, Membership.status == MembershipStatus.ACTIVE)
    )


@operation(Access.SIGNED_IN)
def mine(actor: Actor, *, window: Window) -> Page[Membership]:
    """Return the actor's organizations by name, those not active included; an API token sees its own."""
    return paginate(_by_name(actor), window)


@operation(Access.SIGNED_IN)
def first_of_mine(actor: Actor, *, limit: int) -> Sequence[Membership]:
    """Return the first of the actor's organizations by name, uncounted: every page of the portal asks."""
    return db.session.scalars(_by_name(actor).limit(limit)).all()


def _by_name(actor: Actor) -> sa.Select[tuple[Membership]]:
    query = visible(actor)
    if actor.kind == "api_token":
        query = query.where(Membership.tenant_id == actor.tenant_id)
    return query.order_by(sa.func.lower(Tenant.name), Membership.id)


def membership_in(actor: Actor, tenant: Ref) -> Membership:
    """Return the actor's active membership in one organization.

    :raises TenantNotFound: if there is none, or no such organization
    """
    found = db.session.scalar(visible(actor).where(is_named(Tenant, tenant)))
    if found is None:
        raise TenantNotFound
    return found


@operation(Access.TENANT)
def sheet(actor: Actor) -> TenantSheet:
    """Return the organization the actor works in, with its owner, its size and its plan: two queries."""
    members = (
        sa.select(sa.func.count())
        .where(Membership.tenant_id == actor.tenant_id, Membership.status == MembershipStatus.ACTIVE)
        .scalar_subquery()
    )
    owning = aliased(Membership)
    tenant, count, subscription, owner = db.session.execute(
        sa.select(Tenant, members, Subscription, owning)
        .outerjoin(Subscription, Subscription.tenant_id == Tenant.id)
        .outerjoin(owning, sa.and_(owning.tenant_id == Tenant.id, owning.role == Role.OWNER))
        .outerjoin(owning.user)
        .options(contains_eager(owning.user))
        .where(Tenant.id == actor.tenant_id)
        .order_by(owning.id)
        .limit(1)
    ).one()
    look = settings.values(_SHEET_SETTINGS, tenant_id=tenant.id)
    timezone, locale, logo_url = (look[key] for key in _SHEET_SETTINGS)
    return TenantSheet(
        tenant,
        owner,
        count,
        standing_of(subscription),
        timezone=str(timezone),
        locale=str(locale),
        logo_url=str(logo_url) if logo_url else None,
    )


@operation(Access.TENANT)
def my_membership(actor: Actor) -> Membership:
    """Return the actor's membership in the organization they work in, with the person."""
    return db.session.scalars(
        sa.select(Membership)
        .join(Membership.user)
        .options(contains_eager(Membership.user))
        .where(Membership.id == actor.membership_id, Membership.tenant_id == actor.tenant_id)
    ).one()


@operation(Access.PUBLIC)
def by_slug(actor: Actor, *, slug: str) -> Tenant:
    """Return an organization by its slug, or one that it had before; an archived one is not there.

    :raises TenantNotFound: if there is none
    """
    found = db.session.scalar(
        sa.select(Tenant).where(goes_by(slug.lower()), Tenant.status != TenantStatus.ARCHIVED)
    )
    if found is None:
        raise TenantNotFound
    return found


@operation(Access.PUBLIC)
def sign_in_page(actor: Actor, *, slug: str) -> SignInPage:
    """Return what anybody may know of an organization before they sign in to it.

    :raises TenantNotFound: if there is none, or it is archived
    """
    tenant = by_slug(actor, slug=slug)
    return SignInPage(tenant, settings.values((*PUBLIC_SETTINGS, "general.website"), tenant_id=tenant.id))


@operation(Access.PUBLIC)
def slug_availability(actor: Actor, *, slug: str) -> SlugAnswer:
    """Say whether a slug can be had, and if not, why and what else could be; compared without case."""
    wanted = slug.strip().lower()
    reason: str | None = slugs.check(wanted)
    if reason == "invalid":
        return SlugAnswer(slug, reason)
    near = [f"{wanted[:46]}-{end}" for end in ("2", "hq", "app", "team")]
    taken = former_slugs.taken([wanted, *near])
    free = [name for name in near if name not in taken and slugs.check(name) is None][:2]
    if reason is None and wanted in taken:
        reason = "taken"
    return SlugAnswer(slug, reason, free if reason else ())


def language_and_zone(user: User, tenant_id: int) -> tuple[str, str]:
    """Return the person's locale and time zone, the organization's where they chose none."""
    if user.locale and user.timezone:
        return user.locale, user.timezone
    wanted = settings.values(("localization.locale", "localization.timezone"), tenant_id=tenant_id)
    locale, timezone = str(wanted["localization.locale"]), str(wanted["localization.timezone"])
    return user.locale or locale, user.timezone or timezone


def owned_count(user_id: int) -> int:
    """Return how many organizations that are not archived a person owns."""
    query = (
        sa.select(sa.func.count())
        .select_from(Membership)
        .join(Tenant, Tenant.id == Membership.tenant_id)
        .where(
            Membership.user_id == user_id,
            Membership.role == Role.OWNER,
            Membership.status == MembershipStatus.ACTIVE,  # anybody can found one in another's name
            Tenant.status != TenantStatus.ARCHIVED,
        )
    )
    return db.session.scalar(query) or 0
