"""Taking people out of an organization, and leaving it: what that touches is shown first and done at once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from app.core import touches
from app.core.access import Access, Actor, check, operation
from app.core.db import db, is_named
from app.core.errors import ValidationFailed
from app.core.ids import Ref
from app.core.permissions import Permission
from app.core.touches import Ending, Touched
from app.domains.accounts.models import User
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.members import invitations, queries
from app.domains.members.changing import departure_of, tell_of_end
from app.domains.members.queries import Member
from app.domains.members.ranks import Case, hold
from app.domains.tenants.listing import folded
from app.domains.tenants.models import Membership
from app.domains.tenants.queries import membership_in


@dataclass(frozen=True)
class Preview:
    """Who would go, and what that would touch."""

    member: Member
    touched: Sequence[Touched]


@operation(Access.TENANT)
def preview(actor: Actor, *, member: Ref, ending: Ending = Ending.REMOVAL) -> Preview:
    """Return what the end of a membership would touch; of others only who may manage members sees it.

    :raises MemberNotFound: another organization's, removed, or not there
    :raises PermissionDenied: for somebody else, without ``members.manage``
    """
    found = queries.get(actor, member=member)
    if found.membership.id != actor.membership_id:
        check(actor, Permission.MEMBERS_MANAGE)
    return Preview(found, touches.preview(departure_of(found.membership, ending)))


@operation(Access.TENANT)
def remove(actor: Actor, *, user: Ref) -> None:
    """Take a person out of the actor's organization, or leave it: all that ends, ends here.

    :param user: the person, not the membership
    :raises MemberNotFound: no member, or another organization's
    :raises PermissionDenied: for somebody else, without ``members.manage``
    :raises OwnerFixed, OutranksYou: by who it is
    """
    _remove(_held(actor, is_named(User, user)))


@operation(Permission.MEMBERS_MANAGE)
def remove_member(actor: Actor, *, member: Ref) -> None:
    """Take a member out of the actor's organization.

    :raises MemberNotFound, OwnerFixed, OutranksYou: as ``remove``
    """
    _remove(_held(actor, is_named(Membership, member)))


@dataclass(frozen=True)
class Leaving:
    """An organization that somebody thinks of leaving, and what that would touch."""

    membership: Membership
    touched: Sequence[Touched]


@operation(Access.INTERACTIVE)
def leaving(actor: Actor, *, tenant: Ref) -> Leaving:
    """Return what leaving one of the actor's organizations would touch.

    :raises TenantNotFound: if the actor is no active member of it
    """
    found = membership_in(actor, tenant)
    return Leaving(found, touches.preview(departure_of(found, Ending.REMOVAL)))


@operation(Access.INTERACTIVE)
def leave(actor: Actor, *, tenant: Ref, name: str) -> str:
    """Leave one of the actor's organizations, whichever they work in now; returns its name.

    :param name: the organization's, typed: a second thought
    :raises TenantNotFound: if the actor is no active member of it
    :raises OwnerFixed: for its owner, who hands it over or closes it
    :raises ValidationFailed: at ``name``, if it is another
    """
    found = membership_in(actor, tenant)
    called = found.tenant.name
    if folded(name) != folded(called):
        raise ValidationFailed({"name": ["This is not the organization's name."]})
    there = replace(
        actor,
        tenant_id=found.tenant_id,
        tenant_uid=found.tenant.uid,
        tenant_name=called,
        membership_id=found.id,
        role=str(found.role),
    )
    _remove(_held(there, Membership.id == found.id))
    return called


def _held(actor: Actor, named: sa.ColumnElement[bool]) -> Case:
    """Hold the member; who acts on somebody else needs the right to, on themselves nothing."""
    case = hold(actor, Access.TENANT, named)
    if not case.is_self:
        check(case.actor, Permission.MEMBERS_MANAGE)
    return case


def _remove(case: Case) -> None:
    case.require_not_owner()
    if not case.is_self:
        case.require_below()
    membership = case.membership
    joined = membership.has_joined
    invitations.withdraw(case.actor, membership)
    touched = touches.carry_out(case.actor, departure_of(membership, Ending.REMOVAL))
    record(
        case.actor,
        AuditKind.MEMBER_REMOVED,
        subject=("member", membership.id),
        tenant_id=case.tenant.id,
        changes={
            "user_id": membership.user_id,
            "role": str(membership.role),
            "left": case.is_self,
            **{one.name: one.number for one in touched},
        },
    )
    if joined:
        tell_of_end(case)
    db.session.flush()  # invitations that outlive the membership
    db.session.delete(membership)
