"""Inviting people into an organization."""

from dataclasses import dataclass, replace
from datetime import timedelta

import sqlalchemy as sa

from app.core import clock, ids
from app.core.access import Access, Actor, operation
from app.core.buckets import FREE_INVITATIONS, INVITATION_MAILS, INVITATIONS
from app.core.db import db, read
from app.core.errors import Conflict, NotFound, Refused, ValidationFailed
from app.core.languages import Sentence
from app.core.links import public_url
from app.core.permissions import Permission
from app.core.secrets import token_hash
from app.domains.accounts import details, emails
from app.domains.accounts.addresses import EmailTaken, written_to
from app.domains.accounts.models import User
from app.domains.accounts.placeholders import person_or_placeholder
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.billing.models import Subscription
from app.domains.billing.plans import DEV
from app.domains.billing.queries import plan_of
from app.domains.email import mails
from app.domains.email.wording import holds_link
from app.domains.members import granting, seats
from app.domains.members.models import Invitation, InvitationStatus
from app.domains.members.queries import Member, of_membership
from app.domains.permissions.roles import Role
from app.domains.settings import budgets
from app.domains.settings import queries as settings
from app.domains.tenants.models import Membership, MembershipStatus, Tenant

PATH = "/accept-invitation"
MESSAGE_LENGTH = 500
_TITLE_LENGTH = 100


class AlreadyMember(Conflict):
    code, message = "member:already_member", "This person is a member or invited already."


class AlreadyPending(Conflict):
    code, message = "invitation:already_pending", "An invitation is open already."


class InactiveExists(Conflict):
    code = "member:inactive_exists"
    message = "This person was deactivated. Activate the access again."


class DomainNotAllowed(Refused):
    code = "invitation:domain_not_allowed"
    message = "This organization invites other e-mail domains only."


class InvitationNotFound(NotFound):
    code, message = "invitation:not_found", "There is no such invitation."


