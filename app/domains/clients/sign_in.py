"""Service users signing in by name and password, and leaving."""

from dataclasses import replace
from datetime import datetime
from typing import NoReturn

import sqlalchemy as sa

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.db import db
from app.core.secrets import keyed_hash, same, token_hash
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.auth.credentials import InvalidCredentials
from app.domains.clients import ended_sessions, service_tokens
from app.domains.clients.models import ServiceUser
from app.domains.email import mails
from app.domains.sessions.devices import country_of
from app.domains.sessions.identify import check_rules
from app.domains.sessions.models import UserSession
from app.domains.settings import queries as settings
from app.domains.tenants import heads
from app.domains.tenants.models import TenantStatus

TELL_AT = 50
"""So many failures in a row are told to owner and admins, once until a sign-in succeeds."""

_NO_HASH = bytes(32)


@operation(Access.PUBLIC)
def sign_in(actor: Actor, *, username: str, password: str) -> str:
    """Give a service user of the instance called an API token of one hour.

    Its password is random (256 bits), so a plain hash is stored and nothing below the stated 300 calls a
    minute locks anybody out.

    :raises InvalidCredentials: unknown, wrong, switched off: nobody is told which
    :raises AddressNotAllowed: after the right password only
    """
    key = username.strip().lower()
    user = db.session.scalar(_named(actor, key).with_for_update())
    if not _matches(user, password, clock.now()) or user is None or user.is_disabled:
        _refuse(actor, key)
    wanted = settings.values(
        ("auth.ip_allowlist", "instance.region"), tenant_id=actor.tenant_id, environment=actor.environment
    )
    check_rules(
        status=TenantStatus.ACTIVE,  # the door has looked
        allowed=settings.as_entries(wanted["auth.ip_allowlist"]),
        enforced=False,
        two_factor=False,
        factors=1,
        origin=actor.origin,
    )
    session = _open(actor, user)
    return service_tokens.issue(
        session.uid, user.uid, environment=actor.environment, region=str(wanted["instance.region"] or "")
    )


def _named(actor: Actor, key: str) -> sa.Select[tuple[ServiceUser]]:
    return sa.select(ServiceUser).where(
        ServiceUser.tenant_id == actor.tenant_id,
        ServiceUser.environment == str(actor.environment),
        ServiceUser.name_key == key,
    )


def _matches(user: ServiceUser | None, password: str, now: datetime) -> bool:
    shown = token_hash(password)
    present = same(shown, user.password_hash if user else _NO_HASH)
    former = same(shown, (user and user.former_password_hash) or _NO_HASH)
    until = user.former_password_until if user else None
    return present or (former and until is not None and until > now)


def _refuse(actor: Actor, key: str) -> NoReturn:
    """Count the failure and answer as always; known or not, it takes the same statements."""
    failed = db.session.execute(
        sa.update(ServiceUser)
        .where(
            ServiceUser.tenant_id == actor.tenant_id,
            ServiceUser.environment == str(actor.environment),
            ServiceUser.name_key == key,
        )
        .values(failures=ServiceUser.failures + 1)
        .returning(ServiceUser.id, ServiceUser.name, ServiceUser.failures)
        .execution_options(synchronize_session=False)
    ).first()
    record(
        actor,
        AuditKind.SERVICE_USER_SIGN_IN_FAILED,
        subject=("service_user", failed.id if failed else None),
        changes={
            "environment": str(actor.environment),
            **({"name": failed.name} if failed else {"named": keyed_hash("audit:service_user", key)[:16]}),
        },
    )
    if failed is not None and failed.failures == TELL_AT:
        _tell(actor, failed.name)
    raise InvalidCredentials


def _tell(actor: Actor, name: str) -> None:
    for person in heads.to_tell(actor.tenant_id):
        mails.service_sign_in_failures(
            person.email,
            first_name=person.greeting,
            tenant_name=actor.tenant_name,
            tenant_id=actor.tenant_id or 0,
            service_user=name,
            environment=str(actor.environment),
            failures=TELL_AT,
            ip_address=actor.origin.ip or "an unknown address",
        )


def _open(actor: Actor, user: ServiceUser) -> UserSession:
    now = clock.now()
    user.failures, user.last_used_at, user.last_ip = 0, now, actor.origin.ip
    session = UserSession(
        service_user_id=user.id,
        kind="service",
        dialect=actor.origin.dialect,
        proven_at=now,
        created_at=now,
        tenant_id=actor.tenant_id,
        environment=str(actor.environment),
        name=user.name,
        user_agent=actor.origin.user_agent[:400],
        ip=actor.origin.ip,
        country=country_of(actor.origin.ip),
        last_used_at=now,
        expires_at=now + service_tokens.LIFE,
    )
    db.session.add(session)
    db.session.flush()  # generate session.id for the audit row
    record(
        replace(actor, kind="service", service_user_id=user.id, service_user_uid=user.uid),
        AuditKind.SERVICE_USER_SIGNED_IN,
        subject=("service_user", user.id),
        session_id=session.id,
        changes={"name": user.name, "environment": str(actor.environment)},
    )
    ended_sessions.forget_service_users(user.id)
    return session


@operation(Access.SERVICE)
def sign_out(actor: Actor) -> None:
    """End the session of the token that makes the call; others of the same service user live on."""
    now = clock.now()
    db.session.execute(
        sa.update(UserSession)
        .where(UserSession.id == actor.session_id, UserSession.revoked_at.is_(None))
        .values(revoked_at=now, revoked_reason="signed_out", updated_at=now)
        .execution_options(synchronize_session=False)
    )
    record(
        actor,
        AuditKind.SERVICE_USER_SIGNED_OUT,
        subject=("service_user", actor.service_user_id),
        changes={"environment": str(actor.environment)},
    )
