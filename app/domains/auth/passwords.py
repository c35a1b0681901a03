"""Forgotten, reset and changed passwords, and what dies with the old one."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.core import clock, limits, outbox
from app.core.access import Access, Actor, NotSignedIn, operation
from app.core.buckets import (
    MAIL_TOKEN_CHECKS,
    PASSWORD_RESET_CALLS,
    PASSWORD_RESET_MAILS,
    SIGN_IN_FAILURES,
)
from app.core.db import db, read
from app.core.errors import Refused, ValidationFailed
from app.core.links import public_url
from app.core.outbox import Claimed
from app.domains.accounts import emails, passwords
from app.domains.accounts.models import User
from app.domains.accounts.passwords import CurrentPasswordWrong, PasswordNotSet
from app.domains.accounts.placeholders import is_placeholder
from app.domains.accounts.queries import held
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.auth import codes, email_moves, links, login_tokens
from app.domains.auth.models import LinkPurpose
from app.domains.auth.requesters import origin_of, requester
from app.domains.auth.verification import mark_verified
from app.domains.email import mails
from app.domains.sessions.operations import Ended, end_all, require_fresh
from app.domains.sessions.proofs import check_password
from app.domains.settings import budgets
from app.domains.settings import queries as settings
from app.domains.tenants.former_slugs import goes_by
from app.domains.tenants.models import Membership, MembershipStatus, Tenant
from app.domains.twofactor import recoveries

RESET_REQUEST = "auth.password_reset"


class ResetTokenInvalid(Refused):
    """Unknown, used, replaced or expired: all alike."""

    code, message = "auth:reset_token_invalid", "This reset link is not valid any more."


@dataclass(frozen=True)
class PasswordSet:
    """A password that is new, and what ended with the old one."""

    email: str
    changed_at: datetime
    ended: Ended
    tenant_slug: str | None = None


@operation(Access.PUBLIC)
def forgot(actor: Actor, *, email: str, tenant_slug: str | None = None) -> timedelta:
    """Mail a reset link to a known address; the same answer, work and time for an unknown one.

    :param tenant_slug: send it only to an active member of that organization
    :returns: how long the link is good
    :raises ValidationFailed: if it is no address
    :raises RateLimited: after five in an hour for one address, known or not
    """
    address = emails.checked(email)
    key = emails.key_of(address)
    budgets.spend(PASSWORD_RESET_CALLS, ip=actor.origin.ip)
    budgets.spend(PASSWORD_RESET_MAILS, email=key)
    outbox.promise(RESET_REQUEST, {"email_key": key, "tenant_slug": tenant_slug, **origin_of(actor)})
    return links.life(LinkPurpose.PASSWORD_RESET)


@outbox.effect(RESET_REQUEST)
def _send_reset_link(claimed: Claimed) -> None:
    slug = claimed.payload.get("tenant_slug")
    user = db.session.scalar(sa.select(User).where(User.email_key == claimed.payload["email_key"]))
    if user is None or user.disabled_at is not None or is_placeholder(user):
        return
    tenant = _active_tenant(user, slug) if slug else None
    if slug and tenant is None:
        return
    issued = links.issue(LinkPurpose.PASSWORD_RESET, user)
    record(requester(claimed), AuditKind.USER_PASSWORD_RESET_REQUESTED, subject=("user", user.id))
    mails.password_reset(
        user.email,
        first_name=user.greeting,
        tenant_name=tenant.name if tenant else None,
        reset_url=public_url("/reset-password", token=issued.token),
        token=issued.token,
        expires_in=issued.expires_in,
    )


def _active_tenant(user: User, slug: str) -> Tenant | None:
    return db.session.scalar(
        sa.select(Tenant)
        .join(Membership, Membership.tenant_id == Tenant.id)
        .where(
            Membership.user_id == user.id,
            Membership.status == MembershipStatus.ACTIVE,
            goes_by(slug.lower()),
        )
    )


@operation(Access.PUBLIC)
def reset(actor: Actor, *, token: str, password: str) -> PasswordSet:
    """Set a new password with the mailed token and end the person's sign-ins; API tokens stay.

    Signs nobody in, leaves the second factor on, proves the mailbox, lifts a lock on the address. A password
    that is refused does not use the token up.

    :raises ResetTokenInvalid: unknown, used, replaced or expired
    :raises ValidationFailed: at password
    :raises RateLimited: after too many bad tokens from one address
    """
    budgets.require_room(MAIL_TOKEN_CHECKS, ip=actor.origin.ip)
    found = links.look_up(token, LinkPurpose.PASSWORD_RESET)
    if found is None or not found.open:
        budgets.spend(MAIL_TOKEN_CHECKS, ip=actor.origin.ip)
        raise ResetTokenInvalid
    password_hash = _checked_hash(found.user_id, password)
    link = links.use(found)
    user = held(found.user_id)
    if link is None or link.email_key != user.email_key or user.disabled_at is not None:
        raise ResetTokenInvalid
    mark_verified(actor, user)
    ended = end_all(actor, user_id=user.id, tokens_too=False, reason="password_reset")
    limits.clear(SIGN_IN_FAILURES, email=user.email_key)
    _put(actor, user, password_hash, AuditKind.USER_PASSWORD_RESET)
    slug = (
        sa.select(Tenant.slug)
        .join(Membership, Membership.tenant_id == Tenant.id)
        .where(Membership.user_id == user.id, Membership.status == MembershipStatus.ACTIVE)
        .order_by(Membership.id)
        .limit(1)
    )
    return PasswordSet(user.email, clock.now(), ended, db.session.scalar(slug))


@operation(Access.INTERACTIVE)
def change(
    actor: Actor, *, current_password: str | None, new_password: str, demand_set: bool = False
) -> PasswordSet:
    """Change the actor's password and end their other sign-ins; a right current password is the step-up.

    :param demand_set: refuse a person without a password, whom other documents let set a first one
    :raises CurrentPasswordWrong: also when it is missing; counted
    :raises PasswordNotSet: without one, where ``demand_set``
    :raises StepUpRequired: without one, when the sign-in is no longer fresh
    :raises ValidationFailed: at new_password
    """
    if actor.user_id is None:
        raise NotSignedIn
    old_hash = read(sa.select(User.password_hash).where(User.id == actor.user_id))[0].password_hash
    if old_hash is not None:
        check_password(actor.user_id, old_hash, current_password or "")
    elif demand_set:
        raise PasswordNotSet
    else:
        require_fresh(actor)
    if old_hash is not None and passwords.as_compared(new_password) == passwords.as_compared(
        current_password or ""
    ):
        raise ValidationFailed({"new_password": ["Choose a password that differs from the present one."]})
    password_hash = _checked_hash(actor.user_id, new_password, field="new_password")
    user = held(actor.user_id)
    if user.password_hash != old_hash:
        raise CurrentPasswordWrong  # a reset came in between, and it wins
    ended = end_all(
        actor, user_id=user.id, tokens_too=False, keep=actor.session_id, reason="password_changed"
    )
    _put(actor, user, password_hash, AuditKind.USER_PASSWORD_CHANGED)
    return PasswordSet(user.email, clock.now(), ended)


def _put(actor: Actor, user: User, password_hash: str, kind: AuditKind) -> None:
    user.password_hash, user.password_changed_at = password_hash, clock.now()
    links.end_open(LinkPurpose.PASSWORD_RESET, user.id)
    email_moves.drop_pending(user)
    codes.end_all_of(user.id)
    login_tokens.end_all_of(user.id)
    recoveries.begin_wait_anew(actor, user)
    record(actor, kind, subject=("user", user.id), user_id=user.id)
    mails.password_change(
        user.email,
        first_name=user.greeting,
        changed_at=user.password_changed_at,
        ip_address=actor.origin.ip or "an unknown address",
        link=public_url("/forgot-password"),
    )


def _checked_hash(user_id: int, password: str, *, field: str = "password") -> str:
    """Check a new password against the strictest of the person's organizations, and hash it."""
    row = read(
        sa.select(User.email, User.first_name, User.last_name, User.handle, User.display_name).where(
            User.id == user_id
        )
    )[0]
    member = sa.select(Membership.tenant_id, Tenant.name).join(Tenant, Tenant.id == Membership.tenant_id)
    member = member.where(Membership.user_id == user_id, Membership.status == MembershipStatus.ACTIVE)
    organizations = read(member)
    key = "auth.password_min_length"
    least = settings.by_tenant(key, [o.tenant_id for o in organizations])
    shortest = max([settings.integer(key), *(value for value in least.values() if isinstance(value, int))])
    about = [*(text or "" for text in row), *(o.name for o in organizations)]
    passwords.check_new(password, field=field, about=about, least=shortest)
    return passwords.hash_password(password)
