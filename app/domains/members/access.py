"""Why somebody may do what they may, and who could give them the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.core.access import Access, Actor, check, operation
from app.core.db import db
from app.core.permissions import PERMISSIONS, Permission, PermissionDefinition
from app.domains.members.queries import MemberNotFound
from app.domains.permissions.queries import Profile, profiles
from app.domains.permissions.roles import Role
from app.domains.tenants.heads import heads
from app.domains.tenants.models import Membership, MembershipStatus

_NAMED_AT_MOST = 5


@dataclass(frozen=True)
class Line:
    """One permission: whether somebody has it and what of theirs gives it, or what would."""

    permission: Permission
    about: PermissionDefinition
    by_role: bool
    by_profile: bool
    roles: Sequence[Role]
    """The roles that hold it by themselves, the lowest first."""
    profiles: Sequence[Profile]
    """The active profiles that hold it."""

    @property
    def held(self) -> bool:
        """Say whether they have it."""
        return self.by_role or self.by_profile


@dataclass(frozen=True)
class MemberAccess:
    """What a member may do, permission by permission."""

    membership: Membership
    profile: Profile | None
    lines: Sequence[Line]

    @property
    def held(self) -> int:
        """Return how many permissions they have."""
        return sum(line.held for line in self.lines)


@operation(Access.TENANT)
def access_of(actor: Actor, *, membership_id: int | None = None) -> MemberAccess:
    """Return what a member may do and where each permission comes from; one's own when nobody is named.

    :raises RoleRequired: if it is another's and the actor is neither owner nor admin
    :raises MemberNotFound: if the organization has no such member
    """
    if membership_id not in (None, actor.membership_id):
        check(actor, Access.TENANT_ADMIN)
    found = member(actor, membership_id or actor.membership_id or 0)
    known = profiles(actor)
    mine = next((profile for profile in known if profile.id == found.profile_id), None)
    return MemberAccess(
        found, mine, [_line(permission, found.role, mine, known) for permission in PERMISSIONS]
    )


def member(actor: Actor, membership_id: int, *, to_change: bool = False) -> Membership:
    """Return a membership of the actor's organization with its person.

    :raises MemberNotFound: if there is none of that id
    """
    query = (
        sa.select(Membership)
        .options(joinedload(Membership.user))
        .where(Membership.tenant_id == actor.tenant_id, Membership.id == membership_id)
    )
    found = db.session.scalar(query.with_for_update(of=Membership) if to_change else query)
    if found is None:
        raise MemberNotFound
    return found


@operation(Access.TENANT)
def who_decides(actor: Actor) -> Sequence[str]:
    """Return the names of who can change what the actor may do: the owner, then admins; five at most."""
    query = (
        heads(actor.tenant_id)
        .order_by(sa.case((Membership.role == Role.OWNER, 0), else_=1), Membership.id)
        .limit(_NAMED_AT_MOST)
    )
    return [user.name for user in db.session.scalars(query)]


@operation(Access.TENANT)
def role_counts(actor: Actor) -> Mapping[Role, int]:
    """Return how many active and invited people of the organization have each role."""
    rows = db.session.execute(
        sa.select(Membership.role, sa.func.count())
        .where(
            Membership.tenant_id == actor.tenant_id,
            Membership.status.in_((MembershipStatus.ACTIVE, MembershipStatus.INVITED)),
        )
        .group_by(Membership.role)
    )
    return {row[0]: row[1] for row in rows}


def _line(permission: Permission, role: Role, mine: Profile | None, known: Sequence[Profile]) -> Line:
    return Line(
        permission=permission,
        about=PERMISSIONS[permission],
        by_role=permission in role.base,
        by_profile=mine is not None and mine.is_active and permission in mine.permissions,
        roles=[one for one in reversed(Role) if permission in one.base],
        profiles=[one for one in known if one.is_active and permission in one.permissions],
    )
