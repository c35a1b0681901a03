"""Changing what a member is called and may do here, and taking access away and giving it back."""

from typing import TypedDict

import sqlalchemy as sa

from app.core import touches
from app.core.access import Access, Actor, operation
from app.core.db import db, is_named
from app.core.errors import ValidationFailed
from app.core.ids import Ref
from app.core.links import public_url
from app.core.permissions import Permission
from app.core.touches import Departure, Ending
from app.domains.accounts.details import is_name
from app.domains.accounts.models import User
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.email import access_mails as mails
from app.domains.members import granting, invitations, queries, seats
from app.domains.members.queries import Member
from app.domains.members.ranks import Case, NeverJoined, OutranksYou, hold
from app.domains.permissions import queries as permissions
from app.domains.permissions.roles import HEADS, Role
from app.domains.sessions import departures as _departures  # noqa: F401 - registers what ends
from app.domains.settings import queries as settings
from app.domains.tenants.models import Membership, MembershipStatus

TITLE_LENGTH = 100
_WORDS = ("first_name", "last_name", "job_title")


class MemberChanges(TypedDict, total=False):
    """What changes; what is left out stays."""

    first_name: str
    last_name: str
    job_title: str | None
    role: Role
    profile_id: int
    status: MembershipStatus


# ---- Changing


@operation(Access.TENANT_MANAGER)
def update(actor: Actor, *, member: Ref, changes: MemberChanges, owner_is_admin: bool = False) -> Member:
    """Change a member's names, title, role, profile or status here; what is as it was leaves no trace.

    :param owner_is_admin: the caller has one word for both roles, so that an owner named admin stays
    :raises MemberNotFound: another organization's, removed, or not there
    :raises OwnerFixed, SelfForbidden, OutranksYou, RoleAboveOwn, ProfileAboveOwn: in this order
    :raises NeverJoined, SeatLimitReached: as ``activate``
    :raises ValidationFailed: at names, title, profile_id
    """
    case = hold(actor, Access.TENANT_MANAGER, is_named(Membership, member))
    return _update(case, changes, owner_is_admin=owner_is_admin)


@operation(Permission.MEMBERS_MANAGE)
def manage(actor: Actor, *, member: Ref, changes: MemberChanges) -> Member:
    """Do the same by the right to manage members, whatever role or profile it comes with.

    :raises MemberNotFound, OwnerFixed, SelfForbidden, OutranksYou, RoleAboveOwn: as ``update``
    :raises ProfileAboveOwn, NeverJoined, SeatLimitReached, ValidationFailed: as ``update``
    """
    return _update(hold(actor, Permission.MEMBERS_MANAGE, is_named(Membership, member)), changes)


@operation(Permission.MEMBERS_MANAGE)
def change_role(actor: Actor, *, user: Ref, role: Role) -> Member:
    """Give a person of the organization another role; the same one changes nothing.

    :param user: the person, not the membership
    :raises MemberNotFound, OwnerFixed, SelfForbidden, OutranksYou, RoleAboveOwn: as ``update``
    """
    return _update(hold(actor, Permission.MEMBERS_MANAGE, is_named(User, user)), {"role": role})


def give(case: Case, changes: MemberChanges) -> None:
    """Change what a held member is or may do by the same rules; whoever calls it tells them.

    :raises OwnerFixed, SelfForbidden, OutranksYou, RoleAboveOwn, ProfileAboveOwn: as ``update``
    """
    _change(case, changes)


def _update(case: Case, changes: MemberChanges, *, owner_is_admin: bool = False) -> Member:
    told = _change(case, changes, owner_is_admin=owner_is_admin)
    if {"role", "profile_id"} & told.keys():
        _tell_of_rights(case)
    db.session.flush()  # updated_at as it is shown
    return queries.of_membership(case.membership.id)


