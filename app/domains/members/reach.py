"""What somebody may do to a member, so that a page offers nothing else; the operations judge again."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.access import Access, Actor, operation
from app.core.permissions import Permission
from app.domains.members.granting import may_give
from app.domains.members.queries import Member
from app.domains.permissions.roles import HEADS, Role
from app.domains.tenants.models import MembershipStatus


@dataclass(frozen=True)
class Reach:
    """What may be offered."""

    is_self: bool = False
    rename: bool = False
    roles: Sequence[Role] = ()
    """The roles that may be given, the present one included; none where it is fixed."""
    profile: bool = False
    deactivate: bool = False
    activate: bool = False
    remove: bool = False
    erase: bool = False
    leave: bool = False

    @property
    def anything(self) -> bool:
        """Say whether there is something to choose in a list."""
        return bool(self.roles or self.deactivate or self.activate or self.remove)


@operation(Access.TENANT)
def reach(actor: Actor, *, member: Member) -> Reach:
    """Return what the actor may do to a member of their organization."""
    membership = member.membership
    own = Role(actor.role)
    head = own in HEADS
    is_self = membership.id == actor.membership_id
    if is_self:
        rename = head or own is Role.MANAGER
        return Reach(is_self=True, rename=rename, profile=head, leave=own is not Role.OWNER)
    below = head or membership.role.rank < own.rank
    if not (actor.may(Permission.MEMBERS_MANAGE) and below):
        return Reach()
    if member.is_owner:
        return Reach(rename=True, profile=True)
    roles = [role for role in Role if may_give(actor, role) or role is membership.role]
    status = membership.status
    return Reach(
        rename=True,
        roles=roles,
        profile=head or own is Role.MANAGER,
        deactivate=status is not MembershipStatus.INACTIVE,
        activate=status is MembershipStatus.INACTIVE and membership.has_joined,
        remove=True,
        erase=head,
    )
