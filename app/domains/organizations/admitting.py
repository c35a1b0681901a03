"""Taking in who asks to join: what waits, who decides, and the membership that comes of it."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager

from app.core import clock
from app.core.access import Actor, check, operation
from app.core.db import db
from app.core.errors import Conflict, NotFound
from app.core.lines import one_line
from app.core.links import public_url
from app.core.paging import Page, Window, paginate
from app.core.permissions import Permission
from app.domains.accounts.models import User
from app.domains.accounts.queries import held
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.email import mails
from app.domains.members import granting, invitations, seats
from app.domains.members.ranks import as_of_now
from app.domains.organizations.models import JoinRequest, JoinRequestState
from app.domains.permissions.roles import Role
from app.domains.tenants.models import Membership, MembershipStatus, Tenant

TEXT_LENGTH = 500
PAGE = "/organization/join-requests"


class JoinRequestNotFound(NotFound):
    code, message = "join_request:not_found", "There is no such request."


class JoinRequestAnswered(Conflict):
    code, message = "join_request:answered", "This request was answered already."


# ---- for who decides


def visible(actor: Actor) -> sa.Select[tuple[JoinRequest]]:
    """Select what was asked of the actor's organization."""
    return (
        sa.select(JoinRequest)
        .join(JoinRequest.user)
        .options(contains_eager(JoinRequest.user))
        .where(JoinRequest.tenant_id == actor.tenant_id)
    )


@operation(Permission.MEMBERS_MANAGE)
def requests(actor: Actor, *, window: Window, answered: bool = False) -> Page[JoinRequest]:
    """Return what waits for an answer, or what was answered; the newest first."""
    is_open = JoinRequest.state == JoinRequestState.OPEN
    query = visible(actor).where(~is_open if answered else is_open)
    return paginate(query.order_by(JoinRequest.id.desc()), window)


@operation(Permission.MEMBERS_MANAGE)
def request(actor: Actor, *, uid: UUID) -> JoinRequest:
    """Return one request with who asks.

    :raises JoinRequestNotFound: if the organization has none of that id
    """
    found = db.session.scalar(visible(actor).where(JoinRequest.uid == uid))
    if found is None:
        raise JoinRequestNotFound
    return found


@operation(Permission.MEMBERS_MANAGE)
def approve(
    actor: Actor, *, uid: UUID, role: Role | None = None, profile_id: int | None = None
) -> Membership:
    """Take a person in with a role and a profile that the actor may give.

    :raises JoinRequestNotFound, JoinRequestAnswered: as it stands
    :raises RoleAboveOwn, ProfileAboveOwn, ValidationFailed: by what is given, as for an invitation
    :raises DomainNotAllowed, SeatLimitReached: as for an invitation
    """
    asked = request(actor, uid=uid)
    user = held(asked.user_id)
    tenant = seats.hold(actor.tenant_id or 0)
    now = as_of_now(actor)
    check(now, Permission.MEMBERS_MANAGE)
    found = _to_answer(now, uid)
    if user.disabled_at is not None or not user.email_verified:
        raise JoinRequestAnswered(layer="account", remedy="Their account is closed or not confirmed.")
    invitations.check_domain(now, user.email)
    given, profile = granting.chosen_role(now, role), granting.chosen_profile(now, profile_id)
    membership = admit(now, tenant, user, given, profile)
    _decide(now, found, JoinRequestState.APPROVED, None)
    note(now, AuditKind.JOIN_REQUEST_APPROVED, found)
    mails.join_approval(
        user.email,
        first_name=user.greeting,
        tenant_name=tenant.name,
        tenant_id=tenant.id,
        actor_name=actor.name or actor.email,
        link=public_url("/organizations"),
    )
    return membership


@operation(Permission.MEMBERS_MANAGE)
def decline(actor: Actor, *, uid: UUID, answer: str = "") -> None:
    """Decline a request with a word or without, and tell the person; they may ask again after a week.

    :raises JoinRequestNotFound, JoinRequestAnswered: as it stands
    :raises ValidationFailed: at answer
    """
    text = one_line(answer, field="answer", most=TEXT_LENGTH) or None
    found = _to_answer(actor, uid)
    user = found.user
    _decide(actor, found, JoinRequestState.DECLINED, text)
    note(actor, AuditKind.JOIN_REQUEST_DECLINED, found)
    mails.join_refusal(
        user.email,
        first_name=user.greeting,
        tenant_name=actor.tenant_name,
        tenant_id=found.tenant_id,
        answer=text or "none",
    )


def _to_answer(actor: Actor, uid: UUID) -> JoinRequest:
    found = db.session.scalar(
        visible(actor)
        .where(JoinRequest.uid == uid)
        .with_for_update(of=JoinRequest)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise JoinRequestNotFound
    if found.state is not JoinRequestState.OPEN:
        raise JoinRequestAnswered
    return found


def _decide(actor: Actor, found: JoinRequest, state: JoinRequestState, answer: str | None) -> None:
    found.state, found.answer = state, answer
    found.decided_at, found.decided_by_user_id = clock.now(), actor.user_id


# ---- both


def admit(actor: Actor, tenant: Tenant, user: User, role: Role, profile_id: int) -> Membership:
    """Make somebody a member, the organization held; an open invitation makes room for it.

    :raises JoinRequestAnswered: if they are a member by now
    :raises SeatLimitReached: if every seat of the plan is taken
    """
    found = db.session.scalar(
        sa.select(Membership).where(Membership.tenant_id == tenant.id, Membership.user_id == user.id)
    )
    if found is not None and found.status is MembershipStatus.ACTIVE:
        raise JoinRequestAnswered(remedy="They are a member already.")
    if found is None:
        found = Membership(tenant_id=tenant.id, user_id=user.id)
    else:
        invitations.withdraw(actor, found)
        db.session.flush()  # its seat is free before seats are counted
    before = seats.check_free(tenant.id)
    found.role, found.profile_id = role, profile_id
    found.status, found.joined_at = MembershipStatus.ACTIVE, found.joined_at or clock.now()
    db.session.add(found)
    db.session.flush()  # generate its id
    record(
        actor,
        AuditKind.MEMBER_JOINED,
        subject=("membership", found.id),
        tenant_id=tenant.id,
        changes={"user_id": user.id, "role": str(role)},
    )
    seats.warn_if_few(tenant, before)
    return found


def note(actor: Actor, kind: AuditKind, found: JoinRequest) -> None:
    """Write a row of the trail about a request."""
    about = {"user_id": found.user_id}
    record(actor, kind, subject=("join_request", found.id), tenant_id=found.tenant_id, changes=about)
