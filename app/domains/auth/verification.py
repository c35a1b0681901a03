"""Proving a mailbox by link, and what a proof sets off."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.core import clock, outbox
from app.core.access import Access, Actor, operation
from app.core.buckets import MAIL_TOKEN_CHECKS, VERIFICATION_MAILS
from app.core.db import db
from app.core.errors import Conflict, Refused
from app.core.links import public_url
from app.core.outbox import Claimed
from app.domains.accounts import emails
from app.domains.accounts.models import User
from app.domains.accounts.placeholders import is_placeholder
from app.domains.accounts.profiles import mark_joined
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.auth import codes, email_change, links, login_tokens
from app.domains.auth.models import LinkPurpose, MailedLink
from app.domains.email import bounces, mails
from app.domains.sessions.operations import end_all
from app.domains.settings import budgets
from app.domains.tenants.models import Membership, MembershipStatus, Tenant
from app.domains.tenants.operations import welcome

_LINK_REQUEST = "auth.verification_link"


class VerificationTokenInvalid(Refused):
    code = "auth:verification_token_invalid"
    message = "This confirmation link is not valid any more."


class EmailAlreadyVerified(Conflict):
    code, message = "auth:email_already_verified", "This address is confirmed already."


@dataclass(frozen=True)
class Confirmed:
    """An address that its mailbox has confirmed."""

    email: str
    verified_at: datetime | None
    already: bool
    tenant_slug: str | None
    """The organization a claim was for, else the person's oldest one."""


def mark_verified(actor: Actor, user: User) -> None:
    """Note that the person's mailbox has answered; once, with its audit row."""
    bounces.forget(user.email, everywhere=True)
    if user.email_verified:
        return
    user.email_verified_at = clock.now()
    record(actor, AuditKind.USER_EMAIL_VERIFIED, subject=("user", user.id), user_id=user.id)
    mark_joined(actor, user)


def mail_link(user: User) -> timedelta:
    """Mail the person a link that proves their address; a new one ends the older."""
    issued = links.issue(LinkPurpose.VERIFY_EMAIL, user)
    mails.email_verification(
        user.email,
        first_name=user.greeting,
        verify_url=public_url("/verify-email", token=issued.token),
        token=issued.token,
        expires_in=issued.expires_in,
    )
    return issued.expires_in


@operation(Access.PUBLIC)
def request_link(actor: Actor, *, email: str) -> timedelta:
    """Mail a verification link if the address waits for one; the same answer and work if it does not.

    :raises ValidationFailed: if it is no address
    :raises RateLimited: after five in half an hour for one address, known or not
    """
    address = emails.checked(email)
    budgets.spend(VERIFICATION_MAILS, email=emails.key_of(address))
    outbox.promise(_LINK_REQUEST, {"email_key": emails.key_of(address)})
    return links.life(LinkPurpose.VERIFY_EMAIL)


@outbox.effect(_LINK_REQUEST)
def _send_requested_link(claimed: Claimed) -> None:
    user = db.session.scalar(sa.select(User).where(User.email_key == claimed.payload["email_key"]))
    waits = user is not None and not user.email_verified and not is_placeholder(user)
    if user is not None and waits and user.disabled_at is None:
        mail_link(user)


@operation(Access.SIGNED_IN)
def request_own_link(actor: Actor) -> timedelta:
    """Mail the signed-in person a link for their own address, or for the one they are changing it to.

    :raises EmailAlreadyVerified: if there is nothing to prove
    :raises RateLimited: after five in half an hour
    """
    address = email_change.awaited(actor)
    if address is not None:
        return email_change.mail_again(actor, address)
    if actor.email_verified:
        raise EmailAlreadyVerified
    budgets.spend(VERIFICATION_MAILS, email=emails.key_of(actor.email))
    user = db.session.get(User, actor.user_id)
    if user is None or user.email_verified:
        raise EmailAlreadyVerified
    return mail_link(user)


@operation(Access.PUBLIC)
def confirm(actor: Actor, *, token: str, repeatable: bool = False) -> Confirmed:
    """Prove an address, or claim an organization, with the token out of a link.

    :param repeatable: a link that was used already is told so instead of refused, as long as it would be good
        (a documented GET, which mail scanners open)
    :raises VerificationTokenInvalid: unknown, used, replaced or too old
    :raises RateLimited: after too many bad ones from one address
    """
    budgets.require_room(MAIL_TOKEN_CHECKS, ip=actor.origin.ip)
    found = links.look_up(token, LinkPurpose.VERIFY_EMAIL, *links.CLAIMS)
    if found is None or not (found.open or (repeatable and found.used)):
        budgets.spend(MAIL_TOKEN_CHECKS, ip=actor.origin.ip)
        raise VerificationTokenInvalid
    link = links.use(found) if found.open else db.session.get_one(MailedLink, found.id)
    if link is None:
        raise VerificationTokenInvalid
    user = db.session.get_one(User, link.user_id)
    if user.email_key != link.email_key or user.disabled_at is not None:
        raise VerificationTokenInvalid
    if not found.open:
        return _confirmed(link, already=True)
    already = user.email_verified and link.purpose is LinkPurpose.VERIFY_EMAIL
    if link.purpose is LinkPurpose.TENANT_CLAIM_ANEW and not user.email_verified:
        _lock_out_whoever_prepared(actor, user)
    mark_verified(actor, user)
    if link.tenant_id is not None:
        _take_up_claim(actor, user, link.tenant_id)
    return _confirmed(link, already=already)


def _lock_out_whoever_prepared(actor: Actor, user: User) -> None:
    """End what a stranger may have left in an account before its mailbox answered for the first time.

    Who claims did not know its password, so whoever does is somebody else, and would own the organization
    with them. The mailbox gets a link for a password of its own.
    """
    user.password_hash, user.password_changed_at = None, clock.now()
    end_all(actor, user_id=user.id, tokens_too=True, reason="account_claimed")
    codes.end_all_of(user.id)
    login_tokens.end_all_of(user.id)
    issued = links.issue(LinkPurpose.PASSWORD_RESET, user)
    record(actor, AuditKind.USER_PASSWORD_RESET_REQUESTED, subject=("user", user.id), user_id=user.id)
    mails.password_reset(
        user.email,
        first_name=user.greeting,
        reset_url=public_url("/reset-password", token=issued.token),
        token=issued.token,
        expires_in=issued.expires_in,
    )


def _take_up_claim(actor: Actor, user: User, tenant_id: int) -> None:
    membership = db.session.scalar(
        sa.select(Membership).where(Membership.tenant_id == tenant_id, Membership.user_id == user.id)
    )
    if membership is None or membership.status is not MembershipStatus.INVITED:
        return
    membership.status, membership.joined_at = MembershipStatus.ACTIVE, clock.now()
    record(
        actor,
        AuditKind.MEMBER_JOINED,
        subject=("membership", membership.id),
        tenant_id=tenant_id,
        user_id=user.id,
        changes={"role": str(membership.role)},
    )
    welcome(actor, db.session.get_one(Tenant, tenant_id), user)


def _confirmed(link: MailedLink, *, already: bool) -> Confirmed:
    user = db.session.get_one(User, link.user_id)
    slug = sa.select(Tenant.slug).join(Membership, Membership.tenant_id == Tenant.id)
    slug = slug.where(Membership.user_id == user.id, Membership.status == MembershipStatus.ACTIVE)
    slug = slug.order_by(Membership.id).limit(1)
    if link.tenant_id is not None:
        slug = slug.where(Tenant.id == link.tenant_id)
    return Confirmed(user.email, user.email_verified_at, already, db.session.scalar(slug))
