"""What the people and things in the trail are called, for whoever reads it.

An organization knows the names of its own people. An admin of the platform who acted on it is shown as that
and no more, unless they acted in a member's name: the member knows them. The platform's admins see all names.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.core.access import Access, Actor, operation
from app.core.db import db
from app.domains.accounts.models import User
from app.domains.audit import verifying
from app.domains.audit.kinds import AuditKind
from app.domains.audit.models import AuditEvent
from app.domains.clients.models import ClientAccount, ServiceUser
from app.domains.members.models import Invitation
from app.domains.organizations.models import JoinRequest
from app.domains.permissions.models import PermissionProfile
from app.domains.sessions.models import UserSession
from app.domains.tenants.models import Membership, Tenant

_MOST_PEOPLE = 50
_MEMBERS = ("member", "membership")
_NAME = User.first_name + " " + User.last_name
_PAIRED = {
    AuditKind.SETTING_UPDATED: "value",
    AuditKind.SUBSCRIPTION_CHANGED: "plan",
    AuditKind.TENANT_STATUS_CHANGED: "status",
}
"""Which field of a kind is recorded as a pair of before and after."""
_FROM_AND_TO = 2


@dataclass(frozen=True)
class Who:
    """Who did something, as the reader may know them."""

    type: str
    """user, platform_admin, service_user, client, system or anonymous."""
    id: int | None = None
    uid: UUID | None = None
    name: str | None = None
    email: str | None = None


@dataclass(frozen=True)
class What:
    """What it was done to."""

    type: str
    id: int | None
    label: str | None


@dataclass(frozen=True)
class Line:
    """A row of the trail with its names."""

    event: AuditEvent
    actor: Who
    subject: What
    support: Who | None
    """Who of the platform acted in the actor's name."""
    tenant_name: str | None
    shows_origin: bool
    """Whether the reader may see where from and with what it was done."""

    @property
    def changes(self) -> Mapping[str, Mapping[str, Any]]:
        """Return what changed, by field: from what to what; what was only told of it has no before."""
        told = self.event.changes
        if told and set(told) <= {"from", "to"}:
            return {"value": {"from": told.get("from"), "to": told.get("to")}}
        paired = _PAIRED.get(self.event.kind)
        return {name: _from_to(value, paired=name == paired) for name, value in told.items()}


def _from_to(value: Any, *, paired: bool) -> Mapping[str, Any]:
    if isinstance(value, dict) and set(value) == {"from", "to"}:
        return value
    if paired and isinstance(value, list) and len(value) == _FROM_AND_TO:
        return {"from": value[0], "to": value[1]}
    return {"from": None, "to": value}


@dataclass(frozen=True)
class Names:
    """All names that a page needs, read in as many queries for one row as for many."""

    reader: Actor
    everybody: bool
    as_oneself: bool
    """Whether it is the reader's own part: of what others did to them, where from is not theirs to know."""
    people: Mapping[int, sa.Row[Any]]
    members: Set[tuple[int, int]]
    programs: Mapping[UUID, str]
    labels: Mapping[tuple[str, int], str]
    tenants: Mapping[int, str]

    def line(self, event: AuditEvent) -> Line:
        """Return a row with its names."""
        own = event.actor_user_id == self.reader.user_id and event.actor_user_id is not None
        return Line(
            event,
            self._actor(event),
            self._subject(event),
            self._support(event),
            self.tenants.get(event.tenant_id or 0),
            own or not self.as_oneself,
        )

    def _knows(self, user_id: int, tenant_id: int | None) -> bool:
        return self.everybody or user_id == self.reader.user_id or (tenant_id or 0, user_id) in self.members

    def _person(self, user_id: int, tenant_id: int | None) -> Who:
        row = self.people.get(user_id)
        if row is not None and self._knows(user_id, tenant_id):
            return Who("user", user_id, row.uid, row.name.strip() or row.email, row.email)
        if row is not None and row.is_platform_admin:
            return Who("platform_admin")
        return Who("user", user_id)

    def _actor(self, event: AuditEvent) -> Who:
        if event.actor_user_id is not None:
            return self._person(event.actor_user_id, event.tenant_id)
        if event.actor_kind == "service" and event.actor_uid is not None:
            return Who("service_user", None, event.actor_uid, self.programs.get(event.actor_uid))
        return Who("system" if event.actor_kind == "system" else "anonymous")

    def _support(self, event: AuditEvent) -> Who | None:
        user_id = event.impersonator_user_id
        if user_id is None:
            return None
        row = self.people.get(user_id)
        name = (row.name.strip() or None) if row is not None else None
        return Who("platform_admin", user_id if self.everybody else None, None, name)

    def _subject(self, event: AuditEvent) -> What:
        kind = "api_token" if event.kind.startswith("api_token.") else event.subject_type
        if event.subject_id is None:
            return What(kind, None, None)
        if event.subject_type == "user":
            who = self._person(event.subject_id, event.tenant_id)
            return What(kind, event.subject_id, who.name)
        if event.subject_type == "setting":
            return What(kind, event.subject_id, event.changes.get("key"))  # its row goes when it is put back
        return What(kind, event.subject_id, self.labels.get((event.subject_type, event.subject_id)))


