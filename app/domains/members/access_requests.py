"""What members ask their owner and admins for, and the answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.core import clock
from app.core.access import Access, Actor, check, operation
from app.core.buckets import ACCESS_REQUESTS
from app.core.db import db, one_wins
from app.core.errors import Conflict, NotFound, ValidationFailed
from app.core.languages import Sentence
from app.core.lines import one_line
from app.core.links import public_url
from app.core.paging import Page, Window, paginate
from app.core.permissions import PERMISSIONS, Permission
from app.domains.accounts.models import User
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.email import mails
from app.domains.members import changing
from app.domains.members.ranks import Case, hold
from app.domains.permissions.models import AccessRequest, AccessRequestState
from app.domains.permissions.queries import check_assignable, profiles, rights_in
from app.domains.permissions.roles import HEADS, Role
from app.domains.settings import budgets
from app.domains.tenants import heads
from app.domains.tenants.models import Membership, MembershipStatus

LIFE = timedelta(days=14)
TEXT_LENGTH = 500
_ROLE = "role:"
_ROLES = (Role.ADMIN, Role.MANAGER)
PAGE = "/organization/permissions/requests"


class AccessRequestNotFound(NotFound):
    code, message = "access_request:not_found", "There is no such request."


class AlreadyAsked(Conflict):
    code, message = "access_request:open", "You have asked for this already. Your admins were told."


class AlreadyAnswered(Conflict):
    code, message = "access_request:answered", "This request was answered already or has run out."


class NothingToAskFor(Conflict):
    code, message = "access_request:not_needed", "You have this already. Load the page again."


@dataclass(frozen=True)
class Asked:
    """A request with who asks."""

    request: AccessRequest
    user: User
    membership: Membership

    @property
    def label(self) -> str:
        """Return what is asked for, in words."""
        return label_of(self.request.wanted)


@dataclass(frozen=True)
class Ways:
    """How a request can be granted."""

    roles: Sequence[Role]
    profiles: Mapping[int, str]


def visible(actor: Actor) -> sa.Select[tuple[AccessRequest]]:
    """Select what is asked in the actor's organization: all for its owner and admins, else one's own."""
    query = sa.select(AccessRequest).where(AccessRequest.tenant_id == actor.tenant_id)
    if actor.role in HEADS:
        return query
    return query.where(AccessRequest.user_id == actor.user_id)


def label_of(wanted: str) -> str:
    """Return what is asked for in words: a permission's label, or a role."""
    if wanted.startswith(_ROLE):
        return Sentence("The role %(role)s", role=Sentence(wanted.removeprefix(_ROLE).capitalize()))
    return PERMISSIONS[Permission(wanted)].label


def can_be_asked_for(wanted: str) -> bool:
    """Say whether this is the code of a permission, or a role that can be given."""
    return wanted in set(Permission) or wanted in {f"{_ROLE}{role}" for role in _ROLES}


@operation(Access.BROWSING)
def ask(actor: Actor, *, wanted: str, reason: str = "") -> AccessRequest:
    """Ask the owner and admins for a permission or a role; each of them gets a mail.

    :param wanted: a permission's code, or ``role:admin`` or ``role:manager``
    :raises ValidationFailed: at wanted or reason
    :raises NothingToAskFor: if the actor has it
    :raises AlreadyAsked: if they wait for an answer already
    :raises RateLimited: after ten in a day
    """
    check(actor, Access.TENANT)
    if not can_be_asked_for(wanted):
        raise ValidationFailed({"wanted": ["There is no such permission."]})
    if _has(Role(actor.role), actor.permissions, wanted):
        raise NothingToAskFor
    checked = one_line(reason, field="reason", most=TEXT_LENGTH) or None
    budgets.spend(ACCESS_REQUESTS, user=actor.user_id)
    made = _opened(actor, wanted, checked)
    record(
        actor,
        AuditKind.ACCESS_REQUEST_CREATED,
        subject=("access_request", made.id),
        changes={"wanted": wanted},
    )
    _tell_heads(actor, made)
    return made


@operation(Access.TENANT)
def waiting_for(actor: Actor) -> Sequence[str]:
    """Return what the actor has asked for and nobody has answered."""
    mine = visible(actor).where(AccessRequest.user_id == actor.user_id, _is_open())
    return [request.wanted for request in db.session.scalars(mine)]


