"""Support in somebody's name: asked for with a reason, allowed by the person for a while, ended by either.

Why it is made like this: docs/adr/0008.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.core import clock, ids, limits
from app.core.access import Access, Actor, Impersonator, operation
from app.core.buckets import SUPPORT_REQUESTS
from app.core.db import db, is_named, read
from app.core.errors import Conflict, NotFound, Refused, ValidationFailed
from app.core.ids import Ref
from app.core.languages import Sentence
from app.core.lines import one_line
from app.core.links import public_url
from app.core.permissions import Permission
from app.core.secrets import token_hash
from app.core.signs import ME, NOW, sign
from app.domains.accounts.models import User
from app.domains.accounts.profiles import UserNotFound
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.email import mails
from app.domains.platform.models import REQUEST_LIFE, SupportAccess
from app.domains.sessions.identify import identify_represented
from app.domains.sessions.models import SUPPORT, UserSession
from app.domains.sessions.operations import end as end_sessions
from app.domains.sessions.proofs import require_strong

MINUTES = (15, 60)
"""For how long a person can let support in."""
PAGE = "/account/support-access"
_REASON_LENGTH = 300
_SHOWN = 20

WITHHELD = frozenset(
    {
        Permission.API_TOKENS_OWN,
        Permission.API_TOKENS_MANAGE,
        Permission.SERVICE_USERS_MANAGE,
        Permission.CLIENTS_MANAGE,
        Permission.MEMBERS_ERASE,
        Permission.SESSIONS_MANAGE,
        Permission.EMAIL_SETTINGS_MANAGE,
        Permission.STORAGE_MANAGE,
        Permission.BILLING_MANAGE,
    }
)
"""Rights of the person that support never has in their name: credentials, money, what cannot be undone."""


class AccessNotFound(NotFound):
    code, message = "support:not_found", "There is no such request of support."


class AccessPending(Conflict):
    code, message = "support:pending", "You have asked this person already."


class AccessNotOpen(Conflict):
    code, message = "support:not_open", "This is not open any more."


class AccessOver(Conflict):
    code, message = "support:over", "Your access in this person's name is over. Nothing was changed."


class Oneself(Refused):
    code, message = "support:oneself", "You are this person."


@dataclass(frozen=True)
class Started:
    """A session in somebody's name; its token is shown here and never again."""

    access: SupportAccess
    token: str


# ---- What the admin does


@operation(Access.PLATFORM_ADMIN)
def ask(actor: Actor, *, person: Ref, reason: str) -> SupportAccess:
    """Ask somebody to let the actor act in their name; a mail and a notice in the portal tell them.

    :raises UserNotFound: if there is nobody, or only a placeholder or a disabled account
    :raises Oneself, AccessPending, ValidationFailed: as it says
    :raises RateLimited: after thirty in an hour
    """
    says = Sentence("Say why, in 5 to 300 characters: the person reads it.")
    reason = one_line(reason, field="reason", least=5, most=_REASON_LENGTH, says=says)
    limits.spend(SUPPORT_REQUESTS, user=actor.user_id)
    user = db.session.scalar(sa.select(User).where(is_named(User, person), User.disabled_at.is_(None)))
    if user is None or not (user.has_password or user.email_verified):
        raise UserNotFound
    if user.id == actor.user_id:
        raise Oneself
    _lapse(user.id)
    if db.session.scalar(_open().where(SupportAccess.user_id == user.id, _is_admins(actor))) is not None:
        raise AccessPending
    now = clock.now()
    asked = SupportAccess(
        user_id=user.id,
        admin_id=actor.user_id or 0,
        reason=reason,
        requested_at=now,
        expires_at=now + REQUEST_LIFE,
    )
    db.session.add(asked)
    record(
        actor,
        AuditKind.SUPPORT_ACCESS_REQUESTED,
        subject=("user", user.id),
        changes={"reason": reason},
    )
    mails.support_request(
        user.email,
        first_name=user.greeting,
        admin_name=actor.name or actor.email,
        reason=reason,
        expires_at=asked.expires_at,
        link=public_url(PAGE),
    )
    return asked


