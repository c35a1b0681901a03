"""What the platform's admins see of a person and decide about their account."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.db import db, is_named, read
from app.core.errors import Conflict, Refused
from app.core.ids import Ref
from app.core.languages import Sentence
from app.core.lines import one_line
from app.core.paging import CursorPage, CursorWindow, keyset
from app.domains.accounts.models import User
from app.domains.accounts.profiles import UserNotFound
from app.domains.accounts.queries import held
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.auth import codes, login_tokens
from app.domains.auth.people import Person, PersonStatus, facts_of, of_status
from app.domains.email import mails
from app.domains.platform.models import SupportAccess
from app.domains.sessions.models import SUPPORT, UserSession
from app.domains.sessions.operations import Ended, end_all
from app.domains.sessions.proofs import require_strong
from app.domains.tenants.models import Membership, Tenant

REASON_LENGTH = 300
_MEMBERSHIPS = 100


class AboutOneself(Refused):
    code, message = "user:oneself", "Another admin has to do this to you."


class LastPlatformAdmin(Conflict):
    code, message = "user:last_platform_admin", "The platform needs an admin who can sign in."


@dataclass(frozen=True)
class PersonSheet:
    """A person with all that their page in the console tells."""

    person: Person
    memberships: Sequence[Membership]
    """At most a hundred, with their organizations."""
    sign_ins: int
    api_tokens: int
    last_used_at: datetime | None


@operation(Access.PLATFORM_ADMIN)
def find(
    actor: Actor, *, window: CursorWindow, email: str = "", status: PersonStatus | None = None
) -> CursorPage[Person]:
    """Return people newest first, placeholders only when asked for: two queries, however many there are.

    :param email: any part of the address, regardless of case
    """
    query = sa.select(User).where(of_status(status))
    if email:
        query = query.where(User.email.icontains(email, autoescape=True))
    found = keyset(query, window, name="platform.people", newest_first=[User.id])
    return CursorPage(facts_of(found.items), found.next_cursor)


@operation(Access.PLATFORM_ADMIN)
def sheet(actor: Actor, *, person: Ref) -> PersonSheet:
    """Return what there is of a person: four queries.

    :raises UserNotFound: if there is none
    """
    user = _named(person)
    now, kind = clock.now(), UserSession.kind
    machines = sa.func.coalesce(sa.func.sum(sa.case((kind == "api_token", 1), else_=0)), 0)
    live = (UserSession.revoked_at.is_(None), UserSession.expires_at > now, kind != SUPPORT)
    sessions, tokens, last_used_at = db.session.execute(
        sa.select(sa.func.count(), machines, sa.func.max(UserSession.last_used_at)).where(
            UserSession.user_id == user.id, *live
        )
    ).one()
    memberships = db.session.scalars(
        sa.select(Membership)
        .join(Membership.tenant)
        .options(contains_eager(Membership.tenant))
        .where(Membership.user_id == user.id)
        .order_by(sa.func.lower(Tenant.name), Membership.id)
        .limit(_MEMBERSHIPS)
    ).all()
    (facts,) = facts_of([user])
    return PersonSheet(facts, memberships, sessions - int(tokens), int(tokens), last_used_at)


@operation(Access.PLATFORM_ADMIN)
def address_of(actor: Actor, *, person: Ref) -> str:
    """Return a person's address: what has to be typed before something is done about their account.

    :raises UserNotFound: if there is none
    """
    rows = read(sa.select(User.email).where(is_named(User, person)))
    if not rows:
        raise UserNotFound
    return str(rows[0].email)


@operation(Access.PLATFORM_ADMIN)
def disable(actor: Actor, *, person: Ref, reason: str) -> User:
    """Close somebody's account: all their sign-ins and tokens end at once, and none begins.

    :raises UserNotFound, AboutOneself: as it says
    :raises LastPlatformAdmin: if nobody else could run the platform
    :raises ValidationFailed: at reason
    :raises StepUpRequired: if the admin's last proof of identity is too old
    """
    reason = _checked(reason)
    require_strong(actor)
    user = _another(actor, person)
    if user.disabled_at is not None:
        return user
    if user.is_platform_admin:
        _keep_an_admin(without=user.id)
    user.disabled_at = clock.now()
    _put_out(actor, user, reason="disabled")
    record(actor, AuditKind.USER_DISABLED, subject=("user", user.id), changes={"reason": reason})
    mails.account_standing(
        user.email, first_name=user.greeting, status="disabled", reason=reason, at=user.disabled_at
    )
    return user


@operation(Access.PLATFORM_ADMIN)
def enable(actor: Actor, *, person: Ref, reason: str) -> User:
    """Open a closed account again; whoever it is signs in anew.

    :raises UserNotFound, AboutOneself, ValidationFailed, StepUpRequired: as in ``disable``
    """
    reason = _checked(reason)
    require_strong(actor)
    user = _another(actor, person)
    if user.disabled_at is None:
        return user
    user.disabled_at = None
    record(actor, AuditKind.USER_ENABLED, subject=("user", user.id), changes={"reason": reason})
    mails.account_standing(
        user.email, first_name=user.greeting, status="active", reason=reason, at=clock.now()
    )
    return user


@operation(Access.PLATFORM_ADMIN)
def end_sign_ins(actor: Actor, *, person: Ref) -> Ended:
    """End every sign-in and every API token of a person, who is told by mail.

    :raises UserNotFound, AboutOneself, StepUpRequired: as in ``disable``
    """
    require_strong(actor)
    user = _another(actor, person)
    ended = _put_out(actor, user, reason="ended_by_platform")
    record(
        actor,
        AuditKind.USER_SIGNED_OUT_EVERYWHERE,
        subject=("user", user.id),
        changes={"sessions": ended.sign_ins, "tokens": ended.api_token},
    )
    mails.global_sign_out(
        user.email,
        first_name=user.greeting,
        sessions=ended.sign_ins,
        tokens=ended.api_token,
        at=clock.now(),
    )
    return ended


@operation(Access.PLATFORM_ADMIN)
def appoint(actor: Actor, *, person: Ref) -> User:
    """Make somebody an admin of the platform, whose account is open and whose mailbox is proven.

    :raises UserNotFound: also for an account that is neither
    :raises StepUpRequired: if the admin's last proof of identity is too old
    """
    require_strong(actor)
    user = _another(actor, person)
    if user.disabled_at is not None or not user.email_verified:
        raise UserNotFound
    if not user.is_platform_admin:
        user.is_platform_admin = True
        record(actor, AuditKind.USER_ADMIN_APPOINTED, subject=("user", user.id))
    return user


@operation(Access.PLATFORM_ADMIN)
def dismiss(actor: Actor, *, person: Ref) -> User:
    """Take the rights of a platform's admin from somebody, oneself included, but never from the last one.

    What they do in other people's names ends with it.

    :raises UserNotFound, LastPlatformAdmin: as it says
    :raises StepUpRequired: if the admin's last proof of identity is too old
    """
    require_strong(actor)
    user = held(_named(person).id)
    if not user.is_platform_admin:
        return user
    _keep_an_admin(without=user.id)
    user.is_platform_admin = False
    _end_support_by(user.id)
    record(actor, AuditKind.USER_ADMIN_DISMISSED, subject=("user", user.id))
    return user


def _named(person: Ref) -> User:
    found = db.session.scalar(sa.select(User).where(is_named(User, person)))
    if found is None:
        raise UserNotFound
    return found


def _another(actor: Actor, person: Ref) -> User:
    user = held(_named(person).id)
    if user.id == actor.user_id:
        raise AboutOneself
    return user


def _checked(reason: str) -> str:
    says = Sentence("Say why, in 3 to 300 characters: the person reads it.")
    return one_line(reason, field="reason", least=3, most=REASON_LENGTH, says=says)


def _keep_an_admin(*, without: int) -> None:
    """Hold all admins while one goes: of two that dismiss each other at once, one stays."""
    admins = db.session.scalars(
        sa.select(User.id)
        .where(User.is_platform_admin.is_(True), User.disabled_at.is_(None))
        .order_by(User.id)
        .with_for_update(key_share=True)
    ).all()
    if set(admins) <= {without}:
        raise LastPlatformAdmin


def _put_out(actor: Actor, user: User, *, reason: str) -> Ended:
    login_tokens.end_all_of(user.id)
    codes.end_all_of(user.id)
    _end_support_by(user.id)
    return end_all(actor, user_id=user.id, tokens_too=True, reason=reason)


def _end_support_by(admin_id: int) -> None:
    """End what an admin does in other people's names, and what they have asked for."""
    now = clock.now()
    open_ones = sa.and_(SupportAccess.admin_id == admin_id, SupportAccess.ended_at.is_(None))
    sessions = sa.select(SupportAccess.session_id).where(open_ones, SupportAccess.session_id.is_not(None))
    db.session.execute(
        sa.update(UserSession)
        .where(UserSession.id.in_(sessions), UserSession.revoked_at.is_(None))
        .values(revoked_at=now, revoked_reason="support_ended")
        .execution_options(synchronize_session=False)
    )
    db.session.execute(
        sa.update(SupportAccess)
        .where(open_ones)
        .values(ended_at=now, outcome="finished")
        .execution_options(synchronize_session=False)
    )
