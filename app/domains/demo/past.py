"""A past made afterwards: what happened is done in its order, while the clock stands at its moment."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core import clock
from app.core.access import Actor, Origin
from app.core.db import db
from app.core.outbox_rows import OutboxRow
from app.core.permissions import Permission
from app.domains.accounts.models import User
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.demo.people import ADA, ORGANIZATIONS, USER_AGENTS, SignIn
from app.domains.email.settings_models import Delivery, DeliveryState
from app.domains.permissions.roles import HEADS
from app.domains.tenants.models import Membership, Tenant

_MAIL = "mail"
_UNDER_WAY = timedelta(seconds=2)
_USUAL = {person.email: person.sign_ins[0] for one in ORGANIZATIONS for person in one.people}
"""From where people mostly work."""


@dataclass
class Past:
    """What is to happen, each with its moment."""

    now: datetime
    events: list[tuple[datetime, Callable[[], Any]]] = field(default_factory=list)

    def ago(self, days: float = 0, hours: float = 0) -> datetime:
        """Return a moment before the demo was planted."""
        return self.now - timedelta(days=days, hours=hours)

    def then(self, at: datetime, do: Callable[[], Any]) -> None:
        """Have something done at a moment."""
        self.events.append((at, do))

    def tell(self, at: datetime, actor: Actor, kind: AuditKind, **what: Any) -> None:
        """Write a row of the trail at a moment."""
        self.then(at, lambda: record(actor, kind, **what))

    def happen(self) -> None:
        """Do it all; what was mailed meanwhile is taken as read long ago."""
        last = db.session.scalar(sa.select(sa.func.max(OutboxRow.id))) or 0
        for at, do in sorted(self.events, key=lambda event: event[0]):
            with clock.standing_at(at):
                do()
                db.session.flush()  # what a row says of now is filled in here
        mails = (OutboxRow.id > last, OutboxRow.kind == _MAIL, OutboxRow.created_at < self.now)
        theirs = Delivery.uid.in_(sa.select(OutboxRow.uid).where(*mails))
        for delivery in db.session.scalars(sa.select(Delivery).where(theirs)):
            delivery.state, delivery.ended_at = DeliveryState.SENT, delivery.created_at + _UNDER_WAY
        db.session.flush()  # these are found by the rows that go now
        db.session.execute(sa.delete(OutboxRow).where(*mails))


def origin_of(sign_in: SignIn) -> Origin:
    """Return where a call came from that a sign-in made."""
    return Origin(ip=sign_in.ip, user_agent=USER_AGENTS[sign_in.client], dialect=sign_in.dialect)


def in_trail(user: User | None, tenant: Tenant, sign_in: SignIn | None = None) -> Actor:
    """Return somebody as the trail names them."""
    return Actor(
        kind="session",
        origin=Origin(dialect="portal") if sign_in is None else origin_of(sign_in),
        user_id=user.id if user else None,
        user_uid=user.uid if user else None,
        tenant_id=tenant.id,
    )


def at_work(user: User, tenant: Tenant) -> Actor:
    """Return a member who has just signed in, with what role and membership give."""
    membership = db.session.scalars(
        sa.select(Membership).where(Membership.tenant_id == tenant.id, Membership.user_id == user.id)
    ).one()
    heads = membership.role in HEADS
    return Actor(
        kind="session",
        origin=origin_of(_USUAL[user.email]),
        user_id=user.id,
        user_uid=user.uid,
        email=user.email,
        first_name=user.first_name,
        last_name=user.last_name,
        email_verified=True,
        factors=1,
        signed_in_at=clock.now(),
        proven_at=clock.now(),
        tenant_id=tenant.id,
        tenant_uid=tenant.uid,
        tenant_slug=tenant.slug,
        tenant_name=tenant.name,
        membership_id=membership.id,
        role=str(membership.role),
        profile_id=membership.profile_id,
        permissions=frozenset(Permission) if heads else membership.role.base,
    )


def governing(user: User) -> Actor:
    """Return an admin of the platform who has just signed in."""
    return Actor(
        kind="session",
        origin=origin_of(ADA.sign_ins[0]),
        user_id=user.id,
        user_uid=user.uid,
        email=user.email,
        email_verified=True,
        is_platform_admin=True,
        factors=1,
        signed_in_at=clock.now(),
        proven_at=clock.now(),
    )
