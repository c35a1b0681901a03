"""How many members of a kind there are, without looking at each where the database keeps the numbers."""

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from app.core.db import db, is_sqlite
from app.domains.permissions.roles import Role
from app.domains.tenants.models import Membership, MembershipCount, MembershipStatus


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which members are wanted; what is empty or None narrows nothing."""

    search: str = ""
    """Part of first name, last name, both together or the address, in any case."""
    statuses: Collection[MembershipStatus] = ()
    roles: Collection[Role] = ()
    profile_id: int | None = None


def conditions(
    of: type[Membership] | type[MembershipCount], tenant_id: int | None, wanted: Filter
) -> list[sa.ColumnElement[bool]]:
    """Return what all but the search ask of a membership, or of a number of them."""
    found = [of.tenant_id == (planned_for(tenant_id) if wanted.search else tenant_id)]
    if wanted.statuses:
        found.append(of.status.in_(wanted.statuses))
    if wanted.roles:
        found.append(of.role.in_(wanted.roles))
    if wanted.profile_id is not None:
        found.append(of.profile_id == wanted.profile_id)
    return found


def planned_for(tenant_id: int | None) -> sa.BindParameter[int] | None:
    """Return an organization's number that stands in the statement, so that PostgreSQL knows its size.

    A plan that is kept for organizations of all sizes looks through the index of parts of words by the
    organization too, which takes twice as long where that is most of the table.
    """
    if tenant_id is None:
        return None
    return sa.bindparam(None, tenant_id, sa.BigInteger(), literal_execute=True)


def number_of(tenant_id: int | None, wanted: Filter) -> int:
    """Return how many members there are of a kind, not looking at the search: one query."""
    if is_sqlite():  # which has one writer, and no trigger that would outlive the rebuilding of a table
        counted = sa.select(sa.func.count()).where(*conditions(Membership, tenant_id, wanted))
    else:
        total = sa.func.coalesce(sa.func.sum(MembershipCount.number), 0)
        counted = sa.select(total).where(*conditions(MembershipCount, tenant_id, wanted))
    return int(db.session.scalar(counted) or 0)
