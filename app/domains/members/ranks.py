"""Who may do something to whom: judged on what is so once the organization is held."""

from dataclasses import dataclass, replace

import sqlalchemy as sa

from app.core.access import Access, Actor, NotSignedIn, check
from app.core.db import db
from app.core.errors import Conflict, Forbidden
from app.core.permissions import Permission
from app.domains.accounts.models import User
from app.domains.members import seats
from app.domains.members.queries import MemberNotFound
from app.domains.permissions.queries import rights_in
from app.domains.permissions.roles import HEADS, Role
from app.domains.tenants.models import Membership, MembershipStatus, Tenant


class OwnerFixed(Forbidden):
    code, message = "member:owner_fixed", "The owner stays until they hand it over."


class OutranksYou(Forbidden):
    code, message = "member:outranks_you", "This person's role is not below yours."


class SelfForbidden(Conflict):
    code, message = "member:self_forbidden", "You cannot do this to yourself."


class NeverJoined(Conflict):
    code, message = "member:never_joined", "This person has not accepted yet. Send the invitation again."


@dataclass(frozen=True)
class Case:
    """A member, held, with who acts and where, all as they are now."""

    actor: Actor
    tenant: Tenant
    membership: Membership
    user: User

    @property
    def is_self(self) -> bool:
        """Say whether somebody acts on themselves."""
        return self.membership.id == self.actor.membership_id

    def require_not_owner(self) -> None:
        """Let nobody touch the owner.

        :raises OwnerFixed: if it is they
        """
        if self.membership.role is Role.OWNER:
            remedy = "The owner can hand the organization over to an admin."
            raise OwnerFixed(layer="role", remedy=remedy)

    def require_not_self(self) -> None:
        """Let nobody do to themselves what an admin does to others.

        :raises SelfForbidden: if it is they
        """
        if self.is_self:
            raise SelfForbidden(layer="role", remedy="Another owner or admin can do it.")

    def require_below(self) -> None:
        """Let all but owners and admins act on those below them alone.

        :raises OutranksYou: if the person is not
        """
        if self.actor.kind == "system":
            return
        own = Role(self.actor.role)
        if own not in HEADS and self.membership.role.rank >= own.rank:
            raise OutranksYou(layer="role", remedy="An owner or admin can do it.")


def hold(
    actor: Actor, access: Access | Permission, named: sa.ColumnElement[bool], *, for_good: bool = False
) -> Case:
    """Hold a member of the actor's organization, and judge the actor again as they are by now.

    Person, organization, membership, in this order everywhere; of many at once each sees what the one before
    it has done.

    :param named: what names the member, on memberships or people
    :param for_good: the person may go as well, so that nothing may come to point at them meanwhile
    :raises MemberNotFound: another organization's, removed, or not there
    :raises NotSignedIn, RoleRequired, PermissionDenied: if the actor has lost what the operation asks for
    """
    query = (
        sa.select(Membership.id, Membership.user_id)
        .join(User, User.id == Membership.user_id)
        .where(Membership.tenant_id == actor.tenant_id, named)
    )
    row = db.session.execute(query).one_or_none()
    if row is None:
        raise MemberNotFound
    # As ``accounts.queries.held``, but somebody erased a moment ago is no member.
    lock = {"key_share": not for_good}
    user = db.session.get(User, row.user_id, with_for_update=lock, populate_existing=True)
    tenant = seats.hold(actor.tenant_id or 0)
    membership = db.session.scalar(
        sa.select(Membership)
        .where(Membership.id == row.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if membership is None or user is None:
        raise MemberNotFound
    current = as_of_now(actor)
    check(current, access)
    return Case(current, tenant, membership, user)


def as_of_now(actor: Actor) -> Actor:
    """Return the actor with the role and rights that they have at this moment.

    :raises NotSignedIn: if they are no active member any more
    """
    if actor.kind == "system":
        return actor
    row = db.session.execute(
        sa.select(Membership.role, Membership.profile_id).where(
            Membership.id == actor.membership_id, Membership.status == MembershipStatus.ACTIVE
        )
    ).one_or_none()
    if row is None:
        raise NotSignedIn(layer="organization")
    allowed = rights_in(actor.tenant_id or 0, row.role, row.profile_id)
    if actor.impersonator is not None:
        allowed &= actor.permissions  # support has less than the person
    return replace(actor, role=str(row.role), profile_id=row.profile_id, permissions=allowed)
