"""Handing an organization over: offered by its owner, taken by a member, both proven to be themselves.

Everybody who changes something here holds the organization's row first, so that of an acceptance, a
cancellation and a removal at the same moment each sees what the one before it has done; there is one active
owner at every moment.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager, joinedload

from app.core import clock
from app.core.access import Access, Actor, check, operation
from app.core.buckets import OWNERSHIP_OFFERS
from app.core.db import db
from app.core.errors import Conflict, Forbidden, NotFound
from app.core.links import public_url
from app.core.signs import HERE, ME, NOW, sign
from app.core.touches import Departure, touches
from app.domains.accounts.models import User
from app.domains.accounts.queries import held
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.email import mails
from app.domains.members import seats
from app.domains.members.ranks import as_of_now
from app.domains.organizations.models import OfferState, OwnershipOffer
from app.domains.permissions.roles import Role
from app.domains.sessions.proofs import require_strong
from app.domains.settings import budgets
from app.domains.settings import queries as settings
from app.domains.tenants.models import Membership, MembershipStatus, Tenant
from app.domains.tenants.operations import TenantLimitReached
from app.domains.tenants.queries import owned_count

LIFE = timedelta(days=7)
PAGE = "/organization/ownership"
_CANDIDATES = 100


class OfferNotFound(NotFound):
    code, message = "ownership:not_found", "There is no open offer."


class OfferOpen(Conflict):
    code, message = "ownership:open", "An offer is open already."


class NotEligible(Conflict):
    code, message = "ownership:not_eligible", "This person cannot be the owner."


class NotRecipient(Forbidden):
    code, message = "ownership:not_recipient", "This offer is for another person."


@dataclass(frozen=True)
class Standing:
    """How an organization's ownership stands, as the owner or the one who is asked sees it."""

    owner: Membership | None
    offer: OwnershipOffer | None
    """The open one, for its two sides alone."""
    candidates: Sequence[Membership]
    """Who could be asked, admins first: for the owner."""


@operation(Access.TENANT)
def standing(actor: Actor) -> Standing:
    """Return who owns it, an open offer that concerns the actor, and whom its owner could ask."""
    members = (
        sa.select(Membership)
        .join(Membership.user)
        .options(contains_eager(Membership.user))
        .where(Membership.tenant_id == actor.tenant_id, Membership.status == MembershipStatus.ACTIVE)
    )
    owner = db.session.scalar(members.where(Membership.role == Role.OWNER).limit(1))
    found = db.session.scalar(_open_offers(actor.tenant_id).where(_concerns(actor)))
    candidates: Sequence[Membership] = ()
    if actor.role == Role.OWNER:
        others = members.where(Membership.role != Role.OWNER, *_fit())
        by_rank = sa.case((Membership.role == Role.ADMIN, 0), (Membership.role == Role.MANAGER, 1), else_=2)
        candidates = db.session.scalars(
            others.order_by(by_rank, Membership.listing, Membership.id).limit(_CANDIDATES)
        ).all()
    return Standing(owner, found, candidates)


sign(
    "ownership",
    sa.exists().where(
        OwnershipOffer.tenant_id == HERE,
        OwnershipOffer.to_user_id == ME,
        OwnershipOffer.state == OfferState.OPEN,
        OwnershipOffer.expires_at > NOW,
    ),
)


@operation(Access.TENANT)
def offered_to(actor: Actor) -> OwnershipOffer | None:
    """Return the open offer that waits for the actor's answer."""
    return db.session.scalar(_open_offers(actor.tenant_id).where(OwnershipOffer.to_user_id == actor.user_id))


@operation(Access.TENANT_OWNER)
def offer(actor: Actor, *, member: UUID) -> OwnershipOffer:
    """Offer the organization to one of its active members; they have a week to answer.

    :param member: the membership
    :raises StepUpRequired: if the last proof of identity is too old or too weak
    :raises OfferOpen: while another offer is open
    :raises NotEligible: if the person is not active here, not proven, closed, or the owner already
    :raises RateLimited: after ten in a day
    """
    require_strong(actor)
    budgets.spend(OWNERSHIP_OFFERS, tenant=actor.tenant_id)
    tenant = seats.hold(actor.tenant_id or 0)
    check(as_of_now(actor), Access.TENANT_OWNER)
    target = _recipient(tenant.id, member)
    _forget_what_ran_out(tenant.id)
    if db.session.scalar(_open_offers(tenant.id)) is not None:
        raise OfferOpen(layer="organization", remedy="Take it back first.")
    now = clock.now()
    made = OwnershipOffer(
        tenant_id=tenant.id,
        from_user_id=actor.user_id,
        to_user_id=target.user_id,
        offered_at=now,
        expires_at=now + LIFE,
    )
    db.session.add(made)
    db.session.flush()  # generate made.id
    _note(actor, AuditKind.OWNERSHIP_OFFERED, made)
    _tell(actor, tenant, target, made)
    return made


