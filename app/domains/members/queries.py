"""The people of an organization: one list under all views, and one person of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from app.core.access import Access, Actor, operation
from app.core.db import db, is_named
from app.core.errors import NotFound
from app.core.ids import Ref
from app.core.paging import CursorPage, CursorWindow, Page, Window, keyset
from app.core.permissions import Permission
from app.domains.accounts.models import User
from app.domains.members.counting import Filter, conditions, number_of, planned_for
from app.domains.members.models import Invitation, InvitationStatus
from app.domains.permissions.queries import profile_names
from app.domains.permissions.roles import Role
from app.domains.tenants.listing import folded, names_of
from app.domains.tenants.models import Membership, MembershipStatus

_FEW = 1_000
"""So many hits are gathered and sorted; more are picked out of the list in its order."""


class MemberNotFound(NotFound):
    code, message = "member:not_found", "There is no such person here."


class Order(StrEnum):
    """How a list is sorted; the owner's and the newest first are the dialects' own."""

    NAME = "name"
    EMAIL = "email"
    NEWEST = "-createdAt"
    LAST_LOGIN = "-lastLoginAt"
    OWNER_FIRST = "owner"


@dataclass(frozen=True)
class Member:
    """A membership with its person, as its organization sees them."""

    membership: Membership
    user: User
    invitation: Invitation | None = None
    """The one that made the membership or invites to it, where it is not taken up yet."""
    profile_name: str = ""

    @property
    def is_invited(self) -> bool:
        """Say whether the person has not joined: then nothing of an account is shown."""
        return not self.membership.has_joined

    @property
    def is_owner(self) -> bool:
        """Say whether the organization is theirs."""
        return self.membership.role is Role.OWNER

    @property
    def first_name(self) -> str:
        """Return the first name as the organization has it."""
        return names_of(self.membership, self.user)[0]

    @property
    def last_name(self) -> str:
        """Return the last name as the organization has it."""
        return names_of(self.membership, self.user)[1]

    @property
    def email(self) -> str:
        """Return the address; an invited one's as the inviter wrote it."""
        return self.invitation.email if self.is_invited and self.invitation else self.user.email

    @property
    def name(self) -> str:
        """Return what to call the person: both names, else the address."""
        return f"{self.first_name} {self.last_name}".strip() or self.email

    @property
    def email_verified(self) -> bool:
        """Say whether the person has proven the address, as far as the organization may know."""
        return self.user.email_verified and not self.is_invited

    @property
    def avatar_url(self) -> str | None:
        """Return the person's picture, nobody's before they have joined."""
        return None if self.is_invited else self.user.avatar_url

    @property
    def updated_at(self) -> datetime:
        """Return when anything of what is shown changed last."""
        return self.membership.updated_at


def visible(actor: Actor, *, searched: bool = False) -> sa.Select[tuple[Membership]]:
    """Select the memberships of the organization that the actor works in.

    :param searched: whether parts of words are looked for, which has to be planned for its size
    """
    here = planned_for(actor.tenant_id) if searched else actor.tenant_id
    return sa.select(Membership).where(Membership.tenant_id == here)


@operation(Access.TENANT)
def list_members(actor: Actor, *, window: Window, wanted: Filter, order: Order = Order.NAME) -> Page[Member]:
    """Return the people of the actor's organization, sorted: as many queries for ten as for all."""
    total = _total(actor, wanted)
    ids = db.session.scalars(_ids(actor, wanted, order, window, gathered=total <= _FEW)).all()
    return Page(in_order(actor, ids), total, window)


@operation(Permission.MEMBERS_VIEW)
def browse(actor: Actor, *, window: CursorWindow, wanted: Filter) -> CursorPage[Member]:
    """Return the people of the actor's organization by name, from where the cursor left off."""
    query = _wanted(actor, wanted)
    found = keyset(query, window, name="members", rising=[Membership.listing, Membership.id])
    return CursorPage(in_order(actor, [row.id for row in found.items]), found.next_cursor)


@operation(Permission.MEMBERS_VIEW)
def count(actor: Actor, *, wanted: Filter) -> int:
    """Return how many people there are of the kind that is wanted."""
    return _total(actor, wanted)


@operation(Access.TENANT)
def get(actor: Actor, *, member: Ref) -> Member:
    """Return one person of the actor's organization, by the membership's id.

    :raises MemberNotFound: another organization's, removed, or not there
    """
    return one(actor, is_named(Membership, member))


@operation(Access.TENANT)
def me(actor: Actor) -> Member:
    """Return the actor's own membership."""
    return one(actor, Membership.id == actor.membership_id)


