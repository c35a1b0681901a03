"""What a list of members is searched and sorted by, kept on the membership so that one index finds it.

It is made of what the organization sees: its own names for the person, else the person's, and the address.
Of who was merely invited it holds what the inviter gave, nothing of an account that may be there.
Whatever writes a membership or a person through the ORM keeps it; a bulk change of names has to do so itself.
"""

import unicodedata
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from app.domains.accounts.models import User
from app.domains.tenants.models import Membership

_LENGTH = 600
_KEPT = ("status", "joined_at", "first_name", "last_name")


def folded(text: str) -> str:
    """Return a text as it is compared: without case, in one form of its letters, one space between words."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def listing_of(first_name: str, last_name: str, email: str) -> str:
    """Return what a member is found and sorted by: the name, else the address; a line's end, the address."""
    address = folded(email)
    return f"{folded(f'{first_name} {last_name}') or address}\n{address}"[:_LENGTH]


def names_of(membership: Membership, person: User | sa.Row[Any]) -> tuple[str, str]:
    """Return first and last name as the organization knows them."""
    if not membership.has_joined:
        return membership.first_name or "", membership.last_name or ""
    first, last = membership.first_name, membership.last_name
    return (
        person.first_name if first is None else first,
        person.last_name if last is None else last,
    )


@event.listens_for(Membership, "before_insert")
@event.listens_for(Membership, "before_update")
def _keep_listing(_mapper: Any, connection: sa.Connection, membership: Membership) -> None:
    state = sa.inspect(membership)
    watched = (*_KEPT, "user_id")
    if state.persistent and not any(state.attrs[name].history.has_changes() for name in watched):
        return
    query = sa.select(User.first_name, User.last_name, User.email).where(User.id == membership.user_id)
    person = connection.execute(query).one_or_none()
    if person is not None:
        membership.listing = listing_of(*names_of(membership, person), person.email)
        membership.address = folded(person.email)


@event.listens_for(User, "after_update")
def _follow_the_person(_mapper: Any, connection: sa.Connection, user: User) -> None:
    state = sa.inspect(user)
    if not any(state.attrs[name].history.has_changes() for name in ("first_name", "last_name", "email")):
        return
    table = Membership.metadata.tables[Membership.__tablename__]
    columns = (table.c.id, *(table.c[name] for name in _KEPT))
    for row in connection.execute(sa.select(*columns).where(table.c.user_id == user.id)).all():
        kept = Membership(**{name: getattr(row, name) for name in _KEPT})
        listing = listing_of(*names_of(kept, user), user.email)
        told = sa.update(table).where(table.c.id == row.id)
        connection.execute(told.values(listing=listing, address=folded(user.email)))
