"""From what a call of client_v1 names and shows to who calls: instance, token, feature, plan."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.core import clock
from app.core.access import Actor, NotSignedIn, Origin
from app.core.environments import Environment
from app.core.errors import Forbidden, NotFound
from app.core.permissions import Permission
from app.domains.billing.queries import plan_of
from app.domains.billing.usage import RequestQuotaUsedUp, count_call
from app.domains.clients import lookup, service_tokens
from app.domains.sessions.identify import Caller, check_rules
from app.domains.settings.queries import default_of
from app.domains.tenants import slugs

PERMISSIONS = frozenset({Permission.CLIENTS_VIEW, Permission.CLIENTS_MANAGE})
"""All that a service user may do in its organization, and that in its own environment only."""


class InstanceNotFound(NotFound):
    code, message = "instance:not_found", "There is no such instance."


class ClientsDisabled(Forbidden):
    code, message = "client:feature_disabled", "Client accounts are not switched on here."


def visitor(platform_id: str, environment: Environment, origin: Origin) -> Caller:
    """Return who calls an instance without a token: nobody, at that organization and environment.

    :raises InstanceNotFound, TenantSuspended, TenantArchived: by the organization's state
    """
    row = _instance(platform_id, environment, None, origin)
    return Caller(_of_instance(row, environment, origin), _calls_per_minute(row))


def identify(
    platform_id: str, environment: Environment, token: str, origin: Origin, *, leaves: bool = False
) -> Caller:
    """Return the service user behind a token of this instance, in the order that tells a stranger least.

    :param leaves: the call ends its own session, which needs neither the feature nor room in the plan
    :raises InstanceNotFound, TenantSuspended, TenantArchived: by the organization's state
    :raises NotSignedIn: for a token that is forged, dead, or another instance's
    :raises AddressNotAllowed, ClientsDisabled, RequestQuotaUsedUp: by the organization's settings and plan
    """
    shown = service_tokens.read(token, environment) if 20 <= len(token) <= 4096 else None
    row = _instance(platform_id, environment, shown, origin)
    now = clock.now()
    if shown is None or not _is_live(row, shown, now):
        raise NotSignedIn(layer="session", remedy="Sign in again by POST /v1/login/password.")
    check_rules(
        status=row.tenant_status,
        allowed=row.ip_allowlist or (),
        enforced=False,  # a second factor is a person's: a program has none
        two_factor=False,
        factors=1,
        origin=origin,
    )
    if not leaves:
        _require_feature(row)
        _count_against_plan(row, environment)
    lookup.touch(row, origin, now)
    return Caller(_service_user(row, environment, origin), _calls_per_minute(row))


def _instance(
    platform_id: str, environment: Environment, shown: service_tokens.Shown | None, origin: Origin
) -> sa.Row[Any]:
    """Return the row of the instance that is named; ``_`` and ``-`` in its name count as the same sign."""
    slug = platform_id.strip().lower().replace("_", "-")
    session_uid = shown.session_uid if shown else None
    row = None if slugs.check(slug) == "invalid" else lookup.find(slug, environment, session_uid)
    if row is None:
        raise InstanceNotFound
    check_rules(
        status=row.tenant_status, allowed=(), enforced=False, two_factor=False, factors=1, origin=origin
    )
    return row


def _is_live(row: sa.Row[Any], shown: service_tokens.Shown, now: datetime) -> bool:
    if row.session_id is None or row.service_user_uid != shown.service_user_uid:
        return False
    return row.revoked_at is None and row.expires_at > now and row.disabled_at is None


def _require_feature(row: sa.Row[Any]) -> None:
    if row.enabled is not True:
        remedy = "An owner or admin of the organization can switch clients.enabled on."
        raise ClientsDisabled(layer="organization", remedy=remedy)


def _count_against_plan(row: sa.Row[Any], environment: Environment) -> None:
    if environment is not Environment.PROD:
        return
    most = plan_of(row.plan_code, row.plan_status, row.plan_ends_at).limits["requests_per_month"]
    if most is not None and row.calls_this_month >= most:
        raise RequestQuotaUsedUp(layer="plan", remedy="An owner or admin can choose a larger plan.")
    count_call(row.tenant_id)


def _of_instance(row: sa.Row[Any], environment: Environment, origin: Origin, **who: Any) -> Actor:
    return Actor(
        **{"kind": "anonymous", **who},
        origin=origin,
        tenant_id=row.tenant_id,
        tenant_uid=row.tenant_uid,
        tenant_slug=row.tenant_slug,
        tenant_name=row.tenant_name,
        environment=environment,
    )


def _service_user(row: sa.Row[Any], environment: Environment, origin: Origin) -> Actor:
    return _of_instance(
        row,
        environment,
        origin,
        kind="service",
        service_user_id=row.service_user_id,
        service_user_uid=row.service_user_uid,
        session_id=row.session_id,
        session_uid=row.session_uid,
        session_dialect="client_v1",
        permissions=PERMISSIONS,
    )


def _calls_per_minute(row: sa.Row[Any]) -> int:
    return row.calls_per_minute or int(default_of("limits.requests_per_minute"))