@operation(Access.PLATFORM_ADMIN)
def start(actor: Actor, *, access: UUID) -> Started:
    """Begin to act as somebody who allowed it; an earlier session under the same consent ends.

    :raises AccessNotFound: if it is another admin's or not there
    :raises AccessNotOpen: not allowed, over, ended, or the account is disabled
    :raises StepUpRequired: if the admin's last proof of identity is too old, or lacks their second factor
    """
    require_strong(actor)
    found = db.session.scalar(
        sa.select(SupportAccess).where(SupportAccess.uid == access, _is_admins(actor)).with_for_update()
    )
    if found is None:
        raise AccessNotFound
    user = db.session.get_one(User, found.user_id)
    if not found.in_force or user.disabled_at is not None or _was_ended(found):
        raise AccessNotOpen
    _end_session(actor, found)
    session, token = _open_session(actor, found, user)
    found.session_id, found.admin_session_id = session.id, actor.session_id
    found.started_at = clock.now()
    until = {"until": found.expires_at.isoformat(timespec="seconds")}
    record(actor, AuditKind.SUPPORT_ACCESS_STARTED, subject=("user", user.id), changes=until)
    mails.support_start(
        user.email,
        first_name=user.greeting,
        admin_name=actor.name or actor.email,
        at=found.started_at,
        until=found.expires_at,
        link=public_url(PAGE),
    )
    return Started(found, token)


def _open_session(actor: Actor, access: SupportAccess, user: User) -> tuple[UserSession, str]:
    now, token = clock.now(), ids.new_token("sup")
    session = UserSession(
        user_id=user.id,
        kind=SUPPORT,
        dialect="portal",
        token_hash=token_hash(token),
        method=SUPPORT,
        factors=actor.factors,
        proven_at=now - timedelta(days=3650),  # nobody has proven to be the person
        created_at=now,
        name=f"Support: {actor.name or actor.email}"[:100],
        user_agent="",
        last_used_at=now,
        expires_at=access.expires_at,
    )
    db.session.add(session)
    db.session.flush()  # generate session.id for the consent that it rests on
    return session, token


@operation(Access.BROWSING)
def leave(actor: Actor) -> None:
    """End what the actor does in somebody's name; the consent is used up by it."""
    if actor.impersonator is None:
        return
    found = db.session.scalar(
        _open().where(SupportAccess.uid == actor.impersonator.access_uid).with_for_update()
    )
    if found is not None:
        _end(actor, found, AuditKind.SUPPORT_ACCESS_ENDED, "finished")


@operation(Access.PLATFORM_ADMIN)
def of_person(actor: Actor, *, user_id: int) -> Sequence[SupportAccess]:
    """Return the newest requests to one person, whoever asked."""
    return _newest(SupportAccess.user_id == user_id)


# ---- What the person does


@operation(Access.INTERACTIVE)
def mine(actor: Actor) -> Sequence[SupportAccess]:
    """Return the newest requests to the actor, those to be answered included."""
    return _newest(SupportAccess.user_id == actor.user_id)


sign(
    "support",
    sa.exists().where(
        SupportAccess.ended_at.is_(None), SupportAccess.user_id == ME, SupportAccess.expires_at > NOW
    ),
)


@operation(Access.SIGNED_IN)
def open_to_me(actor: Actor) -> SupportAccess | None:
    """Return what asks for an answer of the actor, or is in force; one query."""
    query = _open().where(SupportAccess.user_id == actor.user_id, SupportAccess.expires_at > clock.now())
    query = query.options(joinedload(SupportAccess.admin))
    return db.session.scalar(query.order_by(SupportAccess.granted_at.is_(None), SupportAccess.id).limit(1))


@operation(Access.INTERACTIVE)
def grant(actor: Actor, *, access: UUID, minutes: int) -> SupportAccess:
    """Let support act in the actor's name for a while, from now on.

    :raises ValidationFailed: for another time than one of ``MINUTES``
    :raises AccessNotFound, AccessNotOpen: another's, answered, too old
    :raises StepUpRequired: if the actor's last proof of identity is too old, or lacks their second factor
    """
    if minutes not in MINUTES:
        raise ValidationFailed({"minutes": ["Choose one of these."]})
    require_strong(actor)
    found = _of_mine(actor, access)
    if found.granted_at is not None:
        raise AccessNotOpen
    found.granted_at = clock.now()
    found.expires_at = found.granted_at + timedelta(minutes=minutes)
    admin = db.session.get_one(User, found.admin_id)
    told = {"minutes": minutes, "admin": admin.name}
    record(actor, AuditKind.SUPPORT_ACCESS_GRANTED, subject=("user", actor.user_id), changes=told)
    mails.support_grant(
        admin.email,
        first_name=admin.greeting,
        person_name=actor.name or actor.email,
        until=found.expires_at,
        link=public_url(f"/platform/people/{actor.user_uid}"),
    )
    return found


