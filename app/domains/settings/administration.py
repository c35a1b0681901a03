"""What the platform's admins set: values for all, for one organization from above, and the locks on them."""

from dataclasses import replace
from typing import Any

from app.core.access import Access, Actor, operation
from app.core.environments import Environment
from app.domains.settings import changing
from app.domains.settings.changing import Places, places_of
from app.domains.settings.errors import NotLockable, NotTenantKey, SettingNotFound, TenantKeyOnly
from app.domains.settings.factor_demand import LOCKED_TOGETHER
from app.domains.settings.operations import checked_value, earlier, find_change
from app.domains.settings.registry import DEFINITIONS, Definition, Scope, Type


@operation(Access.PLATFORM_ADMIN)
def set_platform_value(
    actor: Actor,
    *,
    key: str,
    value: Any,
    environment: Environment | None = None,
    locked: bool | None = None,
) -> None:
    """Give a setting the value that holds where no tenant has one, or for all when it is locked.

    :param value: None: the registry's default
    :param environment: where the key has a value for each; all three when left out
    :param locked: None: as it is
    :raises SettingNotFound: there is no such key
    :raises TenantKeyOnly: each tenant has a value of its own and the platform none
    :raises NotLockable: tenants may always set this key
    :raises ValidationFailed: at value
    """
    definition = _definition(key)
    if definition.bound is not None:
        raise TenantKeyOnly
    _impose(actor, definition, None, environment, value, locked)


@operation(Access.PLATFORM_ADMIN)
def set_tenant_value(
    actor: Actor,
    *,
    tenant_id: int,
    key: str,
    value: Any,
    environment: Environment | None = None,
    locked: bool | None = None,
) -> bool:
    """Set one organization's value from above, and say whether that locked it; None is the platform's value.

    :raises SettingNotFound: there is no such key
    :raises NotTenantKey: only the platform has a value
    :raises NotLockable: tenants may always set this key
    :raises ValidationFailed: at value
    """
    definition = _definition(key)
    if definition.scope is not Scope.TENANT:
        raise NotTenantKey
    return _impose(actor, definition, tenant_id, environment, value, locked)


@operation(Access.PLATFORM_ADMIN)
def revert_platform_value(actor: Actor, *, change_id: int) -> str:
    """Put back what a platform's value was before one of its changes, and return its key.

    :raises ChangeNotFound: if it is none of the platform's own
    :raises ValueNotKept: of a secret, and of a lock
    :raises ValidationFailed: at value, if the registry takes it no more
    """
    change = find_change(change_id, tenant_id=None)
    environment = Environment(change.environment) if change.environment else None
    set_platform_value(actor, key=change.key, value=earlier(change), environment=environment)
    return change.key


def _definition(key: str) -> Definition:
    try:
        return DEFINITIONS[key]
    except KeyError as error:
        raise SettingNotFound from error


def _impose(
    actor: Actor,
    definition: Definition,
    tenant_id: int | None,
    environment: Environment | None,
    value: Any,
    locked: bool | None,
) -> bool:
    if locked and not definition.lock:
        raise NotLockable
    secret = definition.type is Type.SECRET and value == changing.MASK
    checked = value if secret else checked_value(definition, value)
    places = places_of(definition, tenant_id=tenant_id, environment=environment)
    actor = replace(actor, tenant_id=tenant_id)  # the trail is the organization's concerned, or nobody's
    changing.put(actor, definition, places, checked)
    if locked is None or not definition.lock:
        return False
    changed = changing.lock(actor, definition, places, locked=locked)
    if changed and definition.key in LOCKED_TOGETHER:
        along = DEFINITIONS[LOCKED_TOGETHER[definition.key]]
        changing.lock_along(actor, along, Places(tenant_id, from_above=True), locked=locked)
    return changed and locked