@operation(Access.TENANT_ADMIN)
def requests(actor: Actor, *, window: Window, answered: bool = False) -> Page[Asked]:
    """Return what waits for an answer, or what was answered or ran out; the newest first."""
    wanted = sa.not_(_is_open()) if answered else _is_open()
    return paginate_asked(_asked(actor).where(wanted).order_by(AccessRequest.id.desc()), window)


@operation(Access.TENANT_ADMIN)
def request(actor: Actor, *, uid: UUID) -> Asked:
    """Return one request with who asks.

    :raises AccessRequestNotFound: if the organization has none of that id
    """
    row = db.session.execute(_asked(actor).where(AccessRequest.uid == uid)).one_or_none()
    if row is None:
        raise AccessRequestNotFound
    return Asked(*row)


@operation(Access.TENANT_ADMIN)
def ways(actor: Actor, *, uid: UUID) -> Ways:
    """Return the roles and profiles that would give what is asked for.

    :raises AccessRequestNotFound: if the organization has none of that id
    """
    asked = request(actor, uid=uid)
    role, wanted = asked.membership.role, asked.request.wanted
    higher = [one for one in reversed(Role) if one.rank > role.rank and one is not Role.OWNER]
    roles = [one for one in higher if _has(one, one.base, wanted)]
    found = profiles(actor, active=True) if wanted in set(Permission) else ()
    return Ways(roles, {one.id: one.name for one in found if Permission(wanted) in one.permissions})


@operation(Access.TENANT_ADMIN)
def grant(
    actor: Actor, *, uid: UUID, role: Role | None = None, profile_id: int | None = None, answer: str = ""
) -> AccessRequest:
    """Give the member a role or a profile that holds what they asked for, and tell them.

    :raises AccessRequestNotFound, AlreadyAnswered: as things stand
    :raises ValidationFailed: at role or profile_id, where it would not give it
    :raises MemberNotFound: if they have left
    :raises RoleRequired: if the actor is no owner or admin by now
    :raises SelfForbidden: if it is their own
    """
    text = one_line(answer, field="answer", most=TEXT_LENGTH) or None
    if (role is None) is (profile_id is None):
        raise ValidationFailed({"role": ["Choose a role or a profile."]})
    # The request last: whoever takes the person away has them first, too.
    case = hold(actor, Access.TENANT_ADMIN, User.id == request(actor, uid=uid).user.id)
    actor, target = case.actor, case.membership
    found = _to_answer(actor, uid)
    if target.role is Role.OWNER or target.status is not MembershipStatus.ACTIVE:
        raise AlreadyAnswered
    case.require_not_self()
    given = _give(case, found.wanted, role, profile_id)
    _decide(actor, found, AccessRequestState.GRANTED, text)
    record(
        actor,
        AuditKind.ACCESS_REQUEST_GRANTED,
        subject=("access_request", found.id),
        changes={"wanted": found.wanted, "membership_id": target.id, "given": given},
    )
    told = _told_of(actor, target, case.user)
    mails.access_grant(
        case.user.email, **told, wanted=label_of(found.wanted), given=given, answer=text or "none"
    )
    return found


@operation(Access.TENANT_ADMIN)
def decline(actor: Actor, *, uid: UUID, answer: str = "") -> AccessRequest:
    """Decline a request with a word or without, and tell the member.

    :raises AccessRequestNotFound, AlreadyAnswered: as things stand
    """
    found = _to_answer(actor, uid)
    text = one_line(answer, field="answer", most=TEXT_LENGTH) or None
    _decide(actor, found, AccessRequestState.DECLINED, text)
    record(
        actor,
        AuditKind.ACCESS_REQUEST_DECLINED,
        subject=("access_request", found.id),
        changes={"wanted": found.wanted},
    )
    asked = request(actor, uid=uid)
    told = _told_of(actor, asked.membership, asked.user)
    mails.access_refusal(asked.user.email, **told, wanted=label_of(found.wanted), answer=text or "none")
    return found