@operation(Access.INTERACTIVE)
def stop(actor: Actor, *, access: UUID) -> SupportAccess:
    """Decline what support asks for, or take back what was allowed: its session ends at once.

    :raises AccessNotFound, AccessNotOpen: another's, over
    """
    found = _of_mine(actor, access)
    if found.granted_at is None:
        _end(actor, found, AuditKind.SUPPORT_ACCESS_DECLINED, "declined")
    else:
        _end(actor, found, AuditKind.SUPPORT_ACCESS_WITHDRAWN, "withdrawn")
    return found


# ---- At the door


@operation(Access.PUBLIC)
def represented(actor: Actor, *, token: str) -> Actor:
    """Return in whose name an admin acts who shows the token of a support session and their own sign-in.

    :raises AccessOver: if it ended, ran out or was taken back, or the admin's right or sign-in is gone
    """
    person = identify_represented(token, actor.origin)
    if person is None or not actor.is_platform_admin or actor.kind != "session":
        raise AccessOver
    row = read(
        sa.select(SupportAccess.uid, SupportAccess.expires_at).where(
            SupportAccess.session_id == person.session_id,
            SupportAccess.admin_id == actor.user_id,
            SupportAccess.admin_session_id == actor.session_id,
            SupportAccess.granted_at.is_not(None),
            SupportAccess.ended_at.is_(None),
            SupportAccess.expires_at > clock.now(),
        )
    )
    if not row:
        raise AccessOver
    name = actor.name or actor.email
    return replace(
        person,
        is_platform_admin=False,
        proven_at=None,
        permissions=person.permissions - WITHHELD,
        impersonator=Impersonator(
            user_id=actor.user_id or 0, name=name, access_uid=row[0].uid, until=row[0].expires_at
        ),
    )


def _open() -> sa.Select[tuple[SupportAccess]]:
    return sa.select(SupportAccess).where(SupportAccess.ended_at.is_(None))


def _is_admins(actor: Actor) -> sa.ColumnElement[bool]:
    return SupportAccess.admin_id == actor.user_id


def _newest(which: sa.ColumnElement[bool]) -> Sequence[SupportAccess]:
    query = sa.select(SupportAccess).where(which).options(joinedload(SupportAccess.admin))
    return db.session.scalars(query.order_by(SupportAccess.id.desc()).limit(_SHOWN)).all()


def _of_mine(actor: Actor, access: UUID) -> SupportAccess:
    found = db.session.scalar(
        sa.select(SupportAccess)
        .where(SupportAccess.uid == access, SupportAccess.user_id == actor.user_id)
        .with_for_update()
    )
    if found is None:
        raise AccessNotFound
    if not found.is_open:
        raise AccessNotOpen
    return found


def _end(actor: Actor, access: SupportAccess, kind: AuditKind, outcome: str) -> None:
    access.ended_at, access.outcome = clock.now(), outcome
    _end_session(actor, access)
    record(actor, kind, subject=("user", access.user_id))


def _was_ended(access: SupportAccess) -> bool:
    """Say whether the person has ended the session among their own: that takes the consent back too."""
    session = db.session.get(UserSession, access.session_id) if access.session_id is not None else None
    return session is not None and session.revoked_at is not None


def _end_session(actor: Actor, access: SupportAccess) -> None:
    if access.session_id is not None:
        end_sessions(actor, [access.session_id], reason="support_ended", user_id=access.user_id)


def _lapse(user_id: int) -> None:
    """Close what nobody answered or used in time, so that it can be asked for anew."""
    late = sa.and_(SupportAccess.user_id == user_id, SupportAccess.expires_at <= clock.now())
    db.session.execute(
        sa.update(SupportAccess)
        .where(late, SupportAccess.ended_at.is_(None))
        .values(ended_at=SupportAccess.expires_at, outcome="lapsed")
        .execution_options(synchronize_session=False)
    )