def one(actor: Actor, named: sa.ColumnElement[bool]) -> Member:
    """Return the one membership of the actor's organization that a condition names: two queries.

    :raises MemberNotFound: if there is none
    """
    row = db.session.execute(_detailed().where(Membership.tenant_id == actor.tenant_id, named)).one_or_none()
    if row is None:
        raise MemberNotFound
    return _member(row, profile_names(actor.tenant_id or 0))


def of_membership(membership_id: int) -> Member:
    """Return a membership as its organization sees it, for whoever has just made or changed it."""
    row = db.session.execute(_detailed().where(Membership.id == membership_id)).one()
    return _member(row, profile_names(row[0].tenant_id))


def _detailed() -> sa.Select[tuple[Membership, User, Invitation]]:
    """Select memberships with person and latest invitation, if that is not taken up."""
    latest = (
        sa.select(sa.func.max(Invitation.id))
        .where(Invitation.membership_id == Membership.id, Invitation.status != InvitationStatus.ACCEPTED)
        .correlate(Membership)
        .scalar_subquery()
    )
    return (
        sa.select(Membership, User, Invitation)
        .join(User, User.id == Membership.user_id)
        .outerjoin(Invitation, Invitation.id == latest)
    )


def _member(row: sa.Row[Any], names: Mapping[int, str]) -> Member:
    membership, user, invitation = row
    shown = invitation if membership.status is MembershipStatus.INVITED else None
    return Member(membership, user, shown, names.get(membership.profile_id, ""))


def _matching(wanted: Filter) -> list[sa.ColumnElement[bool]]:
    text = folded(wanted.search)
    return [Membership.listing.contains(text, autoescape=True)] if text else []


def _wanted(actor: Actor, wanted: Filter) -> sa.Select[tuple[Membership]]:
    all_of_them = visible(actor, searched=bool(wanted.search))
    return all_of_them.where(*conditions(Membership, actor.tenant_id, wanted), *_matching(wanted))


def _total(actor: Actor, wanted: Filter) -> int:
    matching = _matching(wanted)
    if not matching:
        return number_of(actor.tenant_id, wanted)
    counted = sa.select(sa.func.count()).where(*conditions(Membership, actor.tenant_id, wanted), *matching)
    return db.session.scalar(counted) or 0


def in_order(actor: Actor, ids: Sequence[int]) -> Sequence[Member]:
    """Return members of the actor's organization in the order of their ids: two queries."""
    names = profile_names(actor.tenant_id or 0)
    rows = db.session.execute(_detailed().where(Membership.id.in_(ids))).all()
    found = {row[0].id: _member(row, names) for row in rows}
    return [found[member_id] for member_id in ids if member_id in found]


def _ids(
    actor: Actor, wanted: Filter, order: Order, window: Window, *, gathered: bool
) -> sa.Select[tuple[int]]:
    """Select the ids of a window in its order.

    Few hits are gathered first, so that the database does not walk the whole list in its order to meet them;
    many are met soon on that walk. What stands in front (the owner, those who have signed in) is a part of
    its own, so that each part follows an index.
    """
    query = _wanted(actor, wanted)
    rows: Any = Membership.metadata.tables[Membership.__tablename__]
    if gathered:
        columns = [rows.c[name] for name in _SORTED_BY]
        hits = query.with_only_columns(*columns).cte("hits").prefix_with("MATERIALIZED", dialect="postgresql")
        query, rows = sa.select(hits), hits
    parts = []
    for number, (where, by) in enumerate(_parts(rows.c, order)):
        place = sa.func.row_number().over(order_by=by).label("place")
        part = query.with_only_columns(rows.c.id, sa.literal(number).label("part"), place).where(*where)
        parts.append(sa.select(part.order_by(*by).limit(window.offset + window.limit).subquery()))
    found = sa.union_all(*parts).subquery()
    in_order = sa.select(found.c.id).order_by(found.c.part, found.c.place)
    return in_order.limit(window.limit).offset(window.offset)


_SORTED_BY = ("id", "role", "listing", "address", "created_at", "joined_at", "last_login_at")


def _parts(row: Any, order: Order) -> Sequence[tuple[Sequence[Any], Sequence[Any]]]:
    """Return the parts of a list, one after the other: what is in each, and how it is sorted."""
    if order is Order.NEWEST:
        return [((), (row.created_at.desc(), row.id.desc()))]
    if order is Order.LAST_LOGIN:
        seen, never = row.last_login_at.is_not(None), row.last_login_at.is_(None)
        return [((seen,), (row.last_login_at.desc(), row.id.desc())), ((never,), (row.id.desc(),))]
    if order is Order.OWNER_FIRST:
        owner, joined = row.role == Role.OWNER, row.joined_at.is_not(None)
        return [
            ((owner,), (row.id,)),
            ((~owner, joined), (row.joined_at, row.id)),
            ((~owner, ~joined), (row.id,)),
        ]
    return [((), (row.address if order is Order.EMAIL else row.listing, row.id))]
