"""Taking an invitation up: who may, and what it makes of them.

Whoever accepts holds the organization's row, so that of many at once one joins. Nobody is signed in by it,
and nothing of an account that is there already changes but that its mailbox has answered.
"""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager, joinedload

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.db import db, read
from app.core.errors import Forbidden, Unauthenticated, ValidationFailed
from app.core.languages import Sentence
from app.domains.accounts.models import User
from app.domains.accounts.passwords import hash_password
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.auth import credentials, login_tokens
from app.domains.auth.login_tokens import IssuedLoginToken
from app.domains.auth.newcomers import Newcomer, check_names, check_password, check_place, come_for
from app.domains.auth.verification import mail_link, mark_verified
from app.domains.members import granting, seats
from app.domains.members.invitations import InvitationUsed
from app.domains.members.models import Invitation, InvitationStatus
from app.domains.members.offers import Offer, check_status, offer, unknown
from app.domains.members.queries import Member, of_membership
from app.domains.sessions.identify import TenantArchived, TenantSuspended
from app.domains.sessions.operations import Opened, Plan, open_session
from app.domains.tenants.models import Membership, MembershipStatus, Tenant, TenantStatus


class LoginRequired(Unauthenticated):
    code, message = "invitation:login_required", "Sign in with the invited account first."


class WrongAccount(Forbidden):
    code, message = "invitation:wrong_account", "This invitation is for another address."


@dataclass(frozen=True)
class Joined:
    """A new member."""

    membership: Membership
    tenant: Tenant
    user: User
    invitation: Invitation
    account_created: bool = False
    login_token: IssuedLoginToken | None = None

    @property
    def member(self) -> Member:
        """Return the membership as its organization sees it."""
        return of_membership(self.membership.id)


@operation(Access.INTERACTIVE)
def accept(actor: Actor, *, token: str) -> Joined:
    """Make the signed-in person a member.

    :raises WrongAccount: if it was sent to another address
    :raises InvitationNotFound, InvitationUsed, InvitationExpired: as it stands; not found too when whoever
        gave its role may not give it any more
    :raises TenantSuspended, TenantArchived, SeatLimitReached: as the organization stands
    :raises RateLimited: see ``offer``
    """
    found = offer(actor, token=token)
    if not found.is_for(actor):
        raise _wrong_account(found)
    user = db.session.get_one(User, actor.user_id)
    return _join(actor, found, user)


def _sign_in_as(found: Offer) -> Sentence:
    return Sentence("Sign in as %(email)s.", email=found.masked_email)


def _wrong_account(found: Offer) -> WrongAccount:
    return WrongAccount(layer="session", remedy=_sign_in_as(found))


@operation(Access.PUBLIC)
def accept_with_password(
    actor: Actor, *, token: str, password: str, first_name: str = "", last_name: str = ""
) -> Joined:
    """Make the invited person a member: a known one by their password, a new one with this for a password.

    :raises InvalidCredentials: for another password than the account's; it counts as a failed sign-in
    :raises LoginRequired: for an account that has no password
    :raises ValidationFailed: at password, first_name, last_name
    :raises InvitationNotFound, InvitationUsed, InvitationExpired, TenantSuspended, TenantArchived,
        SeatLimitReached, RateLimited: as ``accept``
    """
    found = offer(actor, token=token)
    if not found.account_exists:
        names = (first_name.strip() or found.first_name, last_name.strip() or found.last_name)
        newcomer = Newcomer(email=found.email, password=password, first_name=names[0], last_name=names[1])
        return _begin(actor, found, newcomer, policies=False)
    if found.password_hash is None:
        raise LoginRequired(layer="session", remedy="Sign in as you are used to, then open the link again.")
    proven = credentials.prove(actor, email=_address_of(found), password=password)
    with proven.without_failure():
        joined = _join(actor, found, proven.user)
    proven.withdraw()
    return joined


def _address_of(found: Offer) -> str:
    """Return the address of the invited person's account by now."""
    return str(read(sa.select(User.email).where(User.id == found.user_id))[0].email)


@operation(Access.PUBLIC)
def join(actor: Actor, *, token: str, newcomer: Newcomer | None, accept_policies: bool = False) -> Joined:
    """Make the signed-in person a member, or open the account of somebody new and make that one.

    :param newcomer: what somebody new says of themselves, its address left empty; None: nothing was said
    :raises LoginRequired: if the address has an account and nobody is signed in
    :raises WrongAccount: if somebody else is
    :raises ValidationFailed: for a known person's new names or password, or a new one's lacking ones
    :raises InvitationNotFound, InvitationUsed, InvitationExpired, TenantSuspended, TenantArchived,
        SeatLimitReached, RateLimited: as ``accept``
    """
    found = offer(actor, token=token)
    if actor.is_signed_in and actor.kind != "session":
        raise LoginRequired(layer="token", remedy=_sign_in_as(found))
    if actor.is_signed_in and not found.is_for(actor):
        raise _wrong_account(found)
    if actor.is_signed_in:
        _say_nothing(newcomer)
        return _join(actor, found, db.session.get_one(User, actor.user_id))
    if found.account_exists:
        raise LoginRequired(layer="session", remedy=_sign_in_as(found))
    if newcomer is None:
        raise ValidationFailed({"password": ["Choose a password."]})
    if not accept_policies:
        raise ValidationFailed({"accept_policies": ["Accept the terms and the privacy notice to go on."]})
    check_names(newcomer)
    return _begin(actor, found, newcomer, policies=True)


