"""Setting what an admin decides: a tenant's own values, the platform's, and the platform's locks."""

import ipaddress
from typing import Any

import sqlalchemy as sa

from app.core.access import Access, Actor, operation
from app.core.db import db
from app.core.environments import Environment
from app.core.errors import Forbidden, NotFound, Refused, ValidationFailed
from app.core.permissions import Permission
from app.core.secrets import seal
from app.domains.audit import operations as audit
from app.domains.audit.kinds import AuditKind
from app.domains.settings.factor_demand import DEMAND_KEYS, LOCKED_TOGETHER, factor_demand
from app.domains.settings.models import SettingValue
from app.domains.settings.queries import place, seal_context, values
from app.domains.settings.registry import DEFINITIONS, Definition, Scope, Type, Value
from app.domains.settings.validation import validate


class SettingNotFound(NotFound):
    code, message = "setting:not_found", "There is no such setting."


class SettingLocked(Forbidden):
    code, message = "setting:locked", "The platform's admin has locked this setting."


class NotLockable(Refused):
    code, message = "setting:not_lockable", "This setting cannot be locked."


class NotTenantKey(Refused):
    code, message = "setting:not_tenant_key", "Only the platform has a value of this setting."


class TenantKeyOnly(Refused):
    code, message = "setting:tenant_only", "Only an organization has a value of this setting."


class WouldLockOut(Refused):
    code, message = "setting:would_lock_out", "Your own address would be locked out."


class FactorWouldLockOut(Refused):
    code = "two_factor:would_lock_out"
    message = "This would lock you out. Set up your own second factor first, or choose a later day."


@operation(Permission.SETTINGS_MANAGE)
def set_value(actor: Actor, *, key: str, value: Any, environment: Environment | None = None) -> SettingValue:
    """Give a setting a value in the actor's organization.

    :param environment: where the key has a value for each environment; the actor's own when left out
    :raises SettingNotFound: there is no such key
    :raises NotTenantKey: only the platform has a value
    :raises SettingLocked: the platform's value holds for all
    :raises ValidationFailed: with the key as the field
    :raises WouldLockOut: the actor's address is not among those that may work here
    :raises FactorWouldLockOut: the second factor is demanded at once, and the actor has not shown one
    """
    definition = _definition(key)
    if definition.scope is not Scope.TENANT:
        raise NotTenantKey
    if definition.bound is not None:
        raise ValueError(f"{key} is {definition.bound}: change that")
    kept_at = place(definition, environment or actor.environment)
    platform = _row(definition, None, kept_at)
    if platform is not None and platform.locked:
        raise SettingLocked(layer="platform")
    checked = _checked(definition, value)
    if key == "auth.ip_allowlist" and isinstance(checked, tuple):
        _check_own_address(actor, checked)
    if key in DEMAND_KEYS:
        _check_own_factor(actor, key, checked)
    return _store(actor, definition, actor.tenant_id, kept_at, checked)


@operation(Access.PLATFORM_ADMIN)
def set_platform_value(
    actor: Actor,
    *,
    key: str,
    value: Any,
    environment: Environment | None = None,
    locked: bool | None = None,
) -> SettingValue:
    """Give a setting the value that holds where no tenant has one, or for all when it is locked.

    :raises SettingNotFound: there is no such key
    :raises TenantKeyOnly: each tenant has a value of its own and the platform none
    :raises NotLockable: tenants may always set this key
    :raises ValidationFailed: with the key as the field
    """
    definition = _definition(key)
    if definition.bound is not None:
        raise TenantKeyOnly
    if locked and not definition.lock:
        raise NotLockable
    row = _store(actor, definition, None, place(definition, environment), _checked(definition, value))
    if locked is not None and locked != row.locked:
        row.locked = locked
        kind = AuditKind.SETTING_LOCKED if locked else AuditKind.SETTING_UNLOCKED
        audit.record(actor, kind, subject=("setting", row.id), changes={"key": key})
        if key in LOCKED_TOGETHER:
            _lock_along(LOCKED_TOGETHER[key], locked=locked)
    return row


def _lock_along(key: str, *, locked: bool) -> None:
    """Lock a setting with the one that it belongs to, one thing in the trail; its value stays."""
    row = _row(DEFINITIONS[key], None, "")
    if row is None:
        row = SettingValue(key=key, value=DEFINITIONS[key].default)
        db.session.add(row)
    row.locked = locked


def _definition(key: str) -> Definition:
    try:
        return DEFINITIONS[key]
    except KeyError as error:
        raise SettingNotFound from error


def _checked(definition: Definition, value: Any) -> Value:
    try:
        return validate(definition, value)
    except ValueError as error:
        raise ValidationFailed({definition.key: [str(error)]}) from error


def _check_own_address(actor: Actor, networks: tuple[str, ...]) -> None:
    if not networks or actor.origin.ip is None:
        return
    own = ipaddress.ip_address(actor.origin.ip)
    if not any(own in ipaddress.ip_network(network, strict=False) for network in networks):
        raise WouldLockOut


def _check_own_factor(actor: Actor, key: str, value: Value) -> None:
    """Refuse a demand that would begin now with whoever makes it standing outside."""
    before = values(DEMAND_KEYS, tenant_id=actor.tenant_id)
    if actor.kind == "system" or factor_demand(before).holds():
        return
    has_shown_it = actor.particulars.two_factor_enabled and (actor.factors > 1 or actor.kind == "api_token")
    if factor_demand({**before, key: value}).holds() and not has_shown_it:
        raise FactorWouldLockOut


def _row(definition: Definition, tenant_id: int | None, environment: str) -> SettingValue | None:
    return db.session.scalars(
        sa.select(SettingValue).where(
            SettingValue.key == definition.key,
            SettingValue.environment == environment,
            SettingValue.tenant_id.is_(None) if tenant_id is None else SettingValue.tenant_id == tenant_id,
        )
    ).one_or_none()


def _store(
    actor: Actor, definition: Definition, tenant_id: int | None, environment: str, value: Value
) -> SettingValue:
    row = _row(definition, tenant_id, environment)
    if row is None:
        row = SettingValue(tenant_id=tenant_id, key=definition.key, environment=environment)
        db.session.add(row)
    secret = definition.type is Type.SECRET
    kept = list(value) if isinstance(value, tuple) else value
    row.value = seal(str(kept), seal_context(definition.key, tenant_id)) if secret and kept else kept
    row.updated_by_id = actor.user_id
    db.session.flush()  # generate row.id
    shown = {} if secret else {"value": kept}
    changes = {"key": definition.key, "environment": environment or None, **shown}
    audit.record(
        actor, AuditKind.SETTING_UPDATED, subject=("setting", row.id), tenant_id=tenant_id, changes=changes
    )
    return row
