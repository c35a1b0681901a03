"""Leaving: asked for, thought over for as long as the platform says, taken back or done."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.core import clock, outbox, waiting
from app.core.access import Access, Actor, operation, system
from app.core.buckets import MAIL_TOKEN_CHECKS
from app.core.db import db, rows_changed
from app.core.errors import Conflict, ValidationFailed
from app.core.languages import Sentence
from app.core.links import public_url
from app.core.outbox import Claimed
from app.core.signs import ME, sign
from app.domains.accounts import emails
from app.domains.accounts.models import User
from app.domains.accounts.queries import held
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.auth import links
from app.domains.auth.email_undo import on_undo
from app.domains.auth.erasure import erase
from app.domains.auth.models import LinkPurpose
from app.domains.auth.verification import VerificationTokenInvalid
from app.domains.email import privacy_mails as mails
from app.domains.permissions.roles import Role
from app.domains.privacy.models import DeletionRequest
from app.domains.sessions.proofs import require_strong
from app.domains.settings import budgets
from app.domains.settings import queries as settings
from app.domains.tenants.models import Membership, MembershipStatus, Tenant, TenantStatus

_ERASE = "accounts.erase"


class OwnsOrganizations(Conflict):
    code, message = "user:owns_organizations", "Hand your organizations over or close them first."


class DeletionPending(Conflict):
    code, message = "user:deletion_pending", "Your account is waiting to be deleted already."


class DeletionNotPending(Conflict):
    code, message = "user:deletion_not_pending", "Your account is not waiting to be deleted."


@dataclass(frozen=True)
class Leaving:
    """How the actor stands with leaving."""

    due_at: datetime | None
    """When they are erased, if they asked for it."""
    days: int
    """How long they can think it over."""
    in_the_way: Sequence[Tenant]
    """Organizations that they own and others work in."""
    closing: Sequence[Tenant]
    """Organizations that nobody is left in without them."""


@operation(Access.INTERACTIVE)
def standing(actor: Actor) -> Leaving:
    """Return what the actor should know before they decide."""
    owned = _owned(actor.user_id or 0)
    return Leaving(
        due_at=due_at(actor),
        days=settings.integer("account.deletion_days"),
        in_the_way=[tenant for tenant, others in owned if others],
        closing=[tenant for tenant, others in owned if not others],
    )


sign("leaving", sa.exists().where(DeletionRequest.user_id == ME))


@operation(Access.SIGNED_IN)
def due_at(actor: Actor) -> datetime | None:
    """Return when the actor is erased, None if they did not ask for it."""
    return db.session.scalar(
        sa.select(DeletionRequest.due_at).where(DeletionRequest.user_id == actor.user_id)
    )


@operation(Access.INTERACTIVE)
def request_deletion(actor: Actor, *, email: str) -> datetime:
    """Have the actor's account erased after the waiting period; returns when.

    :param email: the actor's own address, typed: a second thought before it begins
    :raises ValidationFailed: at ``email``, if it is not theirs
    :raises StepUpRequired: if the last proof of identity is too old or too weak
    :raises OwnsOrganizations: while others work in an organization of theirs
    :raises DeletionPending: if they asked already
    """
    if emails.key_of(email.strip()) != emails.key_of(actor.email):
        raise ValidationFailed({"email": ["This is not the address of your account."]})
    require_strong(actor)
    user = held(actor.user_id or 0)
    if in_the_way := [tenant for tenant, others in _owned(user.id) if others]:
        names = ", ".join(tenant.name for tenant in in_the_way)
        raise OwnsOrganizations(layer="organization", remedy=Sentence("It is about %(names)s.", names=names))
    request = DeletionRequest(user_id=user.id)
    due = waiting.begin(request, days=settings.integer("account.deletion_days"), or_else=DeletionPending)
    record(
        actor,
        AuditKind.USER_DELETION_REQUESTED,
        subject=("user", user.id),
        changes={"due_at": due.isoformat()},
    )
    _mail_the_way_back(mails.deletion_request, user, due)
    return due


@operation(Access.INTERACTIVE)
def cancel_deletion(actor: Actor) -> None:
    """Keep the actor's account after all.

    :raises DeletionNotPending: if they had not asked, or it is done
    """
    _cancel(actor, actor.user_id or 0)


@operation(Access.PUBLIC)
def cancel_by_link(actor: Actor, *, token: str) -> None:
    """Keep an account with the token out of a mail, signed in or not.

    :raises VerificationTokenInvalid: unknown, used, or too old
    :raises DeletionNotPending: if somebody else has kept it by now
    :raises RateLimited: after too many bad ones from one address
    """
    budgets.require_room(MAIL_TOKEN_CHECKS, ip=actor.origin.ip)
    found = links.look_up(token, LinkPurpose.KEEP_ACCOUNT)
    if found is None or not found.open:
        budgets.spend(MAIL_TOKEN_CHECKS, ip=actor.origin.ip)
        raise VerificationTokenInvalid
    if links.use(found) is None:
        raise VerificationTokenInvalid
    _cancel(actor, found.user_id)


def _cancel(actor: Actor, user_id: int) -> None:
    taken = sa.delete(DeletionRequest).where(DeletionRequest.user_id == user_id)
    if not rows_changed(taken):  # whoever takes the row away decides: erasing takes it too
        raise DeletionNotPending
    links.end_open(LinkPurpose.KEEP_ACCOUNT, user_id)
    record(actor, AuditKind.USER_DELETION_CANCELLED, subject=("user", user_id), user_id=user_id)


@on_undo
def keep_after_undo(actor: Actor, user: User, since: datetime) -> None:
    """Keep an account whose deletion was asked for by whoever had moved it to another address."""
    asked = sa.select(DeletionRequest.id).where(
        DeletionRequest.user_id == user.id, DeletionRequest.requested_at >= since
    )
    if db.session.scalar(asked) is not None:
        _cancel(actor, user.id)


def _mail_the_way_back(mail: Callable[..., None], user: User, due: datetime) -> None:
    token = links.issue(LinkPurpose.KEEP_ACCOUNT, user, expires_at=due).token
    url = public_url("/keep-account", token=token)
    mail(user.email, first_name=user.greeting, due_at=due, cancel_url=url, token=token)


def _owned(user_id: int) -> Sequence[tuple[Tenant, bool]]:
    """Return the open organizations that a person owns, each with whether others work in it."""
    other = sa.alias(Membership.__table__)
    others = sa.exists().where(
        other.c.tenant_id == Tenant.id,
        other.c.user_id != user_id,
        other.c.status == MembershipStatus.ACTIVE,
    )
    query = (
        sa.select(Tenant, others)
        .join(Membership, Membership.tenant_id == Tenant.id)
        .where(
            Membership.user_id == user_id,
            Membership.role == Role.OWNER,
            Membership.status == MembershipStatus.ACTIVE,
            Tenant.status != TenantStatus.ARCHIVED,
        )
        .order_by(Tenant.name, Tenant.id)
    )
    return [(tenant, bool(is_shared)) for tenant, is_shared in db.session.execute(query).all()]


# ---- when the time has come -----------------------------------------------------------------------------


def remind() -> int:
    """Mail the people who are erased within a day, once; returns how many."""
    found = waiting.to_remind(DeletionRequest)
    for request in found:
        user = db.session.get_one(User, request.user_id)
        _mail_the_way_back(mails.deletion_reminder, user, request.due_at)
    return len(found)


def promise_erasures() -> int:
    """Hand the accounts whose waiting period is over to the workers, each on its own; returns how many."""
    return waiting.promise_due(DeletionRequest.user_id, _ERASE)


def _look_again(user_id: int) -> None:
    """Let the next run of the job see whether others still depend on the person."""
    waiting = sa.update(DeletionRequest).where(DeletionRequest.user_id == user_id)
    rows_changed(waiting.values(promised_at=None))


@outbox.effect(_ERASE)
def _erase(claimed: Claimed) -> None:
    """Erase one account, unless its person has thought better of it or others would lose their owner."""
    user_id = int(claimed.payload["user_id"])
    user = db.session.get(User, user_id, with_for_update=True)
    if user is None:
        return
    if any(others for _, others in _owned(user_id)):
        _look_again(user_id)
        return
    taken = sa.delete(DeletionRequest).where(
        DeletionRequest.user_id == user_id, DeletionRequest.due_at <= clock.now()
    )
    if not rows_changed(taken):
        return
    mails.deletion_done(user.email, first_name=user.greeting, at=clock.now())  # in their language: before
    erase(system(_ERASE), user, reason="asked for by the person")
