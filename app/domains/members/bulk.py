"""The same done to several members at once, each on its own: what cannot be done to one stops no other."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa

from app.core.access import Actor, operation
from app.core.db import db
from app.core.errors import AppError, ValidationFailed
from app.core.ids import Ref
from app.core.permissions import Permission
from app.domains.accounts.models import User
from app.domains.members import changing, offboarding
from app.domains.members.queries import Member, in_order, visible
from app.domains.permissions.roles import Role
from app.domains.tenants.models import Membership

MOST = 100


class Act(StrEnum):
    ACTIVATE = "activate"
    DEACTIVATE = "deactivate"
    CHANGE_ROLE = "role"
    REMOVE = "remove"


@dataclass(frozen=True)
class Outcome:
    """What became of one member; ``refusal`` None: it was done."""

    uid: UUID
    name: str
    email: str
    refusal: AppError | None = None


@operation(Permission.MEMBERS_MANAGE)
def chosen(actor: Actor, *, members: Sequence[Ref]) -> Sequence[Member]:
    """Return the members of the actor's organization that somebody chose; others are not there.

    :raises ValidationFailed: for none, or for more than fit on a page
    """
    if not 1 <= len(members) <= MOST:
        raise ValidationFailed({"members": ["Choose 1 to 100 people."]})
    uids = [member.uid for member in members if member.uid is not None]
    query = visible(actor).where(Membership.uid.in_(uids)).order_by(Membership.listing, Membership.id)
    return in_order(actor, db.session.scalars(query.with_only_columns(Membership.id)).all())


@operation(Permission.MEMBERS_MANAGE)
def apply(actor: Actor, *, members: Sequence[Ref], act: Act, role: Role | None = None) -> Sequence[Outcome]:
    """Do one thing to each of several members; returns what became of each.

    :param role: which one is given, where roles are changed
    :raises ValidationFailed: for none or too many members, or no role to give
    """
    if act is Act.CHANGE_ROLE and role is None:
        raise ValidationFailed({"role": ["Choose a role."]})
    found = chosen(actor, members=members)
    _hold_people(found)
    return [_done(actor, member, act, role) for member in found]


def _hold_people(members: Sequence[Member]) -> None:
    """Hold the people in one order, before the organization: as everybody does who changes memberships."""
    ids = sorted(member.user.id for member in members)
    held = sa.select(User.id).where(User.id.in_(ids)).order_by(User.id).with_for_update(key_share=True)
    db.session.execute(held)


def _done(actor: Actor, member: Member, act: Act, role: Role | None) -> Outcome:
    about = (member.membership.uid, member.name, member.email)  # before it goes
    try:
        with db.session.begin_nested():
            _do(actor, Ref(id=member.membership.id), act, role)
    except AppError as refusal:
        return Outcome(*about, refusal)
    return Outcome(*about)


def _do(actor: Actor, member: Ref, act: Act, role: Role | None) -> None:
    if act is Act.REMOVE:
        offboarding.remove_member(actor, member=member)
    elif act is Act.CHANGE_ROLE and role is not None:
        changing.manage(actor, member=member, changes={"role": role})
    else:
        changing.switch(actor, member=member, active=act is Act.ACTIVATE)
