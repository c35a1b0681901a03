"""Coming to an organization by oneself: joining by a proven domain, or asking to be taken in.

Nobody becomes a member without pressing for it: a membership shows one's name and address to others,
and takes a seat. Somebody whose access was taken away comes back by an admin's hand alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.buckets import JOIN_REQUESTS
from app.core.db import db
from app.core.errors import NotFound
from app.core.lines import one_line
from app.core.links import public_url
from app.domains.accounts.queries import held
from app.domains.audit.kinds import AuditKind
from app.domains.email import mails
from app.domains.email.rule_values import domain_of
from app.domains.members import granting, invitations, seats
from app.domains.organizations.admitting import PAGE, TEXT_LENGTH, JoinRequestNotFound, admit, note
from app.domains.organizations.models import JoinRequest, JoinRequestState, TenantDomain
from app.domains.permissions.models import PermissionProfile
from app.domains.permissions.roles import Role
from app.domains.settings import budgets
from app.domains.settings import queries as settings
from app.domains.tenants import heads
from app.domains.tenants.former_slugs import goes_by
from app.domains.tenants.models import Membership, MembershipStatus, Tenant, TenantStatus

AGAIN_AFTER = timedelta(days=7)


class NothingToJoin(NotFound):
    code, message = "joining:not_open", "There is nothing to join here."


@dataclass(frozen=True)
class Open:
    """An organization that is open to somebody by their address."""

    tenant: Tenant
    joins: bool
    """Whether they may join; else they may ask."""
    asked: JoinRequest | None
    """Their latest request."""

    @property
    def waits(self) -> bool:
        """Say whether they wait for an answer."""
        return self.asked is not None and self.asked.state is JoinRequestState.OPEN

    @property
    def again_at(self) -> datetime | None:
        """Return when they may ask again, None if they may now."""
        return None if self.asked is None else again_at(self.asked)


def again_at(asked: JoinRequest) -> datetime | None:
    """Return until when somebody who was declined waits before they ask again; None: not at all."""
    if asked.state is not JoinRequestState.DECLINED or asked.decided_at is None:
        return None
    until = asked.decided_at + AGAIN_AFTER
    return until if until > clock.now() else None


# ---- for who comes


@operation(Access.SIGNED_IN)
def open_to(actor: Actor) -> Sequence[Open]:
    """Return the organizations that are open to the actor by their proven address, by name."""
    if not actor.email_verified:
        return ()
    mine = sa.exists().where(Membership.tenant_id == Tenant.id, Membership.user_id == actor.user_id)
    query = (
        sa.select(Tenant)
        .join(TenantDomain, TenantDomain.tenant_id == Tenant.id)
        .where(
            TenantDomain.domain == _domain(actor.email),
            TenantDomain.verified_at.is_not(None),
            Tenant.status == TenantStatus.ACTIVE,
            ~mine,
        )
        .order_by(Tenant.name, Tenant.id)
    )
    found = db.session.scalars(query).all()
    if not found:
        return ()
    ways = settings.by_tenant("members.domain_joining", [tenant.id for tenant in found])
    latest = {request.tenant_id: request for request in _latest(actor)}
    return [
        Open(tenant, ways[tenant.id] == "join", latest.get(tenant.id))
        for tenant in found
        if ways[tenant.id] in ("ask", "join")
    ]


def _latest(actor: Actor) -> Sequence[JoinRequest]:
    query = sa.select(JoinRequest).where(JoinRequest.user_id == actor.user_id).order_by(JoinRequest.id)
    return db.session.scalars(query).all()  # the last of each organization wins in a dictionary


def _domain(address: str) -> str:
    try:
        return domain_of(address.rpartition("@")[2])
    except ValueError:
        return ""


@operation(Access.INTERACTIVE)
def join(actor: Actor, *, tenant: UUID) -> Membership:
    """Become a member of an organization that is open to the actor's address.

    :raises NothingToJoin: if it is not, or there is none
    :raises SeatLimitReached: if every seat of the plan is taken
    :raises DomainNotAllowed: if the organization takes nobody from that domain
    """
    user = held(actor.user_id or 0)
    found = _open(actor, tenant)
    if not found.joins:
        raise NothingToJoin
    organization = seats.hold(found.tenant.id)
    there = _in(actor, organization)
    invitations.check_domain(there, user.email)
    role = Role(settings.text("members.default_role", tenant_id=organization.id) or Role.MEMBER)
    if role.rank > Role.MEMBER.rank:
        role = Role.MEMBER  # nobody comes in by themselves above it
    membership = admit(there, organization, user, role, _usual_profile(organization.id))
    _settle(actor, organization.id, user.id)
    return membership


@operation(Access.INTERACTIVE)
def ask(actor: Actor, *, tenant: UUID, reason: str = "") -> JoinRequest:
    """Ask an organization that is open to the actor's address to be taken in.

    :raises NothingToJoin: if it is not, there is none, they wait already, or were declined within a week
    :raises ValidationFailed: at reason
    :raises RateLimited: after ten in a day
    """
    text = one_line(reason, field="reason", most=TEXT_LENGTH) or None
    budgets.spend(JOIN_REQUESTS, user=actor.user_id)
    found = _open(actor, tenant)
    made = _asked(actor, found.tenant, text)
    if made is None:
        raise NothingToJoin
    return made


@operation(Access.INTERACTIVE)
def ask_by_slug(actor: Actor, *, slug: str, reason: str = "") -> None:
    """Ask an organization by its short name; whoever asks hears the same whether there is one or not.

    :raises ValidationFailed: at reason
    :raises RateLimited: after ten in a day
    """
    text = one_line(reason, field="reason", most=TEXT_LENGTH) or None
    budgets.spend(JOIN_REQUESTS, user=actor.user_id)
    found = db.session.scalar(
        sa.select(Tenant).where(goes_by(slug.strip().lower()), Tenant.status == TenantStatus.ACTIVE)
    )
    if found is None or not actor.email_verified:
        return
    if settings.boolean("members.join_requests", tenant_id=found.id):
        _asked(actor, found, text)


@operation(Access.INTERACTIVE)
def withdraw(actor: Actor, *, tenant: UUID) -> None:
    """Take one's request back, where one sees it: at an organization that is open to one's address.

    :raises NothingToJoin: if it is not
    :raises JoinRequestNotFound: if none waits
    """
    found = _open(actor, tenant)
    asked = db.session.scalar(
        sa.select(JoinRequest)
        .where(
            JoinRequest.tenant_id == found.tenant.id,
            JoinRequest.user_id == actor.user_id,
            JoinRequest.state == JoinRequestState.OPEN,
        )
        .with_for_update()
    )
    if asked is None:
        raise JoinRequestNotFound
    asked.state, asked.decided_at = JoinRequestState.WITHDRAWN, clock.now()
    note(actor, AuditKind.JOIN_REQUEST_WITHDRAWN, asked)


def _open(actor: Actor, tenant: UUID) -> Open:
    found = next((one for one in open_to(actor) if one.tenant.uid == tenant), None)
    if found is None:
        raise NothingToJoin
    return found


def _asked(actor: Actor, tenant: Tenant, reason: str | None) -> JoinRequest | None:
    """Make the request, unless they are a member in whatever state, wait already, or were just declined."""
    member = sa.select(Membership.id).where(
        Membership.tenant_id == tenant.id,
        Membership.user_id == actor.user_id,
        Membership.status != MembershipStatus.INVITED,
    )
    before = next((one for one in reversed(_latest(actor)) if one.tenant_id == tenant.id), None)
    waits = before is not None and (before.state is JoinRequestState.OPEN or again_at(before) is not None)
    if waits or db.session.scalar(member) is not None:
        return None
    made = JoinRequest(tenant_id=tenant.id, user_id=actor.user_id, reason=reason, asked_at=clock.now())
    try:
        with db.session.begin_nested():
            db.session.add(made)
            db.session.flush()  # one open a person and organization; also generates made.id
    except IntegrityError:
        return None
    note(actor, AuditKind.JOIN_REQUEST_CREATED, made)
    for head in heads.to_tell(tenant.id):
        mails.join_request(
            head.email,
            first_name=head.greeting,
            tenant_name=tenant.name,
            tenant_id=tenant.id,
            person_name=actor.name or actor.email,
            email=actor.email,
            reason=reason or "none",
            link=public_url(f"{PAGE}/{made.uid}"),
        )
    return made


def _settle(actor: Actor, tenant_id: int, user_id: int) -> None:
    """End the open request of somebody who came in another way."""
    waiting = sa.update(JoinRequest).where(
        JoinRequest.tenant_id == tenant_id,
        JoinRequest.user_id == user_id,
        JoinRequest.state == JoinRequestState.OPEN,
    )
    db.session.execute(waiting.values(state=JoinRequestState.WITHDRAWN, decided_at=clock.now()))


def _in(actor: Actor, tenant: Tenant) -> Actor:
    """Return somebody as they act in an organization that they are no member of yet."""
    return replace(actor, tenant_id=tenant.id, tenant_uid=tenant.uid, tenant_name=tenant.name)


def _usual_profile(tenant_id: int) -> int:
    """Return the profile of new people while it is there and on, else the one that adds nothing."""
    usual = settings.integer("members.default_profile_id", tenant_id=tenant_id)
    own = sa.select(PermissionProfile.id).where(
        PermissionProfile.tenant_id == tenant_id,
        PermissionProfile.id == usual,
        PermissionProfile.is_active.is_(True),
    )
    return usual if db.session.scalar(own) is not None else granting.STANDARD
