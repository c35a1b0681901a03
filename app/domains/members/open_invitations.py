"""What becomes of an invitation that was sent: sent again, copied, taken back, given another role."""

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager

from app.core import clock, ids
from app.core.access import Access, Actor, operation
from app.core.buckets import INVITATION_RESENDS
from app.core.db import db, read
from app.core.errors import Conflict
from app.core.ids import Ref
from app.core.links import public_url
from app.core.permissions import Permission
from app.core.secrets import token_hash
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.members import granting, seats
from app.domains.members.invitation_queries import of_tenant
from app.domains.members.invitations import (
    PATH,
    InvitationNotFound,
    InvitationUsed,
    Sent,
    life_of,
    mail,
    take_back,
    tenant_of,
)
from app.domains.members.models import Invitation, InvitationStatus
from app.domains.members.queries import Member, MemberNotFound, of_membership
from app.domains.settings import budgets
from app.domains.tenants.models import Membership, MembershipStatus, Tenant


class NotPending(Conflict):
    code, message = "invitation:not_pending", "This person has no open invitation."


@operation(Permission.MEMBERS_MANAGE)
def resend(actor: Actor, *, invitation: Ref, copy: bool = False) -> Sent:
    """Give an open or expired invitation a new token and a new time, and mail it; the older link is dead.

    It stands on the actor's right from now on, where they may give its role; else it stays as it was given.

    :param copy: show the link instead of mailing it; it proves no mailbox then
    :raises InvitationNotFound: unknown, another organization's, taken back
    :raises InvitationUsed: if it was taken up
    :raises RoleAboveOwn: if whoever gave role and profile may not any more, and the actor may not either
    :raises SeatLimitReached: for an expired one, when no seat is free
    :raises RateLimited: after five in an hour
    """
    rows = read(of_tenant(actor, invitation).with_only_columns(Invitation.id))
    if not rows:
        raise InvitationNotFound
    budgets.spend(INVITATION_RESENDS, invitation=rows[0].id)
    tenant = seats.hold(tenant_of(actor))
    found = _held(rows[0].id)
    if found.status is InvitationStatus.ACCEPTED:
        raise InvitationUsed
    if found.status is InvitationStatus.REVOKED:
        raise InvitationNotFound
    return _send_again(actor, tenant, found, copy=copy)


@operation(Access.TENANT_ADMIN)
def copy_link(actor: Actor, *, invitation: Ref) -> Sent:
    """Make a new link that an admin passes on; the mailed one is dead from then on.

    :raises InvitationNotFound, InvitationUsed, SeatLimitReached, RateLimited: as ``resend``
    """
    return resend(actor, invitation=invitation, copy=True)


@operation(Access.TENANT_ADMIN)
def resend_to(actor: Actor, *, membership_id: int) -> Member:
    """Send a person's invitation again, also one that ran out or was withdrawn with a deactivation.

    :raises MemberNotFound: if nobody of that id is here
    :raises NotPending: if they have joined, or were never invited
    :raises SeatLimitReached, RateLimited: as ``resend``
    """
    latest = (
        sa.select(
            Membership.id, Invitation.id.label("invitation_id"), Membership.joined_at, Membership.status
        )
        .outerjoin(Invitation, Invitation.membership_id == Membership.id)
        .where(Membership.id == membership_id, Membership.tenant_id == actor.tenant_id)
        .order_by(Invitation.id.desc())
        .limit(1)
    )
    rows = read(latest)
    if not rows:
        raise MemberNotFound
    row = rows[0]
    if row.invitation_id is None or row.joined_at is not None or row.status is MembershipStatus.ACTIVE:
        raise NotPending
    budgets.spend(INVITATION_RESENDS, invitation=row.invitation_id)
    tenant = seats.hold(tenant_of(actor))
    found = _held(row.invitation_id)
    if found.status is InvitationStatus.ACCEPTED or found.membership is None:
        raise NotPending
    _send_again(actor, tenant, found, copy=False)
    return of_membership(membership_id)


def _send_again(actor: Actor, tenant: Tenant, found: Invitation, *, copy: bool) -> Sent:
    before = None if found.is_open else seats.check_free(tenant.id)
    if granting.may_give(actor, found.role) and granting.stays_within(actor, found.profile_id):
        found.granted_by_id = actor.user_id
    elif not granting.still_stands(found):
        raise granting.above_own()
    now, token = clock.now(), ids.new_token()
    found.status, found.token_hash, found.only_mailed = InvitationStatus.PENDING, token_hash(token), not copy
    found.sent_at, found.expires_at = now, now + life_of(tenant.id)
    found.times_sent += 1
    found.invited_by_id = actor.user_id
    membership = found.membership or Membership(tenant_id=tenant.id, user_id=found.user_id)
    membership.status, membership.role, membership.profile_id = (
        MembershipStatus.INVITED,
        found.role,
        found.profile_id,
    )
    found.membership = membership
    record(
        actor,
        AuditKind.INVITATION_RESENT,
        subject=("invitation", found.id),
        changes={"times_sent": found.times_sent, "link_shown": copy},
    )
    if not copy:
        mail(actor, tenant, found, membership, token)
    if before is not None:
        seats.warn_if_few(tenant, before)
    db.session.flush()  # what is answered shows its times
    return Sent(found, public_url(PATH, token=token))


@operation(Permission.MEMBERS_MANAGE)
def revoke(actor: Actor, *, invitation: Ref) -> Invitation:
    """Take an invitation back: its link is dead, its seat free, the invited membership gone.

    :raises InvitationNotFound: unknown, another organization's, taken back already
    :raises InvitationUsed: if it was taken up
    """
    rows = read(of_tenant(actor, invitation).with_only_columns(Invitation.id))
    if not rows:
        raise InvitationNotFound
    seats.hold(tenant_of(actor))
    found = _held(rows[0].id)
    if found.status is InvitationStatus.ACCEPTED:
        raise InvitationUsed
    if found.status is InvitationStatus.REVOKED:
        raise InvitationNotFound
    take_back(actor, found)
    membership = found.membership
    if membership is not None and membership.status is MembershipStatus.INVITED:
        found.membership = None
        db.session.flush()  # the invitation outlives the membership
        db.session.delete(membership)
    return found


def _held(invitation_id: int) -> Invitation:
    query = (
        sa.select(Invitation)
        .join(Invitation.user)
        .outerjoin(Invitation.membership)
        .options(contains_eager(Invitation.user), contains_eager(Invitation.membership))
        .where(Invitation.id == invitation_id)
        .execution_options(populate_existing=True)
    )
    return db.session.scalars(query).one()
