"""Planting the demo organizations with a past of some weeks, once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.core import clock, ids
from app.core.access import Access, Actor, operation
from app.core.db import db
from app.core.secrets import token_hash
from app.domains.accounts import emails, passwords
from app.domains.accounts.models import User
from app.domains.accounts.policies import accept_all
from app.domains.audit.kinds import AuditKind
from app.domains.billing.models import Subscription, SubscriptionStatus
from app.domains.billing.operations import subscribe
from app.domains.demo import acme, platform
from app.domains.demo.past import Past, at_work, in_trail
from app.domains.demo.people import (
    ADA,
    GLOBEX,
    JANE,
    ORGANIZATIONS,
    PASSWORD,
    SUSPENDED,
    USER_AGENTS,
    Organization,
    Person,
    SignIn,
)
from app.domains.permissions.roles import Role
from app.domains.sessions import devices
from app.domains.sessions.models import UserSession
from app.domains.settings.models import SettingValue
from app.domains.settings.operations import set_value
from app.domains.tenants.models import Membership, Tenant

PLATFORM_NAME = "Portico"
_REMEMBERED = timedelta(days=30)
_TRIAL = timedelta(days=14)
_OPENING = timedelta(hours=7)
"""How long after they came the regular ones are at work on a day."""


@dataclass(frozen=True)
class Planted:
    """How much was put in."""

    organizations: int
    people: int


@operation(Access.SYSTEM)
def plant(actor: Actor) -> Planted | None:
    """Put in the demo organizations, their people, sign-ins and trail; None if they are there already."""
    if db.session.scalar(sa.select(Tenant.id).where(Tenant.slug == ORGANIZATIONS[0].slug)) is not None:
        return None
    _name_platform()
    past = Past(clock.now())
    password_hash = passwords.hash_password(PASSWORD)
    everybody = [ADA, *(person for organization in ORGANIZATIONS for person in organization.people)]
    users = {person.email: _plant_person(past, person, password_hash) for person in everybody}
    db.session.flush()  # generate the ids that everything below points at
    tenants = {o.slug: _plant_organization(past, o, users) for o in ORGANIZATIONS}
    _make_jane_a_guest(past, tenants[GLOBEX.slug], users[JANE.email])
    for organization in ORGANIZATIONS:
        for person in organization.people:
            _tell_life(past, person, users[person.email], tenants[organization.slug])
    acme.happens(past, tenants["acme-corp"], users)
    platform.happens(past, users[ADA.email], tenants[SUSPENDED])
    past.happen()
    return Planted(len(tenants), len(users))


def _name_platform() -> None:
    """Call the instance what its pages show, unless somebody named it before."""
    named = SettingValue.key == "instance.name", SettingValue.tenant_id.is_(None)
    if db.session.scalar(sa.select(SettingValue.id).where(*named)) is None:
        db.session.add(SettingValue(key="instance.name", environment="", value=PLATFORM_NAME))


def _plant_person(past: Past, person: Person, password_hash: str) -> User:
    came = past.ago(person.days)
    user = User(
        email=person.email,
        email_key=emails.key_of(person.email),
        email_verified_at=came + timedelta(minutes=3),
        first_name=person.first_name,
        last_name=person.last_name,
        handle=person.handle,
        display_name=f"{person.first_name} {person.last_name}" if person.handle else None,
        joined_at=came + timedelta(minutes=6) if person.handle else None,
        locale="en",
        timezone=person.zone,
        password_hash=password_hash,
        password_changed_at=came,
        is_platform_admin=person is ADA,
        created_at=came,
    )
    db.session.add(user)
    return user


def _plant_organization(past: Past, organization: Organization, users: dict[str, User]) -> Tenant:
    founded = past.ago(organization.days)
    owner = users[organization.people[0].email]
    tenant = Tenant(
        slug=organization.slug, name=organization.name, billing_email=owner.email, created_at=founded
    )
    db.session.add(tenant)
    db.session.flush()  # generate tenant.id
    db.session.add(_trial(tenant, founded))
    for person in organization.people:
        db.session.add(_membership(past, person, users[person.email], tenant))
    db.session.flush()  # generate the ids of the memberships
    by_owner = in_trail(owner, tenant)
    founding = {"subject": ("tenant", tenant.id), "tenant_id": tenant.id}
    changes = {"name": tenant.name, "slug": tenant.slug}
    past.tell(founded, by_owner, AuditKind.TENANT_CREATED, **founding, changes=changes)
    past.tell(founded, by_owner, AuditKind.SUBSCRIPTION_TRIAL_STARTED, **founding, changes={"plan": "pro"})
    if organization.paid_days:
        bought = past.ago(organization.paid_days)
        past.then(bought, lambda: subscribe(at_work(owner, tenant), plan_code="pro"))
    for hours, (key, value) in enumerate(organization.settings.items(), start=1):
        _set(past, founded + timedelta(hours=hours), owner, tenant, key, value)
    return tenant


def _set(past: Past, at: datetime, user: User, tenant: Tenant, key: str, value: str) -> None:
    past.then(at, lambda: set_value(at_work(user, tenant), key=key, value=value))


def _trial(tenant: Tenant, founded: datetime) -> Subscription:
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


def _membership(past: Past, person: Person, user: User, tenant: Tenant) -> Membership:
    came = past.ago(person.days)
    return Membership(
        tenant_id=tenant.id,
        user_id=user.id,
        role=person.role,
        status=person.status,
        job_title=person.title,
        joined_at=came + timedelta(minutes=8),
        last_login_at=past.ago(min(sign_in.days for sign_in in person.sign_ins)),
        created_at=came,
    )


def _make_jane_a_guest(past: Past, tenant: Tenant, jane: User) -> None:
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
    past.tell(joined, in_trail(jane, tenant), AuditKind.MEMBER_JOINED, subject=("member", membership.id))


def _tell_life(past: Past, person: Person, user: User, tenant: Tenant) -> None:
    came = past.ago(person.days)
    itself = {"subject": ("user", user.id), "user_id": user.id}
    actor = in_trail(user, tenant, person.sign_ins[0])
    past.tell(came, actor, AuditKind.USER_REGISTERED, **itself)
    past.tell(came + timedelta(minutes=3), actor, AuditKind.USER_EMAIL_VERIFIED, **itself)
    if person.handle:
        past.tell(came + timedelta(minutes=6), actor, AuditKind.USER_JOINED, **itself)
    if person.role is not Role.OWNER:
        _tell_joining(past, came, user, tenant, actor)
    accept_all(user, ip=person.sign_ins[0].ip, at=came)
    for sign_in in person.sign_ins:
        _tell_sign_in(past, sign_in, user, tenant)
    if person.every:
        _tell_routine(past, person, user, tenant)


def _tell_joining(past: Past, came: datetime, user: User, tenant: Tenant, actor: Actor) -> None:
    joined = db.session.scalars(
        sa.select(Membership).where(Membership.tenant_id == tenant.id, Membership.user_id == user.id)
    ).one()
    about = {"subject": ("member", joined.id), "changes": {"role": str(joined.role)}}
    past.tell(came - timedelta(hours=20), in_trail(None, tenant), AuditKind.INVITATION_CREATED, **about)
    past.tell(came + timedelta(minutes=8), actor, AuditKind.MEMBER_JOINED, **about)


def _tell_routine(past: Past, person: Person, user: User, tenant: Tenant) -> None:
    """Have somebody sign in and out again on many days, from where they mostly are."""
    actor, what = (
        in_trail(user, tenant, person.sign_ins[0]),
        {"subject": ("user", user.id), "user_id": user.id},
    )
    day = int(person.days) - 1
    while day > 1:
        at = past.ago(day) + _OPENING
        changes = {"method": "password", "factors": 1}
        past.tell(at, actor, AuditKind.USER_SIGNED_IN, **what, changes=changes)
        past.tell(at + timedelta(hours=2 + day % 5), actor, AuditKind.USER_SIGNED_OUT, **what)
        day -= person.every


def _tell_sign_in(past: Past, sign_in: SignIn, user: User, tenant: Tenant) -> None:
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
    actor = in_trail(user, tenant, sign_in)
    changes = {"method": "password", "factors": 1, "device": session.name}
    past.tell(at, actor, AuditKind.USER_SIGNED_IN, **what, changes=changes)
    if sign_in.ended:
        past.tell(last_used, actor, AuditKind.USER_SIGNED_OUT, **what)