def paginate_asked(query: sa.Select[tuple[AccessRequest, User, Membership]], window: Window) -> Page[Asked]:
    """Return one page of requests with who asks."""
    found = paginate(query, window)
    return Page([Asked(*row) for row in found.items], found.total, window)


def _asked(actor: Actor) -> sa.Select[tuple[AccessRequest, User, Membership]]:
    mine = sa.and_(
        Membership.tenant_id == AccessRequest.tenant_id, Membership.user_id == AccessRequest.user_id
    )
    return (
        sa.select(AccessRequest, User, Membership)
        .join(User, User.id == AccessRequest.user_id)
        .join(Membership, mine)
        .where(AccessRequest.tenant_id == actor.tenant_id)
    )


def _is_open() -> sa.ColumnElement[bool]:
    return sa.and_(AccessRequest.state == AccessRequestState.OPEN, AccessRequest.expires_at > clock.now())


def _opened(actor: Actor, wanted: str, reason: str | None) -> AccessRequest:
    """Make the request; of two at once one is made, and one that ran out makes room."""
    now = clock.now()
    same = (
        AccessRequest.tenant_id == actor.tenant_id,
        AccessRequest.user_id == actor.user_id,
        AccessRequest.wanted == wanted,
        AccessRequest.state == AccessRequestState.OPEN,
    )
    db.session.execute(
        sa.update(AccessRequest)
        .where(*same, AccessRequest.expires_at <= now)
        .values(state=AccessRequestState.EXPIRED)
    )
    made = AccessRequest(
        tenant_id=actor.tenant_id,
        user_id=actor.user_id,
        wanted=wanted,
        reason=reason,
        asked_at=now,
        expires_at=now + LIFE,
    )
    with one_wins(or_else=AlreadyAsked):
        db.session.add(made)
    return made


def _to_answer(actor: Actor, uid: UUID) -> AccessRequest:
    query = visible(actor).where(AccessRequest.uid == uid).with_for_update()
    found = db.session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        raise AccessRequestNotFound
    if found.state is not AccessRequestState.OPEN or found.expires_at <= clock.now():
        raise AlreadyAnswered
    return found


def _give(case: Case, wanted: str, role: Role | None, profile_id: int | None) -> str:
    """Change the member's role or profile and return what it is called."""
    target = case.membership
    if role is not None:
        if role is Role.OWNER or role.rank <= target.role.rank or not _has(role, role.base, wanted):
            raise ValidationFailed({"role": ["This role would not give it."]})
        changing.give(case, {"role": role})
        return str(Sentence("The role %(role)s", role=Sentence(role.capitalize())))
    profile = check_assignable(case.actor, profile_id or 0)
    allowed = rights_in(target.tenant_id, target.role, profile.id)
    if profile.id == target.profile_id or not _has(target.role, allowed, wanted):
        raise ValidationFailed({"profile_id": ["This profile would not give it."]})
    changing.give(case, {"profile_id": profile.id})
    return str(Sentence("The profile %(profile)s", profile=profile.name))


def _has(role: Role, permissions: frozenset[Permission], wanted: str) -> bool:
    if wanted.startswith(_ROLE):
        return role.rank >= Role(wanted.removeprefix(_ROLE)).rank
    return Permission(wanted) in permissions


def _decide(actor: Actor, found: AccessRequest, state: AccessRequestState, text: str | None) -> None:
    found.state, found.answer = state, text
    found.decided_at, found.decided_by_user_id = clock.now(), actor.user_id


def _tell_heads(actor: Actor, made: AccessRequest) -> None:
    for head in heads.to_tell(actor.tenant_id):
        mails.access_request(
            head.email,
            first_name=head.greeting,
            tenant_name=actor.tenant_name,
            tenant_id=made.tenant_id,
            member_name=actor.name or actor.email,
            wanted=label_of(made.wanted),
            reason=made.reason or "none",
            expires_at=made.expires_at,
            link=public_url(f"{PAGE}/{made.uid}"),
        )


def _told_of(actor: Actor, target: Membership, user: User) -> dict[str, Any]:
    return {
        "first_name": user.greeting,
        "tenant_name": actor.tenant_name,
        "tenant_id": target.tenant_id,
        "decided_by": actor.name or actor.email,
        "link": public_url("/organization/permissions/mine"),
    }