def _say_nothing(newcomer: Newcomer | None) -> None:
    if newcomer is not None:
        raise ValidationFailed({"password": ["You have an account. Leave name and password out."]})


def _begin(actor: Actor, found: Offer, said: Newcomer, *, policies: bool) -> Joined:
    """Open the account that nobody has come for yet, and join; a token only the mailbox saw proves it."""
    newcomer = Newcomer(
        email=found.email,
        password=said.password,
        first_name=said.first_name,
        last_name=said.last_name,
        locale=said.locale,
        timezone=said.timezone,
    )
    if newcomer.first_name or newcomer.last_name:
        check_names(newcomer)
    check_place(newcomer)
    check_password(newcomer)
    password_hash = hash_password(newcomer.password)
    seats.hold(found.tenant_id)
    user = come_for(actor, newcomer, found.email, password_hash, policies=policies)
    if user is None:
        raise LoginRequired(layer="session", remedy="This address has an account by now: sign in.")
    joined = _join(actor, found, user)
    if user.email_verified:
        token = login_tokens.issue(user, method="invitation")
    else:
        token = None
        mail_link(user)
    return Joined(joined.membership, joined.tenant, user, joined.invitation, True, token)


def _join(actor: Actor, found: Offer, user: User) -> Joined:
    """Turn an open invitation into a membership; of many at once one gets here with it still open."""
    tenant = seats.hold(found.tenant_id)
    _check_tenant(tenant)
    invitation = db.session.scalars(
        sa.select(Invitation)
        .outerjoin(Invitation.membership)
        .options(contains_eager(Invitation.membership), joinedload(Invitation.user))
        .where(Invitation.id == found.id)
        .execution_options(populate_existing=True)
    ).one()
    if invitation.token_hash != found.token_hash:
        raise unknown()
    check_status(invitation.status, invitation.expires_at)
    if not granting.still_stands(invitation):
        raise unknown()
    _check_seat(tenant.id)
    membership = _membership_of(invitation, user)
    membership.user_id, membership.status, membership.joined_at = (
        user.id,
        MembershipStatus.ACTIVE,
        clock.now(),
    )
    membership.role, membership.profile_id = invitation.role, invitation.profile_id
    if user.first_name or user.last_name:
        membership.first_name = membership.last_name = None  # their own, from now on
    invitation.status, invitation.accepted_at = InvitationStatus.ACCEPTED, clock.now()
    invitation.user, invitation.membership = user, membership
    _note(actor, invitation, membership, user)
    db.session.flush()  # generate membership.id where it is new
    return Joined(membership, tenant, user, invitation)


def _check_tenant(tenant: Tenant) -> None:
    if tenant.status is TenantStatus.SUSPENDED:
        raise TenantSuspended(layer="status", remedy="Its owner can write to the platform's admins.")
    if tenant.status is TenantStatus.ARCHIVED:
        raise TenantArchived(layer="status", remedy="Ask whoever invited you.")


def _membership_of(invitation: Invitation, user: User) -> Membership:
    """Return the membership that becomes active: the invited one, or the person's own if the address moved.

    :raises InvitationUsed: if they are a member by now
    :raises InvitationNotFound: if their access was taken away
    """
    own = db.session.scalar(
        sa.select(Membership).where(
            Membership.tenant_id == invitation.tenant_id, Membership.user_id == user.id
        )
    )
    found = own or invitation.membership
    if found is None:
        found = Membership(tenant_id=invitation.tenant_id, user_id=user.id)
        db.session.add(found)
        return found
    if found.status is MembershipStatus.ACTIVE:
        raise InvitationUsed(remedy="You are a member already.")
    if found.status is MembershipStatus.INACTIVE:
        raise unknown()
    return found


def _check_seat(tenant_id: int) -> None:
    """Refuse where the plan has shrunk below those who are there; the invitation holds its own seat."""
    counted = seats.counted(tenant_id)
    if counted.included is not None and counted.active >= counted.included:
        raise seats.SeatLimitReached(layer="plan", remedy="Ask the organization's owner for a larger plan.")


def _note(actor: Actor, invitation: Invitation, membership: Membership, user: User) -> None:
    tenant_id = invitation.tenant_id
    if invitation.only_mailed and user.email_key == invitation.email_key:
        mark_verified(actor, user)
    record(
        actor,
        AuditKind.INVITATION_ACCEPTED,
        subject=("invitation", invitation.id),
        tenant_id=tenant_id,
        user_id=user.id,
    )
    record(
        actor,
        AuditKind.MEMBER_JOINED,
        subject=("membership", membership.id),
        tenant_id=tenant_id,
        user_id=user.id,
        changes={"role": str(membership.role)},
    )


@operation(Access.PUBLIC)
def enter(
    actor: Actor, *, token: str, newcomer: Newcomer | None, accept_policies: bool, plan: Plan
) -> tuple[Joined, Opened | None]:
    """Join, and sign in whoever is new and whose mailbox the token has just proven; see ``join``."""
    joined = join(actor, token=token, newcomer=newcomer, accept_policies=accept_policies)
    issued = joined.login_token
    if issued is None or issued.needs_factor:
        return joined, None
    login_tokens.spend(login_tokens.id_of(issued.token))
    return joined, open_session(actor, user=joined.user, method="sign_up", factors=1, plan=plan)
