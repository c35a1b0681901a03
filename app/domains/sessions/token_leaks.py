"""API tokens that somebody found in public: whoever can show one may end it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import sqlalchemy as sa

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.db import db
from app.core.links import public_url
from app.core.secrets import token_hash
from app.domains.accounts.models import User
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.email import mails
from app.domains.permissions.roles import Role
from app.domains.sessions import api_token_values
from app.domains.sessions.models import UserSession
from app.domains.tenants.models import Membership, MembershipStatus, Tenant

MOST_AT_ONCE = 100
_LONGEST_PLACE = 120


@dataclass(frozen=True)
class Leak:
    """A token that was found, and where, as far as the finder says."""

    token: str
    url: str | None = None
    source: str | None = None

    @property
    def place(self) -> str:
        """Return the place in words that no mail reader makes a link of."""
        parts = urlsplit(self.url or "") if _is_address(self.url) else None
        found = f"{parts.hostname}{parts.path}" if parts else self.source
        return (found or "a place that was not named")[:_LONGEST_PLACE]


def _is_address(url: str | None) -> bool:
    try:
        return bool(urlsplit(url or "").hostname)
    except ValueError:
        return False


@operation(Access.PUBLIC)
def report(actor: Actor, *, leaks: Sequence[Leak]) -> Sequence[bool]:
    """End the tokens that were found, tell their people and the owners, and say of each if it was ever one.

    To know a token is the proof: nobody learns more than that what they hold is real.
    """
    shown = [api_token_values.is_well_formed(leak.token) for leak in leaks]
    hashes = {token_hash(leak.token): leak for leak, ours in zip(leaks, shown, strict=True) if ours}
    query = (
        sa.select(UserSession, User, Tenant)
        .join(User, User.id == UserSession.user_id)
        .join(Tenant, Tenant.id == UserSession.tenant_id)
        .where(UserSession.kind == "api_token", UserSession.token_hash.in_(hashes))
        .order_by(UserSession.id)  # always locked in the same order
        .with_for_update(of=UserSession)
    )
    known = db.session.execute(query).all() if hashes else []
    now = clock.now()
    alive = [row for row in known if row[0].revoked_at is None and row[0].expires_at > now]
    owners = _owners([tenant.id for _, _, tenant in alive])
    for session, user, tenant in alive:
        place = hashes[session.token_hash].place
        _end(actor, session, place)
        _tell(session, user, tenant, owners.get(tenant.id), place)
    ours = {session.token_hash for session, _, _ in known}
    return [token_hash(leak.token) in ours for leak in leaks]


def _owners(tenant_ids: Sequence[int]) -> Mapping[int, User]:
    if not tenant_ids:
        return {}
    query = (
        sa.select(Membership.tenant_id, User)
        .join(User, User.id == Membership.user_id)
        .where(Membership.tenant_id.in_(tenant_ids), Membership.role == Role.OWNER)
        .where(Membership.status == MembershipStatus.ACTIVE)
    )
    return dict(db.session.execute(query).tuples().all())


def _end(actor: Actor, session: UserSession, place: str) -> None:
    session.revoked_at, session.revoked_reason = clock.now(), "leaked"
    record(
        actor,
        AuditKind.API_TOKEN_REVOKED,
        subject=("session", session.id),
        tenant_id=session.tenant_id,
        changes={"name": session.name, "owner": session.user_id, "reason": "leaked", "found_at": place},
    )


def _tell(session: UserSession, user: User, tenant: Tenant, owner: User | None, place: str) -> None:
    at = clock.now()
    mails.leaked_token(
        user.email,
        first_name=user.greeting,
        tenant_name=tenant.name,
        token_name=session.name,
        found_at=place,
        at=at,
        link=public_url("/account/tokens"),
    )
    if owner is None or owner.id == user.id:
        return
    mails.member_token_leak(
        owner.email,
        first_name=owner.greeting,
        tenant_name=tenant.name,
        tenant_id=tenant.id,
        token_name=session.name,
        member_name=user.name or user.email,
        found_at=place,
        at=at,
        link=public_url("/organization/tokens"),
    )
