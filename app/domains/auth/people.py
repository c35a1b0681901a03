"""Every person of the instance, for the platform's admins."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from app.core.access import Access, Actor, operation
from app.core.db import db
from app.core.paging import Page, Window, paginate
from app.domains.accounts.models import User
from app.domains.sessions.models import UserSession
from app.domains.tenants.models import Membership, MembershipStatus


class PersonStatus(StrEnum):
    ACTIVE = "active"
    DISABLED = "disabled"
    PENDING = "pending"
    """A placeholder that an invitation made: nobody has signed up for it."""


@dataclass(frozen=True)
class Person:
    """One person as the platform's admins see them in their list."""

    user: User
    tenant_count: int
    last_login_at: datetime | None

    @property
    def status(self) -> PersonStatus:
        """Return what the account is good for."""
        if self.user.disabled_at is not None:
            return PersonStatus.DISABLED
        proven = self.user.has_password or self.user.email_verified
        return PersonStatus.ACTIVE if proven else PersonStatus.PENDING


@operation(Access.PLATFORM_ADMIN)
def all_people(
    actor: Actor, *, window: Window, email: str = "", status: PersonStatus | None = None
) -> Page[Person]:
    """Return the people of the instance, newest first; placeholders only when asked for.

    :param email: any part of the address, regardless of case
    """
    query = sa.select(User, _tenant_count(), _last_login()).where(of_status(status))
    if email:
        query = query.where(User.email.icontains(email, autoescape=True))
    found = paginate(query.order_by(User.id.desc()), window)
    return Page([Person(*row) for row in found.items], found.total, window)


def of_status(status: PersonStatus | None) -> sa.ColumnElement[bool]:
    """Narrow people to a status; without one to all but placeholders."""
    placeholder = sa.and_(User.password_hash.is_(None), User.email_verified_at.is_(None))
    disabled = User.disabled_at.is_not(None)
    return {
        None: ~placeholder,
        PersonStatus.ACTIVE: ~disabled & ~placeholder,
        PersonStatus.DISABLED: disabled,
        PersonStatus.PENDING: placeholder & ~disabled,
    }[status]


def facts_of(users: Sequence[User]) -> Sequence[Person]:
    """Return people with how many organizations each has and when they signed in last: one query."""
    query = sa.select(User.id, _tenant_count(), _last_login()).where(User.id.in_([user.id for user in users]))
    facts = {row[0]: (row[1], row[2]) for row in db.session.execute(query)} if users else {}
    return [Person(user, *facts[user.id]) for user in users]


def _tenant_count() -> sa.ScalarSelect[int]:
    return (
        sa.select(sa.func.count())
        .where(Membership.user_id == User.id, Membership.status == MembershipStatus.ACTIVE)
        .correlate(User)
        .scalar_subquery()
    )


def _last_login() -> sa.ScalarSelect[datetime]:
    return (
        sa.select(sa.func.max(UserSession.created_at))
        .where(UserSession.user_id == User.id, UserSession.kind.in_(["browser", "app"]))
        .correlate(User)
        .scalar_subquery()
    )
