"""Service users of an organization: who keeps them makes, rotates, switches off and deletes them."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from app.core import clock
from app.core.access import Actor, InteractiveSessionRequired, NotOnBehalf, operation
from app.core.db import db, is_named
from app.core.environments import Environment
from app.core.errors import Conflict, NotFound, OverPlan, ValidationFailed
from app.core.ids import Ref
from app.core.paging import Page, Window, paginate
from app.core.permissions import Permission
from app.core.secrets import token_hash
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.billing.queries import limit_of
from app.domains.clients.models import ServiceUser
from app.domains.sessions.models import UserSession
from app.domains.sessions.proofs import require_strong
from app.domains.settings import queries as settings
from app.domains.tenants.models import Tenant

ENVIRONMENTS = (Environment.PROD, Environment.STAGING)
"""client_v1 knows these two; there is no way in for dev."""
OVERLAPS = (timedelta(0), timedelta(hours=1), timedelta(days=1), timedelta(days=7))
"""How long the password before the new one may go on being taken."""

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._@-]{1,62})[A-Za-z0-9]")
_PREFIX = "svp_"


class ServiceUserLimit(OverPlan):
    code, message = "plan:service_user_limit", "The plan allows no more service users."


class ServiceUserNameTaken(Conflict):
    code, message = "service_user:name_taken", "There is a service user of this name."


class ServiceUserNotFound(NotFound):
    code, message = "service_user:not_found", "There is no such service user."


@dataclass(frozen=True)
class Made:
    """A service user with a new password, which is shown here and never again."""

    service_user: ServiceUser
    password: str


@dataclass(frozen=True)
class Listed:
    """A service user, and how many of its tokens are good now."""

    service_user: ServiceUser
    sessions: int


@dataclass(frozen=True)
class Standing:
    """How many service users the plan allows, None for no bound; and whether they have something to do."""

    most: int | None
    enabled: bool


def visible(actor: Actor) -> sa.Select[tuple[ServiceUser]]:
    """Select the service users of the organization and environment the actor works in."""
    return sa.select(ServiceUser).where(
        ServiceUser.tenant_id == actor.tenant_id, ServiceUser.environment == str(actor.environment)
    )


@operation(Permission.SERVICE_USERS_MANAGE)
def list_(actor: Actor, *, window: Window) -> Page[Listed]:
    """Return the service users by name, with their live sessions."""
    now = clock.now()
    live = (
        sa.select(sa.func.count())
        .where(UserSession.service_user_id == ServiceUser.id)
        .where(UserSession.revoked_at.is_(None), UserSession.expires_at > now)
        .correlate(ServiceUser)
        .scalar_subquery()
    )
    found = paginate(visible(actor).add_columns(live).order_by(ServiceUser.name_key, ServiceUser.id), window)
    return Page([Listed(*row) for row in found.items], found.total, window)


@operation(Permission.SERVICE_USERS_MANAGE)
def one(actor: Actor, *, service_user: Ref) -> ServiceUser:
    """Return one service user.

    :raises ServiceUserNotFound: if it is another organization's or environment's, or not there
    """
    return _one(actor, service_user)


@operation(Permission.SERVICE_USERS_MANAGE)
def standing(actor: Actor) -> Standing:
    """Return what the plan allows in each environment, and whether client accounts are on in this one."""
    enabled = settings.boolean("clients.enabled", tenant_id=actor.tenant_id, environment=actor.environment)
    return Standing(limit_of(actor.tenant_id or 0, "service_users"), enabled)


@operation(Permission.SERVICE_USERS_MANAGE)
def create(actor: Actor, *, name: str) -> Made:
    """Make a service user in the environment the actor works in; its password is shown once.

    :raises ValidationFailed: at name; at environment for one that service users do not have
    :raises StepUpRequired, InteractiveSessionRequired: by who asks
    :raises ServiceUserLimit: if the plan's service users of that environment are there already
    :raises ServiceUserNameTaken: if the environment has one of that name, whatever its case
    """
    name = name.strip()
    if not _NAME.fullmatch(name):
        rule = "Use 3 to 64 of a-z, A-Z, 0-9, dot, underscore, hyphen and @, a letter or digit at both ends."
        raise ValidationFailed({"name": [rule]})
    if actor.environment not in ENVIRONMENTS:
        raise ValidationFailed({"environment": ["Service users are for prod and staging."]})
    _require_person(actor)
    db.session.execute(sa.select(Tenant.id).where(Tenant.id == actor.tenant_id).with_for_update())
    if db.session.scalar(visible(actor).where(ServiceUser.name_key == name.lower())) is not None:
        raise ServiceUserNameTaken
    _require_room(actor)
    password = _new_password()
    made = ServiceUser(
        tenant_id=actor.tenant_id or 0,
        environment=str(actor.environment),
        name=name,
        name_key=name.lower(),
        password_hash=token_hash(password),
        password_changed_at=clock.now(),
    )
    db.session.add(made)
    db.session.flush()  # generate made.id for the audit row
    _record(actor, AuditKind.SERVICE_USER_CREATED, made)
    return Made(made, password)


@operation(Permission.SERVICE_USERS_MANAGE)
def rotate(actor: Actor, *, service_user: Ref, overlap: timedelta = timedelta(0)) -> Made:
    """Give a service user a new password, shown once.

    With an overlap the password before this one is taken as well for so long, and tokens live on. Without one
    it is dead at once and so is every token: whoever rotates so fears that it is known.

    :raises ServiceUserNotFound, StepUpRequired, InteractiveSessionRequired: as for ``create``
    """
    if overlap not in OVERLAPS:
        raise ValidationFailed({"overlap": ["Choose one of the spans offered."]})
    _require_person(actor)
    found, now, password = _one(actor, service_user, lock=True), clock.now(), _new_password()
    found.former_password_hash = found.password_hash if overlap else None
    found.former_password_until = now + overlap if overlap else None
    found.password_hash, found.password_changed_at = token_hash(password), now
    ended = 0 if overlap else _end_sessions(found, "password_rotated")
    hours = int(overlap / timedelta(hours=1))
    _record(actor, AuditKind.SERVICE_USER_PASSWORD_ROTATED, found, overlap_hours=hours, sessions=ended)
    return Made(found, password)


@operation(Permission.SERVICE_USERS_MANAGE)
def disable(actor: Actor, *, service_user: Ref) -> ServiceUser:
    """Switch a service user off: its tokens are dead at once; it keeps its place in the plan.

    :raises ServiceUserNotFound: if it is not there
    """
    _require_session(actor)
    found = _one(actor, service_user, lock=True)
    if not found.is_disabled:
        found.disabled_at = clock.now()
        ended = _end_sessions(found, "disabled")
        _record(actor, AuditKind.SERVICE_USER_DISABLED, found, sessions=ended)
    return found


@operation(Permission.SERVICE_USERS_MANAGE)
def enable(actor: Actor, *, service_user: Ref) -> ServiceUser:
    """Switch a service user on again; it signs in anew with the password it has.

    :raises ServiceUserNotFound, StepUpRequired, InteractiveSessionRequired: as for ``create``
    """
    _require_person(actor)
    found = _one(actor, service_user, lock=True)
    if found.is_disabled:
        found.disabled_at = None
        _record(actor, AuditKind.SERVICE_USER_ENABLED, found)
    return found


@operation(Permission.SERVICE_USERS_MANAGE)
def delete(actor: Actor, *, service_user: Ref) -> str:
    """Delete a service user with its sessions, for good; returns its name.

    :raises ServiceUserNotFound: if it is not there
    """
    _require_session(actor)
    found = _one(actor, service_user, lock=True)
    name = found.name
    _record(actor, AuditKind.SERVICE_USER_DELETED, found)
    db.session.delete(found)
    return name


def _one(actor: Actor, ref: Ref, *, lock: bool = False) -> ServiceUser:
    query = visible(actor).where(is_named(ServiceUser, ref))
    found = db.session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise ServiceUserNotFound
    return found


def _require_session(actor: Actor) -> None:
    if actor.kind != "session":
        raise InteractiveSessionRequired(layer="token")
    if actor.impersonator is not None:
        raise NotOnBehalf(layer="platform")


def _require_person(actor: Actor) -> None:
    """Ask for a person who has just proven who they are: what is made outlives their sign-in."""
    _require_session(actor)
    require_strong(actor)


def _require_room(actor: Actor) -> None:
    allowed = limit_of(actor.tenant_id or 0, "service_users")
    if allowed is None:
        return
    here = sa.select(sa.func.count()).select_from(visible(actor).subquery())
    if (db.session.scalar(here) or 0) >= allowed:
        remedy = "Delete one that is not needed, or let an owner or admin choose a larger plan."
        raise ServiceUserLimit(layer="plan", remedy=remedy)


def _new_password() -> str:
    return _PREFIX + secrets.token_urlsafe(32)


def _end_sessions(user: ServiceUser, reason: str) -> int:
    now = clock.now()
    ended: Sequence[int] = db.session.scalars(
        sa.update(UserSession)
        .where(UserSession.service_user_id == user.id, UserSession.revoked_at.is_(None))
        .where(UserSession.expires_at > now)
        .values(revoked_at=now, revoked_reason=reason, updated_at=now)
        .returning(UserSession.id)
        .execution_options(synchronize_session=False)
    ).all()
    return len(ended)


def _record(actor: Actor, kind: AuditKind, user: ServiceUser, **more: int) -> None:
    told = {"name": user.name, "environment": user.environment, **more}
    record(actor, kind, subject=("service_user", user.id), changes=told)