class InvitationUsed(Conflict):
    code, message = "invitation:used", "This invitation has been taken up."


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Whom somebody wants in their organization; what is None is as the organization has it."""

    email: str
    role: Role | None = None
    profile_id: int | None = None
    first_name: str = ""
    last_name: str = ""
    job_title: str | None = None
    message: str = ""
    """What the inviter adds to the mail."""


@dataclass(frozen=True)
class Sent:
    """An invitation and its link, which nobody can read again."""

    invitation: Invitation
    link: str


# ---- Inviting


@operation(Permission.MEMBERS_MANAGE)
def invite(actor: Actor, *, wanted: Wanted, copy: bool = False) -> Sent:
    """Invite an address: a membership of status invited, an open invitation, a mail with its link.

    Whether somebody has the address shows in nothing.

    :param copy: the inviter passes the link on too, so it proves no mailbox
    :raises DomainNotAllowed, RoleAboveOwn, ProfileAboveOwn: as the organization and the actor's role have it
    :raises AlreadyMember, AlreadyPending, InactiveExists: if the person is here in some way
    :raises SeatLimitReached: if every seat of the plan is taken
    :raises ValidationFailed: at email, role, profile_id, first_name, last_name, job_title
    :raises RateLimited: past what an organization may send
    """
    spend(actor, emails.checked(wanted.email))
    return send(actor, checked(actor, wanted), copy=copy)


@operation(Access.TENANT_MANAGER)
def add_person(actor: Actor, *, wanted: Wanted) -> Member:
    """Invite somebody where the role alone opens the door; one invited already is a member already there.

    :raises AlreadyMember: for an open invitation too
    """
    spend(actor, emails.checked(wanted.email))
    try:
        sent = send(actor, checked(actor, wanted))
    except AlreadyPending as error:
        raise AlreadyMember from error
    return of_membership(sent.invitation.membership_id or 0)


def checked(actor: Actor, wanted: Wanted) -> Wanted:
    """Return what is wanted with role and profile chosen, as far as the call and the settings show it."""
    address = emails.checked(wanted.email)
    check_message(wanted.message)
    wrong = {
        field: ["Give at most 100 characters on one line."]
        for field, name in (
            ("first_name", wanted.first_name),
            ("last_name", wanted.last_name),
            ("job_title", wanted.job_title or ""),
        )
        if len(name) > _TITLE_LENGTH or not name.isprintable() or (name and not details.is_name(name))
    }
    if wrong:
        raise ValidationFailed(wrong)
    check_domain(actor, address)
    role = granting.chosen_role(actor, wanted.role)
    profile_id = granting.chosen_profile(actor, wanted.profile_id)
    return replace(wanted, email=address, role=role, profile_id=profile_id)


def check_message(message: str) -> None:
    """Refuse what would make an invitation a carrier of other people's links.

    :raises ValidationFailed: at message
    """
    if len(message) > MESSAGE_LENGTH:
        wrong = Sentence("Use up to %(number)s characters.", number=MESSAGE_LENGTH)
        raise ValidationFailed({"message": [wrong]})
    if not all(sign.isprintable() or sign in "\r\n\t" for sign in message):
        raise ValidationFailed({"message": ["There is a sign in it that cannot be mailed."]})
    if holds_link(message):
        raise ValidationFailed({"message": ["Leave links out: the mail has its own, and is trusted for it."]})


def check_domain(actor: Actor, address: str) -> None:
    """Refuse an address at a domain that the actor's organization takes nobody from.

    :raises DomainNotAllowed: if so
    """
    allowed = settings.entries("auth.allowed_email_domains", tenant_id=actor.tenant_id)
    domain = emails.key_of(address).rpartition("@")[2]
    if allowed and domain not in {
        emails.key_of(f"x@{one.lstrip('@')}").rpartition("@")[2] for one in allowed
    }:
        remedy = "An owner or admin can allow more domains in the organization's settings."
        raise DomainNotAllowed(layer="organization", remedy=remedy)


def spend(actor: Actor, address: str) -> None:
    """Count an invitation before anything is written.

    :raises RateLimited: past what an organization may send in an hour, to one address, on plan dev in a day
    """
    budgets.spend(INVITATIONS, tenant=actor.tenant_id)
    budgets.spend(INVITATION_MAILS, email=f"{actor.tenant_id}:{emails.key_of(address)}")
    columns = (Subscription.plan_code, Subscription.status, Subscription.period_end)
    rows = read(sa.select(*columns).where(Subscription.tenant_id == actor.tenant_id))
    if plan_of(*(rows[0] if rows else (None, None, None))) is DEV:
        budgets.spend(FREE_INVITATIONS, tenant=actor.tenant_id)


def send(actor: Actor, wanted: Wanted, *, copy: bool = False) -> Sent:
    """Write what was checked and counted, and mail the link."""
    tenant = seats.hold(tenant_of(actor))
    try:
        person = person_or_placeholder(wanted.email, first_seen_in=actor.origin.dialect)
    except EmailTaken as error:
        wrong = {"email": ["This address cannot be invited now. Try again in a few days."]}
        raise ValidationFailed(wrong) from error
    membership = _membership_for(tenant.id, person)
    before = seats.check_free(tenant.id)
    membership = _put(membership or Membership(tenant_id=tenant.id, user_id=person.id), wanted)
    invitation, token = _open(actor, tenant, person, membership, wanted, only_mailed=not copy)
    record(
        actor,
        AuditKind.INVITATION_CREATED,
        subject=("invitation", invitation.id),
        changes={"role": str(invitation.role), "profile_id": invitation.profile_id, "link_shown": copy},
    )
    mail(actor, tenant, invitation, membership, token)
    seats.warn_if_few(tenant, before)
    return Sent(invitation, public_url(PATH, token=token))


def _membership_for(tenant_id: int, person: User) -> Membership | None:
    """Return the invited membership that a new invitation goes on with, None where a new one is made.

    :raises AlreadyMember, AlreadyPending, InactiveExists: if the person is here in some way
    """
    here = sa.select(Membership).where(Membership.tenant_id == tenant_id, Membership.user_id == person.id)
    found = db.session.scalar(here.execution_options(populate_existing=True))
    if found is None:
        return None
    if found.status is MembershipStatus.INACTIVE:
        raise InactiveExists
    if found.status is MembershipStatus.ACTIVE or found.role is Role.OWNER:
        raise AlreadyMember
    for older in pending_of(tenant_id, person.id):
        if older.is_open:
            raise AlreadyPending
        older.status = InvitationStatus.EXPIRED
    db.session.flush()  # only one pending invitation may stand at a time
    return found


def pending_of(tenant_id: int, user_id: int) -> list[Invitation]:
    """Return a person's invitation that is marked as open, be it that it ran out since."""
    query = sa.select(Invitation).where(
        Invitation.tenant_id == tenant_id,
        Invitation.user_id == user_id,
        Invitation.status == InvitationStatus.PENDING,
    )
    return list(db.session.scalars(query.execution_options(populate_existing=True)))