def _change(case: Case, changes: MemberChanges, *, owner_is_admin: bool = False) -> dict[str, object]:
    """Write what differs, under one row of the trail; returns it."""
    _check_words(changes)
    membership = case.membership
    role = changes.get("role", membership.role)
    if owner_is_admin and membership.role is Role.OWNER and role is Role.ADMIN:
        role = Role.OWNER
    status = changes.get("status", membership.status)
    profile_id = changes.get("profile_id", membership.profile_id)
    gives_role, gives_status = role is not membership.role, status is not membership.status
    if gives_role or gives_status:
        case.require_not_owner()
        case.require_not_self()
    _check_reach(case, gives_profile=profile_id != membership.profile_id)
    if gives_role:
        granting.check_role(case.actor, role)
    if profile_id not in (membership.profile_id, granting.STANDARD):
        permissions.check_assignable(case.actor, profile_id)
    told = _written(membership, changes, role, profile_id)
    if gives_status:
        told["status"] = {"from": str(membership.status), "to": str(status)}
        _switch(case, status)
    if told:
        record(case.actor, AuditKind.MEMBER_UPDATED, subject=("member", membership.id), changes=told)
    return told


def _check_words(changes: MemberChanges) -> None:
    faults = {}
    names = {"first_name": changes.get("first_name"), "last_name": changes.get("last_name")}
    for field, name in names.items():
        if name is not None and not is_name(name):
            faults[field] = ["Give a name of 1 to 100 characters on one line."]
    title = changes.get("job_title")
    if title is not None and (len(title) > TITLE_LENGTH or not title.isprintable()):
        faults["job_title"] = ["Use up to 100 characters on one line."]
    if faults:
        raise ValidationFailed(faults)


def _check_reach(case: Case, *, gives_profile: bool) -> None:
    """Hold what is asked against the actor's rank; of themselves everybody may change what is only words.

    :raises OutranksYou: if the person is not below them
    """
    if not case.is_self:
        case.require_below()
    elif gives_profile and case.actor.role not in HEADS:
        raise OutranksYou(layer="role", remedy="An owner or admin can do it.")


def _written(
    membership: Membership, changes: MemberChanges, role: Role, profile_id: int
) -> dict[str, object]:
    """Write what differs; returns it for the trail, of words only that they changed."""
    told: dict[str, object] = {}
    for name in _WORDS:
        value = changes.get(name)
        value = value.strip() or None if isinstance(value, str) else None
        if name in changes and getattr(membership, name) != value:
            setattr(membership, name, value)
            told[name] = "changed"
    if role is not membership.role:
        told["role"] = {"from": str(membership.role), "to": str(role)}
        membership.role = role
    if profile_id != membership.profile_id:
        told["profile_id"] = {"from": membership.profile_id, "to": profile_id}
        membership.profile_id = profile_id
    return told


def _tell_of_rights(case: Case) -> None:
    """Let an open invitation promise what the membership says now; mail those who work here."""
    if case.membership.status is MembershipStatus.INVITED:
        invitations.regrant(case.actor, case.membership)
    if case.membership.status is not MembershipStatus.ACTIVE:
        return
    names = permissions.profile_names(case.tenant.id)
    mails.role_change(
        case.user.email,
        first_name=case.user.greeting,
        tenant_name=case.tenant.name,
        tenant_id=case.tenant.id,
        actor_name=case.actor.name or case.actor.email,
        role=str(case.membership.role),
        profile_name=names.get(case.membership.profile_id, ""),
    )


# ---- Access


@operation(Access.TENANT_ADMIN)
def deactivate(actor: Actor, *, member: Ref) -> Member:
    """Take a member's access away and keep everything else; done again it changes nothing.

    :raises MemberNotFound, OwnerFixed, SelfForbidden: by who it is
    """
    case = hold(actor, Access.TENANT_ADMIN, is_named(Membership, member))
    return _deactivated(case)


@operation(Access.TENANT_ADMIN)
def activate(actor: Actor, *, member: Ref) -> Member:
    """Give a deactivated member their access back, with the role and profile they had.

    :raises MemberNotFound: another organization's, removed, or not there
    :raises NeverJoined: if they have not accepted their invitation
    :raises SeatLimitReached: if every seat of the plan is taken
    """
    return _activated(hold(actor, Access.TENANT_ADMIN, is_named(Membership, member)))


