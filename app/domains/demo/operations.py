"""Planting the demo organizations with a past of some weeks, once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core import clock, ids
from app.core.access import Access, Actor, Origin, operation
from app.core.db import db
from app.core.secrets import token_hash
from app.domains.accounts import emails, passwords
from app.domains.accounts.models import User
from app.domains.accounts.policies import accept_all
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.billing.models import Subscription, SubscriptionStatus
from app.domains.demo.people import (
    GLOBEX,
    JANE,
    ORGANIZATIONS,
    PASSWORD,
    USER_AGENTS,
    Organization,
    Person,
    SignIn,
)
from app.domains.permissions.roles import Role
from app.domains.sessions import devices
from app.domains.sessions.models import UserSession
from app.domains.settings.models import SettingValue
from app.domains.tenants.models import Membership, MembershipStatus, Tenant

PLATFORM_NAME = "Portico"
_REMEMBERED = timedelta(days=30)
_TRIAL = timedelta(days=14)
_STRANGER = Origin(ip="203.0.113.250", user_agent=USER_AGENTS["chrome"], dialect="portal")


@dataclass(frozen=True)
class Planted:
    """How much was put in."""

    organizations: int
    people: int


@dataclass
class _Past:
    """What is to stand in the trail, so that it can be written in the order in which it happened."""

    now: datetime
    events: list[tuple[datetime, Callable[[], Any]]] = field(default_factory=list)

    def ago(self, days: float = 0, hours: float = 0) -> datetime:
        return self.now - timedelta(days=days, hours=hours)

    def tell(self, at: datetime, actor: Actor, kind: AuditKind, **what: Any) -> None:
        self.events.append((at, lambda: setattr(record(actor, kind, **what), "at", at)))

    def write(self) -> None:
        for _, write in sorted(self.events, key=lambda event: event[0]):
            write()


@operation(Access.SYSTEM)
def plant(actor: Actor) -> Planted | None:
    """Put in the demo organizations, their people, sign-ins and trail; None if they are there already."""
    if db.session.scalar(sa.select(Tenant.id).where(Tenant.slug == ORGANIZATIONS[0].slug)) is not None:
        return None
    _name_platform()
    past = _Past(clock.now())
    password_hash = passwords.hash_password(PASSWORD)
    users: dict[str, User] = {}
    for organization in ORGANIZATIONS:
        users |= {p.email: _plant_person(past, p, password_hash) for p in organization.people}
    db.session.flush()  # generate the ids that everything below points at
    tenants = {o.slug: _plant_organization(past, o, users) for o in ORGANIZATIONS}
    _make_jane_a_guest(past, tenants[GLOBEX.slug], users[JANE.email])
    for organization in ORGANIZATIONS:
        for person in organization.people:
            _tell_life(past, person, users[person.email], tenants[organization.slug])
    _tell_of_acme(past, tenants["acme-corp"], users)
    past.write()
    return Planted(len(tenants), len(users))


def _name_platform() -> None:
    """Call the instance what its pages show, unless somebody named it before."""
    named = SettingValue.key == "instance.name", SettingValue.tenant_id.is_(None)
    if db.session.scalar(sa.select(SettingValue.id).where(*named)) is None:
        db.session.add(SettingValue(key="instance.name", environment="", value=PLATFORM_NAME))


def _plant_person(past: _Past, person: Person, password_hash: str) -> User:
    came = past.ago(person.days)
    invited = person.status is MembershipStatus.INVITED
    user = User(
        email=person.email,
        email_key=emails.key_of(person.email),
        email_verified_at=None if invited else came + timedelta(minutes=3),
        first_name=person.first_name,
        last_name=person.last_name,
        handle=person.handle,
        display_name=f"{person.first_name} {person.last_name}" if person.handle else None,
        joined_at=came + timedelta(minutes=6) if person.handle else None,
        locale="en",
        timezone=person.zone,
        password_hash=None if invited else password_hash,
        password_changed_at=None if invited else came,
        created_at=came,
    )
    db.session.add(user)
    return user


def _plant_organization(past: _Past, organization: Organization, users: dict[str, User]) -> Tenant:
    founded = past.ago(organization.days)
    owner = users[organization.people[0].email]
    tenant = Tenant(
        slug=organization.slug, name=organization.name, billing_email=owner.email, created_at=founded
    )
    db.session.add(tenant)
    db.session.flush()  # generate tenant.id
    db.session.add(_subscription(past, organization, tenant, founded))
    for key, value in organization.settings.items():
        db.session.add(SettingValue(tenant_id=tenant.id, key=key, environment="", value=value))
    for person in organization.people:
        db.session.add(_membership(past, person, users[person.email], tenant))
    db.session.flush()  # generate the ids of the memberships
    by_owner = _actor(owner, tenant)
    founding = {"subject": ("tenant", tenant.id), "tenant_id": tenant.id}
    changes = {"name": tenant.name, "slug": tenant.slug}
    past.tell(founded, by_owner, AuditKind.TENANT_CREATED, **founding, changes=changes)
    past.tell(founded, by_owner, AuditKind.SUBSCRIPTION_TRIAL_STARTED, **founding, changes={"plan": "pro"})
    return tenant


def _subscription(past: _Past, organization: Organization, tenant: Tenant, founded: datetime) -> Subscription:
    if organization.on_trial:
        ends = founded + _TRIAL
        return Subscription(
            tenant_id=tenant.id,
            plan_code="pro",
            status=SubscriptionStatus.TRIALING,
            trial_started_at=founded,
            trial_ends_at=ends,
            period_start=founded,
            period_end=ends,
        )
    begun = founded + _TRIAL
    return Subscription(
        tenant_id=tenant.id,
        plan_code="pro",
        status=SubscriptionStatus.ACTIVE,
        trial_started_at=founded,
        trial_ends_at=begun,
        period_start=begun,
        period_end=max(begun + timedelta(days=30), past.now + timedelta(days=3)),
    )


def _membership(past: _Past, person: Person, user: User, tenant: Tenant) -> Membership:
    came = past.ago(person.days)
    return Membership(
        tenant_id=tenant.id,
        user_id=user.id,
        role=person.role,
        status=person.status,
        job_title=person.title,
        joined_at=None if person.status is MembershipStatus.INVITED else came + timedelta(minutes=8),
        created_at=came,
    )


def _make_jane_a_guest(past: _Past, tenant: Tenant, jane: User) -> None:
    joined = past.ago(5)
    membership = Membership(
        tenant_id=tenant.id,
        user_id=jane.id,
        role=Role.MEMBER,
        job_title="Adviser",
        joined_at=joined,
        created_at=past.ago(5.2),
    )
    db.session.add(membership)
    db.session.flush()  # generate membership.id
    past.tell(joined, _actor(jane, tenant), AuditKind.MEMBER_JOINED, subject=("member", membership.id))


def _tell_life(past: _Past, person: Person, user: User, tenant: Tenant) -> None:
    came = past.ago(person.days)
    itself = {"subject": ("user", user.id), "user_id": user.id}
    actor = _actor(user, tenant, person.sign_ins[0] if person.sign_ins else None)
    if person.role is not Role.OWNER:
        past.tell(
            came - timedelta(hours=20),
            _actor(None, tenant),
            AuditKind.INVITATION_CREATED,
            subject=("member", user.id),
            changes={"email": person.email, "role": str(person.role)},
        )
    if person.status is MembershipStatus.INVITED:
        return
    past.tell(came, actor, AuditKind.USER_REGISTERED, **itself)
    past.tell(came + timedelta(minutes=3), actor, AuditKind.USER_EMAIL_VERIFIED, **itself)
    if person.handle:
        past.tell(came + timedelta(minutes=6), actor, AuditKind.USER_JOINED, **itself)
    if person.role is not Role.OWNER:
        past.tell(came + timedelta(minutes=8), actor, AuditKind.MEMBER_JOINED, subject=("member", user.id))
    accept_all(user, ip=person.sign_ins[0].ip if person.sign_ins else None, at=came)
    for sign_in in person.sign_ins:
        _tell_sign_in(past, sign_in, user, tenant)


def _tell_sign_in(past: _Past, sign_in: SignIn, user: User, tenant: Tenant) -> None:
    at, last_used = past.ago(sign_in.days), past.ago(hours=sign_in.idle_hours)
    user_agent = USER_AGENTS[sign_in.client]
    in_browser = sign_in.dialect == "portal"
    session = UserSession(
        user_id=user.id,
        kind="browser" if in_browser else "app",
        dialect=sign_in.dialect,
        token_hash=token_hash(ids.new_token()),  # nobody has it: these sign-ins are only to be seen and ended
        proven_at=at,
        created_at=at,
        tenant_id=tenant.id if sign_in.dialect == "api_v1" else None,
        selected_tenant_id=tenant.id if in_browser else None,
        name=devices.describe(user_agent),
        device_key=devices.device_key(user_agent),
        user_agent=user_agent,
        ip=sign_in.ip,
        country=sign_in.country,
        persistent=in_browser,
        last_used_at=last_used,
        expires_at=max(at + _REMEMBERED, past.now + timedelta(days=7)),
        revoked_at=last_used if sign_in.ended else None,
        revoked_reason=sign_in.ended or None,
    )
    db.session.add(session)
    db.session.flush()  # generate session.id for the trail
    what = {"subject": ("user", user.id), "user_id": user.id, "session_id": session.id}
    actor = _actor(user, tenant, sign_in)
    changes = {"method": "password", "factors": 1, "device": session.name}
    past.tell(at, actor, AuditKind.USER_SIGNED_IN, **what, changes=changes)
    if sign_in.ended:
        past.tell(last_used, actor, AuditKind.USER_SIGNED_OUT, **what)


def _tell_of_acme(past: _Past, acme: Tenant, users: dict[str, User]) -> None:
    """Add what makes a trail worth reading: a plan, a new role, a lost password, a stranger at the door."""
    jane, marcus, priya, tomas, lucy = (
        users[f"{name}@acme.example"] for name in ("jane", "marcus", "priya", "tomas", "lucy")
    )
    by_jane, by_marcus = _actor(jane, acme, JANE.sign_ins[1]), _actor(marcus, acme)
    here = {"subject": ("tenant", acme.id), "tenant_id": acme.id}
    past.tell(past.ago(27), by_jane, AuditKind.SUBSCRIPTION_ACTIVATED, **here, changes={"plan": "pro"})
    for key in ("general.website", "general.support_email"):
        past.tell(
            past.ago(26),
            by_marcus,
            AuditKind.SETTING_UPDATED,
            subject=("setting", None),
            changes={"key": key},
        )
    role = {"role": {"from": "member", "to": "manager"}}
    past.tell(past.ago(22), by_jane, AuditKind.MEMBER_UPDATED, subject=("member", priya.id), changes=role)
    past.tell(past.ago(13), by_marcus, AuditKind.MEMBER_DEACTIVATED, subject=("member", lucy.id))
    for hours in (0.0, 0.02):
        wrong = {"subject": ("user", tomas.id), "user_id": tomas.id, "changes": {"reason": "password"}}
        stranger = Actor(kind="anonymous", origin=_STRANGER)
        past.tell(past.ago(9.4, hours), stranger, AuditKind.USER_SIGN_IN_FAILED, **wrong)
    itself = {"subject": ("user", tomas.id), "user_id": tomas.id}
    past.tell(past.ago(9.2), _actor(tomas, acme), AuditKind.USER_PASSWORD_RESET_REQUESTED, **itself)
    past.tell(past.ago(9.1), _actor(tomas, acme), AuditKind.USER_PASSWORD_RESET, **itself)
    itself = {"subject": ("user", jane.id), "user_id": jane.id}
    past.tell(past.ago(6), by_jane, AuditKind.USER_PASSWORD_CHANGED, **itself)
    past.tell(
        past.ago(2), by_jane, AuditKind.USER_DETAILS_UPDATED, **itself, changes={"timezone": jane.timezone}
    )


def _actor(user: User | None, tenant: Tenant, sign_in: SignIn | None = None) -> Actor:
    origin = Origin(dialect="portal")
    if sign_in is not None:
        origin = Origin(ip=sign_in.ip, user_agent=USER_AGENTS[sign_in.client], dialect=sign_in.dialect)
    return Actor(
        kind="session",
        origin=origin,
        user_id=user.id if user else None,
        user_uid=user.uid if user else None,
        tenant_id=tenant.id,
    )