def names_for(
    reader: Actor, events: Sequence[AuditEvent], *, everybody: bool = False, as_oneself: bool = False
) -> Names:
    """Return the names of a page: five queries at most, whatever is on it."""
    ids = {event.actor_user_id for event in events} | {event.impersonator_user_id for event in events}
    ids |= {event.subject_id for event in events if event.subject_type == "user"}
    tenant_ids = {event.tenant_id for event in events if event.tenant_id is not None}
    programs = {event.actor_uid for event in events if event.actor_kind == "service"}
    people = _people({one for one in ids if one is not None})
    member = sa.select(Membership.tenant_id, Membership.user_id).where(
        Membership.tenant_id.in_(tenant_ids), Membership.user_id.in_(people)
    )
    asker = sa.select(JoinRequest.tenant_id, JoinRequest.user_id).where(  # said who they are when they asked
        JoinRequest.tenant_id.in_(tenant_ids), JoinRequest.user_id.in_(people)
    )
    service = sa.select(ServiceUser.uid, ServiceUser.name).where(
        ServiceUser.uid.in_(programs), ServiceUser.tenant_id.in_(tenant_ids)
    )
    named = sa.select(Tenant.id, Tenant.name).where(Tenant.id.in_(tenant_ids))
    return Names(
        reader,
        everybody,
        as_oneself,
        people,
        {(row.tenant_id, row.user_id) for row in db.session.execute(member.union(asker))},
        {row.uid: row.name for row in db.session.execute(service)} if programs else {},
        _labels(events, tenant_ids),
        {row.id: row.name for row in db.session.execute(named)},
    )


@operation(Access.SYSTEM)
def slugs_of_chains(actor: Actor) -> Mapping[int, str]:
    """Return each chain's key with the slug of its organization; the instance's own has the key 0."""
    keys = verifying.keys_of_chains(actor)
    found = db.session.execute(sa.select(Tenant.id, Tenant.slug).where(Tenant.id.in_(keys)))
    known = {row.id: row.slug for row in found}
    return {key: known.get(key, f"#{key}") if key else "(the instance)" for key in keys}


def _people(ids: Set[int]) -> Mapping[int, sa.Row[Any]]:
    columns = (User.id, User.uid, User.email, User.is_platform_admin, _NAME.label("name"))
    return {row.id: row for row in db.session.execute(sa.select(*columns).where(User.id.in_(ids)))}


def _labels(events: Sequence[AuditEvent], tenant_ids: Set[int]) -> Mapping[tuple[str, int], str]:
    """Return what the things of a page are called, each within the organizations of the page: one query."""
    ids: dict[str, set[int]] = {}
    for event in events:
        if event.subject_id is not None:
            ids.setdefault(event.subject_type, set()).add(event.subject_id)
    of_member = sa.select(Membership.id, _NAME).join(User, User.id == Membership.user_id)
    sources: Mapping[str, tuple[sa.Select[Any], Any, Any]] = {
        **dict.fromkeys(_MEMBERS, (of_member, Membership.id, Membership.tenant_id)),
        "tenant": (sa.select(Tenant.id, Tenant.name), Tenant.id, Tenant.id),
        "session": (sa.select(UserSession.id, UserSession.name), UserSession.id, UserSession.tenant_id),
        "invitation": (sa.select(Invitation.id, Invitation.email), Invitation.id, Invitation.tenant_id),
        "permission_profile": (
            sa.select(PermissionProfile.id, PermissionProfile.name),
            PermissionProfile.id,
            PermissionProfile.tenant_id,
        ),
        "service_user": (sa.select(ServiceUser.id, ServiceUser.name), ServiceUser.id, ServiceUser.tenant_id),
        "client": (
            sa.select(ClientAccount.id, ClientAccount.email),
            ClientAccount.id,
            ClientAccount.tenant_id,
        ),
    }
    parts = [
        query.add_columns(sa.literal(name)).where(key.in_(ids.get(name, ())), tenant.in_(tenant_ids))
        for name, (query, key, tenant) in sources.items()
    ]
    return {(row[2], row[0]): row[1] for row in db.session.execute(sa.union_all(*parts))}


def people_called(text: str, tenant_id: int | None, *, everybody: bool) -> Sequence[int]:
    """Return ids of people: an organization's own by a part of name or address, others by their address."""
    if len(text) < 2:
        return ()
    if tenant_id is not None:
        query = sa.select(Membership.user_id).where(
            Membership.tenant_id == tenant_id, Membership.listing.icontains(text.lower(), autoescape=True)
        )
    elif everybody:
        query = sa.select(User.id).where(User.email_key == text.strip().lower())
    else:
        return ()
    return db.session.scalars(query.limit(_MOST_PEOPLE)).all()