@operation(Permission.MEMBERS_MANAGE)
def switch(actor: Actor, *, member: Ref, active: bool) -> Member:
    """Take somebody's access away or give it back by the right to manage members, of those below alone.

    :raises OutranksYou: if they are not
    :raises MemberNotFound, OwnerFixed, SelfForbidden: as ``deactivate``
    :raises NeverJoined, SeatLimitReached: as ``activate``
    """
    case = hold(actor, Permission.MEMBERS_MANAGE, is_named(Membership, member))
    if active:
        case.require_below()
        return _activated(case)
    case.require_not_owner()
    case.require_not_self()
    case.require_below()
    return _deactivated(case)


def _deactivated(case: Case) -> Member:
    case.require_not_owner()
    case.require_not_self()
    if case.membership.status is not MembershipStatus.INACTIVE:
        _record_switch(case, AuditKind.MEMBER_DEACTIVATED)
        _switch(case, MembershipStatus.INACTIVE)
        db.session.flush()  # updated_at as it is shown
    return queries.of_membership(case.membership.id)


def _activated(case: Case) -> Member:
    if case.membership.status is not MembershipStatus.ACTIVE:
        _switch(case, MembershipStatus.ACTIVE)
        _record_switch(case, AuditKind.MEMBER_ACTIVATED)
        db.session.flush()  # updated_at as it is shown
    return queries.of_membership(case.membership.id)


def _record_switch(case: Case, kind: AuditKind) -> None:
    record(case.actor, kind, subject=("member", case.membership.id), tenant_id=case.tenant.id)


def _switch(case: Case, status: MembershipStatus) -> None:
    """Take access away or give it back, with everything that comes with it.

    :raises NeverJoined, SeatLimitReached: as ``activate``
    """
    membership = case.membership
    if status is MembershipStatus.ACTIVE:
        _give_back(case)
        return
    joined = membership.has_joined
    invitations.withdraw(case.actor, membership)
    touches.carry_out(case.actor, departure_of(membership, Ending.DEACTIVATION))
    membership.status = MembershipStatus.INACTIVE
    if joined:
        tell_of_end(case)


def _give_back(case: Case) -> None:
    if not case.membership.has_joined:
        raise NeverJoined(layer="organization", remedy="Send the invitation again.")
    before = seats.check_free(case.tenant.id)
    case.membership.status = MembershipStatus.ACTIVE
    seats.warn_if_few(case.tenant, before)
    mails.access_return(
        case.user.email,
        first_name=case.user.greeting,
        tenant_name=case.tenant.name,
        tenant_id=case.tenant.id,
        link=public_url("/organizations"),
    )


def departure_of(membership: Membership, ending: Ending) -> Departure:
    """Return whose membership ends and how, for those who keep something of theirs."""
    heir = sa.select(Membership.user_id).where(
        Membership.tenant_id == membership.tenant_id, Membership.role == Role.OWNER
    )
    return Departure(
        ending=ending,
        tenant_id=membership.tenant_id,
        user_id=membership.user_id,
        membership_id=membership.id,
        heir_user_id=db.session.scalar(heir.limit(1)),
    )


def tell_of_end(case: Case) -> None:
    """Mail somebody that they have no access any more, and whom they may ask."""
    contact = settings.text("general.support_email", tenant_id=case.tenant.id)
    mails.access_end(
        case.user.email,
        first_name=case.user.greeting,
        tenant_name=case.tenant.name,
        tenant_id=case.tenant.id,
        contact_email=contact or _owners_address(case.tenant.id),
    )


def _owners_address(tenant_id: int) -> str:
    query = sa.select(User.email).join(Membership, Membership.user_id == User.id)
    owner = query.where(Membership.tenant_id == tenant_id, Membership.role == Role.OWNER)
    return db.session.scalar(owner.limit(1)) or ""