def _recipient(tenant_id: int, member: UUID) -> Membership:
    target = db.session.scalar(
        sa.select(Membership)
        .join(Membership.user)
        .options(contains_eager(Membership.user))
        .where(
            Membership.tenant_id == tenant_id,
            Membership.uid == member,
            Membership.status == MembershipStatus.ACTIVE,
            Membership.role != Role.OWNER,
            *_fit(),
        )
    )
    if target is None:
        raise NotEligible(layer="organization", remedy="Choose an active member with a confirmed address.")
    return target


def _tell(actor: Actor, tenant: Tenant, target: Membership, made: OwnershipOffer) -> None:
    mails.ownership_offer(
        target.user.email,
        first_name=target.user.greeting,
        tenant_name=tenant.name,
        tenant_id=tenant.id,
        actor_name=actor.name or actor.email,
        expires_at=made.expires_at,
        link=public_url(PAGE),
    )


@operation(Access.TENANT_OWNER)
def cancel(actor: Actor) -> None:
    """Take the open offer back, and tell whom it was made to.

    :raises OfferNotFound: if none is open
    """
    tenant = seats.hold(actor.tenant_id or 0)
    check(as_of_now(actor), Access.TENANT_OWNER)
    found = _held(tenant.id)
    _end(found, OfferState.CANCELLED)
    _note(actor, AuditKind.OWNERSHIP_CANCELLED, found)
    mails.ownership_withdrawal(
        found.to_user.email,
        first_name=found.to_user.greeting,
        tenant_name=tenant.name,
        tenant_id=tenant.id,
        actor_name=actor.name or actor.email,
    )


@operation(Access.TENANT)
def decline(actor: Actor) -> None:
    """Decline what was offered to the actor, and tell the owner.

    :raises OfferNotFound, NotRecipient: as it stands
    """
    tenant = seats.hold(actor.tenant_id or 0)
    found = _mine(actor, tenant.id)
    _end(found, OfferState.DECLINED)
    _note(actor, AuditKind.OWNERSHIP_DECLINED, found)
    mails.ownership_refusal(
        found.from_user.email,
        first_name=found.from_user.greeting,
        tenant_name=tenant.name,
        tenant_id=tenant.id,
        person_name=actor.name or actor.email,
        link=public_url(PAGE),
    )


@operation(Access.TENANT)
def accept(actor: Actor) -> None:
    """Become the owner in the place of whoever offered it, who is an admin from now on.

    :raises StepUpRequired: if the last proof of identity is too old or too weak
    :raises OfferNotFound, NotRecipient: as it stands
    :raises NotEligible: if one of the two is not what they were
    :raises TenantLimitReached: if the actor owns as many organizations as one person may
    """
    require_strong(actor)
    user = held(actor.user_id or 0)  # their organizations are counted one after the other
    tenant = seats.hold(actor.tenant_id or 0)
    found = _mine(actor, tenant.id)
    before, after = _both(tenant, found)
    if owned_count(user.id) >= settings.integer("tenants.max_owned"):
        raise TenantLimitReached(layer="platform", remedy="Hand over or close one of yours first.")
    before.role = Role.ADMIN
    db.session.flush()  # one owner at every moment, in the order in which it is written too
    after.role = Role.OWNER
    _end(found, OfferState.ACCEPTED)
    _note(actor, AuditKind.OWNERSHIP_TRANSFERRED, found)
    for person in (before.user, after.user):
        mails.ownership_transfer(
            person.email,
            first_name=person.greeting,
            tenant_name=tenant.name,
            tenant_id=tenant.id,
            actor_name=before.user.name or before.user.email,
            person_name=after.user.name or after.user.email,
            at=clock.now(),
            link=public_url("/organization"),
        )


