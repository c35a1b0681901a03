"""A person's sign-ins."""

from dataclasses import dataclass

import sqlalchemy as sa

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.db import db, is_named
from app.core.errors import NotFound
from app.core.ids import Ref
from app.core.paging import Page, Window, paginate
from app.domains.sessions.models import UserSession
from app.domains.tenants.models import Tenant


class SessionNotFound(NotFound):
    code, message = "session:not_found", "There is no such session."


@dataclass(frozen=True)
class ActiveSession:
    """A live sign-in with the organization it is bound to, if any."""

    session: UserSession
    tenant: Tenant | None
    current: bool


def visible(actor: Actor) -> sa.Select[tuple[UserSession]]:
    """Select the actor's live sign-ins, in whatever dialect, API tokens included."""
    return sa.select(UserSession).where(
        UserSession.user_id == actor.user_id,
        UserSession.revoked_at.is_(None),
        UserSession.expires_at > clock.now(),
    )


@operation(Access.SIGNED_IN)
def active(actor: Actor, *, window: Window, kind: str | None = None) -> Page[ActiveSession]:
    """Return everything by which the actor is signed in now, the latest used first."""
    query = visible(actor)
    if kind:
        query = query.where(UserSession.kind == kind)
    found = paginate(query.order_by(UserSession.last_used_at.desc(), UserSession.id.desc()), window)
    tenant_ids = {s.tenant_id for s in found.items if s.tenant_id is not None}
    bound_to = sa.select(Tenant).where(Tenant.id.in_(tenant_ids))
    tenants = {tenant.id: tenant for tenant in db.session.scalars(bound_to)} if tenant_ids else {}
    rows = [ActiveSession(s, tenants.get(s.tenant_id or 0), s.id == actor.session_id) for s in found.items]
    return Page(rows, found.total, window)


@operation(Access.SIGNED_IN)
def number_active(actor: Actor) -> int:
    """Return by how many sessions and tokens the actor is signed in now."""
    return db.session.scalar(sa.select(sa.func.count()).select_from(visible(actor).subquery())) or 0


@operation(Access.TENANT)
def whoami(actor: Actor) -> Actor:
    """Return who calls, where and since when: all of it came with the credential, in one query."""
    return actor


@operation(Access.SIGNED_IN)
def current(actor: Actor) -> UserSession:
    """Return the session that makes the call."""
    return one(actor, Ref(id=actor.session_id))


def one(actor: Actor, ref: Ref) -> UserSession:
    """Return one of the actor's live sign-ins, to be ended: of two at once the later one finds none.

    :raises SessionNotFound: if it is another's, ended, or not there
    """
    found = db.session.scalar(visible(actor).where(is_named(UserSession, ref)).with_for_update())
    if found is None:
        raise SessionNotFound
    return found
