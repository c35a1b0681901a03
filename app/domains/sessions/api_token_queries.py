"""API tokens: one's own, and an organization's with what its plan allows of them."""

from dataclasses import dataclass

import sqlalchemy as sa

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.db import db, is_named
from app.core.environments import Environment
from app.core.ids import Ref
from app.core.paging import Page, Window, paginate
from app.core.permissions import Permission
from app.domains.accounts.models import User
from app.domains.billing import usage
from app.domains.billing.capacity import counts
from app.domains.billing.queries import limit_of
from app.domains.sessions.models import UserSession
from app.domains.tenants.models import Tenant


@dataclass(frozen=True)
class OwnToken:
    """One of the actor's tokens, and where it works."""

    session: UserSession
    tenant: Tenant

    @property
    def expired(self) -> bool:
        """Say whether it has run out."""
        return self.session.expires_at <= clock.now()


@dataclass(frozen=True)
class MemberToken:
    """A token for the actor's organization, and whose it is."""

    session: UserSession
    owner: User


@dataclass(frozen=True)
class Usage:
    """What the machines of an organization used this month in prod; None is no bound."""

    calls: int
    most_calls: int | None
    most_tokens: int | None
    """Of live tokens, in each environment."""


def unrevoked() -> sa.Select[tuple[UserSession]]:
    """Select API tokens that were not ended, those that ran out included."""
    return sa.select(UserSession).where(UserSession.kind == "api_token", UserSession.revoked_at.is_(None))


def live() -> sa.Select[tuple[UserSession]]:
    """Select API tokens that work."""
    return unrevoked().where(UserSession.expires_at > clock.now())


def count_live(tenant_id: int, environment: Environment) -> int:
    """Return how many live tokens an organization has in one environment."""
    here = live().where(UserSession.tenant_id == tenant_id, UserSession.environment == str(environment))
    return db.session.scalar(sa.select(sa.func.count()).select_from(here.subquery())) or 0


@counts("api_tokens")
def most_in_one_environment(tenant_id: int) -> int:
    """Return how many live tokens an organization has in the environment with the most."""
    number = sa.func.count().label("number")
    here = live().where(UserSession.tenant_id == tenant_id).with_only_columns(number)
    counted = here.group_by(UserSession.environment).order_by(None).subquery()
    return db.session.scalar(sa.select(sa.func.max(counted.c.number))) or 0


def visible(actor: Actor) -> sa.Select[tuple[UserSession, Tenant]]:
    """Select the actor's tokens that were not ended; an API token sees those of its own organization."""
    query = unrevoked().join(Tenant, Tenant.id == UserSession.tenant_id).add_columns(Tenant)
    query = query.where(UserSession.user_id == actor.user_id)
    return query if actor.kind != "api_token" else query.where(UserSession.tenant_id == actor.tenant_id)


@operation(Access.SIGNED_IN)
def mine(
    actor: Actor,
    *,
    window: Window,
    tenant: Ref | None = None,
    environment: Environment | None = None,
    with_expired: bool = False,
) -> Page[OwnToken]:
    """Return the actor's own tokens, newest first, never their values."""
    query = visible(actor)
    if tenant is not None:
        query = query.where(is_named(Tenant, tenant))
    if environment is not None:
        query = query.where(UserSession.environment == str(environment))
    if not with_expired:
        query = query.where(UserSession.expires_at > clock.now())
    found = paginate(query.order_by(UserSession.id.desc()), window)
    return Page([OwnToken(*row) for row in found.items], found.total, window)


@operation(Permission.API_TOKENS_MANAGE)
def of_organization(actor: Actor, *, window: Window) -> Page[MemberToken]:
    """Return everyone's live tokens for the actor's organization, newest first."""
    query = (
        live()
        .join(User, User.id == UserSession.user_id)
        .add_columns(User)
        .where(UserSession.tenant_id == actor.tenant_id)
    )
    found = paginate(query.order_by(UserSession.id.desc()), window)
    return Page([MemberToken(*row) for row in found.items], found.total, window)


@operation(Permission.API_TOKENS_MANAGE)
def usage_of_organization(actor: Actor) -> Usage:
    """Return what the machines of the actor's organization used of its plan this month."""
    tenant_id = actor.tenant_id or 0
    return Usage(
        usage.calls_this_month(tenant_id),
        limit_of(tenant_id, "requests_per_month"),
        limit_of(tenant_id, "api_tokens"),
    )