def _put(membership: Membership, wanted: Wanted) -> Membership:
    membership.status, membership.joined_at = MembershipStatus.INVITED, None
    membership.role, membership.profile_id = (
        wanted.role or Role.VIEWER,
        wanted.profile_id or granting.STANDARD,
    )
    membership.first_name = wanted.first_name.strip() or None
    membership.last_name = wanted.last_name.strip() or None
    membership.job_title = wanted.job_title or None
    db.session.add(membership)
    db.session.flush()  # generate membership.id
    return membership


def _open(
    actor: Actor, tenant: Tenant, person: User, membership: Membership, wanted: Wanted, *, only_mailed: bool
) -> tuple[Invitation, str]:
    token, now = ids.new_token(), clock.now()
    invitation = Invitation(
        tenant_id=tenant.id,
        user=person,
        membership=membership,
        email=wanted.email,
        email_key=emails.key_of(wanted.email),
        role=membership.role,
        profile_id=membership.profile_id,
        token_hash=token_hash(token),
        only_mailed=only_mailed,
        message=wanted.message.strip() or None,
        sent_at=now,
        expires_at=now + life_of(tenant.id),
        invited_by_id=actor.user_id,
        granted_by_id=actor.user_id,
    )
    db.session.add(invitation)
    db.session.flush()  # generate invitation.id
    return invitation, token


def life_of(tenant_id: int) -> timedelta:
    """Return how long a link sent now is good (``invites.expiry_days``)."""
    return timedelta(days=settings.integer("invites.expiry_days", tenant_id=tenant_id))


def mail(
    actor: Actor, tenant: Tenant, invitation: Invitation, membership: Membership | None, token: str
) -> None:
    """Mail the link to the address as its person writes it."""
    person = invitation.user
    given = membership.first_name if membership is not None else None
    mails.member_invitation(
        written_to(person, invitation.email_key),
        first_name=given or person.first_name or "",
        tenant_name=tenant.name,
        tenant_id=tenant.id,
        inviter_name=actor.name or actor.email,
        role=str(invitation.role),
        accept_url=public_url(PATH, token=token),
        token=token,
        expires_at=invitation.expires_at,
        message=invitation.message or "",
    )


def withdraw(actor: Actor, membership: Membership) -> bool:
    """Withdraw a membership's invitations, as its deactivation or removal does; the membership stays.

    :returns: whether there was one that had not been taken up
    """
    waiting = (InvitationStatus.PENDING, InvitationStatus.EXPIRED)
    query = sa.select(Invitation).where(
        Invitation.membership_id == membership.id, Invitation.status.in_(waiting)
    )
    found = db.session.scalars(query.execution_options(populate_existing=True)).all()
    for invitation in found:
        take_back(actor, invitation)
    return bool(found)


def take_back(actor: Actor, invitation: Invitation) -> None:
    """Mark an invitation as taken back."""
    invitation.status = InvitationStatus.REVOKED
    record(actor, AuditKind.INVITATION_REVOKED, subject=("invitation", invitation.id))


def regrant(actor: Actor, membership: Membership) -> None:
    """Let a membership's open invitation say what the membership says now, on the actor's right.

    For whoever changes role or profile of somebody invited; they have checked that the actor may give them.
    """
    for invitation in pending_of(membership.tenant_id, membership.user_id):
        invitation.role, invitation.profile_id = membership.role, membership.profile_id
        invitation.granted_by_id = actor.user_id


def tenant_of(actor: Actor) -> int:
    """Return the organization that the actor works in."""
    if actor.tenant_id is None:
        raise InvitationNotFound
    return actor.tenant_id