def _both(tenant: Tenant, found: OwnershipOffer) -> tuple[Membership, Membership]:
    """Hold the memberships of both sides.

    :raises NotEligible: if the one is no owner, or the other no active member any more
    """
    query = (
        sa.select(Membership)
        .options(joinedload(Membership.user))
        .where(
            Membership.tenant_id == tenant.id,
            Membership.user_id.in_((found.from_user_id, found.to_user_id)),
            Membership.status == MembershipStatus.ACTIVE,
        )
        .with_for_update(of=Membership)
        .execution_options(populate_existing=True)
    )
    there = {one.user_id: one for one in db.session.scalars(query)}
    before, after = there.get(found.from_user_id), there.get(found.to_user_id)
    if before is None or before.role is not Role.OWNER or after is None or not _is_fit(after.user):
        raise NotEligible(layer="organization", remedy="The owner can offer it anew.")
    return before, after


def _fit() -> Sequence[sa.ColumnElement[bool]]:
    return (User.disabled_at.is_(None), User.email_verified_at.is_not(None))


def _is_fit(user: User) -> bool:
    return user.disabled_at is None and user.email_verified


def _open_offers(tenant_id: int | None) -> sa.Select[tuple[OwnershipOffer]]:
    return (
        sa.select(OwnershipOffer)
        .options(joinedload(OwnershipOffer.from_user), joinedload(OwnershipOffer.to_user))
        .where(
            OwnershipOffer.tenant_id == tenant_id,
            OwnershipOffer.state == OfferState.OPEN,
            OwnershipOffer.expires_at > clock.now(),
        )
    )


def _concerns(actor: Actor) -> sa.ColumnElement[bool]:
    """Select what the two sides see; nobody else hears of it."""
    return sa.or_(OwnershipOffer.from_user_id == actor.user_id, OwnershipOffer.to_user_id == actor.user_id)


def _held(tenant_id: int) -> OwnershipOffer:
    found = db.session.scalar(_open_offers(tenant_id).execution_options(populate_existing=True))
    if found is None:
        raise OfferNotFound
    return found


def _mine(actor: Actor, tenant_id: int) -> OwnershipOffer:
    """Return the open offer if it is the actor's to answer.

    :raises OfferNotFound: for everybody whom it does not concern
    :raises NotRecipient: for the owner who made it
    """
    as_of_now(actor)
    found = _held(tenant_id)
    if found.from_user_id == actor.user_id:
        raise NotRecipient(layer="organization", remedy="Only the member it was made to can answer it.")
    if found.to_user_id != actor.user_id:
        raise OfferNotFound
    return found


def _end(found: OwnershipOffer, state: OfferState) -> None:
    found.state, found.answered_at = state, clock.now()


def _forget_what_ran_out(tenant_id: int) -> None:
    over = sa.update(OwnershipOffer).where(
        OwnershipOffer.tenant_id == tenant_id,
        OwnershipOffer.state == OfferState.OPEN,
        OwnershipOffer.expires_at <= clock.now(),
    )
    db.session.execute(over.values(state=OfferState.CANCELLED))


def _note(actor: Actor, kind: AuditKind, found: OwnershipOffer) -> None:
    sides = {"from_user_id": found.from_user_id, "to_user_id": found.to_user_id}
    record(actor, kind, subject=("tenant", found.tenant_id), tenant_id=found.tenant_id, changes=sides)


def _offered_to(departure: Departure) -> int:
    query = sa.select(sa.func.count()).where(*_to_whom_leaves(departure))
    return int(db.session.scalar(query) or 0)


def _to_whom_leaves(departure: Departure) -> Sequence[sa.ColumnElement[bool]]:
    return (
        OwnershipOffer.tenant_id == departure.tenant_id,
        OwnershipOffer.to_user_id == departure.user_id,
        OwnershipOffer.state == OfferState.OPEN,
    )


@touches("ownership_offers", says="The offer to own the organization is void", count=_offered_to)
def void_offers(actor: Actor, departure: Departure) -> None:
    """Take back what was offered to somebody who leaves or loses their access."""
    for found in db.session.scalars(sa.select(OwnershipOffer).where(*_to_whom_leaves(departure))).all():
        _end(found, OfferState.CANCELLED)
        _note(replace(actor, tenant_id=departure.tenant_id), AuditKind.OWNERSHIP_CANCELLED, found)
