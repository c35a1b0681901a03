"""Setting what an admin decides: an organization's own values, and going back to earlier ones."""

import ipaddress
from typing import Any

import sqlalchemy as sa

from app.core.access import Access, Actor, NotOnBehalf, check, operation, working_in
from app.core.db import db
from app.core.environments import Environment
from app.core.errors import ValidationFailed
from app.core.permissions import Permission
from app.domains.settings import changing
from app.domains.settings.changing import MASK, places_of
from app.domains.settings.errors import (
    ChangeNotFound,
    FactorWouldLockOut,
    SettingLocked,
    SettingNotFound,
    ValueNotKept,
    WouldLockOut,
)
from app.domains.settings.factor_demand import DEMAND_KEYS, factor_demand
from app.domains.settings.models import SettingChange, SettingValue
from app.domains.settings.queries import place, values
from app.domains.settings.registry import DEFINITIONS, Definition, Scope, Type, Value
from app.domains.settings.validation import validate

_GIVING_RIGHTS = frozenset({"members.default_role", "members.default_profile_id", "members.domain_joining"})
"""Who sets these gives rights to people to come, themselves at another address included."""
_NOT_LENT = frozenset({"security", "members", "clients", "data"})
"""Categories of settings that support sets for nobody: who may enter, and what is kept of what was done."""


@operation(Permission.SETTINGS_MANAGE)
def set_value(actor: Actor, *, key: str, value: Any, environment: Environment | None = None) -> None:
    """Give a setting a value in the actor's organization; None gives it back to the platform.

    :param environment: where the key has a value for each environment; the actor's own when left out
    :raises SettingNotFound: there is no such key, or only the platform has a value
    :raises RoleRequired: it says what new people may do, and the actor is neither owner nor admin
    :raises NotOnBehalf: support sets who may enter the organization and how
    :raises SettingLocked: the platform holds it
    :raises ValidationFailed: at value
    :raises WouldLockOut: the actor's address is not among those that may work here
    :raises FactorWouldLockOut: the second factor is demanded at once, and the actor has not shown one
    """
    definition = tenant_key(key)
    if actor.impersonator is not None and definition.category in _NOT_LENT:
        raise NotOnBehalf
    if key in _GIVING_RIGHTS:
        check(actor, Access.TENANT_ADMIN)
    chosen = environment or actor.environment
    refuse_if_locked(definition, chosen)
    if definition.type is Type.SECRET and value == MASK:
        return
    checked = checked_value(definition, value)
    _check_own_way_in(actor, definition, checked, chosen)
    places = places_of(definition, tenant_id=actor.tenant_id, environment=chosen, from_above=False)
    changing.put(actor, definition, places, checked)


@operation(Access.TENANT_ADMIN)
def set_value_as_admin(actor: Actor, *, key: str, value: Any) -> None:
    """Do what ``set_value`` does where the role is asked for, not the permission (``api_v1.org_settings``).

    :raises SettingNotFound, SettingLocked, ValidationFailed, WouldLockOut, FactorWouldLockOut: as there
    """
    set_value(actor, key=key, value=value)


@operation(Permission.SETTINGS_MANAGE)
def revert(actor: Actor, *, change_id: int) -> str:
    """Put back what a setting was before one of its changes, and return its key; locks hold here too.

    A change of one environment is put back there, wherever the actor works now.

    :raises ChangeNotFound: if it is not the organization's
    :raises ValueNotKept: of a secret, and of a lock
    :raises SettingLocked, ValidationFailed, WouldLockOut, FactorWouldLockOut: as ``set_value``
    """
    change = find_change(change_id, tenant_id=actor.tenant_id)
    environment = Environment(change.environment) if change.environment else None
    if environment is not None:
        actor = working_in(actor, environment)
    set_value(actor, key=change.key, value=earlier(change), environment=environment)
    return change.key


def find_change(change_id: int, *, tenant_id: int | None) -> SettingChange:
    """Return a change of an organization's, or with None of the platform's own values.

    :raises ChangeNotFound: if there is none
    """
    owner = SettingChange.tenant_id
    found = db.session.scalar(
        sa.select(SettingChange).where(
            SettingChange.id == change_id, owner.is_(None) if tenant_id is None else owner == tenant_id
        )
    )
    if found is None or found.key not in DEFINITIONS:
        raise ChangeNotFound
    return found


def earlier(change: SettingChange) -> Any:
    """Return what a setting was before a change.

    :raises ValueNotKept: of a secret, and of a lock
    """
    if change.locked is not None or DEFINITIONS[change.key].type is Type.SECRET:
        raise ValueNotKept
    return change.before


def tenant_key(key: str) -> Definition:
    """Return the definition of a setting that organizations have.

    :raises SettingNotFound: there is none, or only the platform has it
    """
    definition = DEFINITIONS.get(key)
    if definition is None or definition.scope is not Scope.TENANT:
        raise SettingNotFound
    return definition


def refuse_if_locked(definition: Definition, environment: Environment) -> None:
    """Refuse what the platform holds for all organizations.

    :raises SettingLocked: if it does
    """
    held = db.session.scalar(
        sa.select(SettingValue.locked).where(
            SettingValue.tenant_id.is_(None),
            SettingValue.key == definition.key,
            SettingValue.environment == place(definition, environment),
        )
    )
    if held:
        raise SettingLocked


def checked_value(definition: Definition, value: Any) -> Value:
    """Return a value as it is kept; None gives a setting back.

    :raises ValidationFailed: at value
    """
    if value is None:
        return None
    try:
        return validate(definition, value)
    except ValueError as error:
        raise ValidationFailed({"value": [str(error)]}) from error


def _check_own_way_in(actor: Actor, definition: Definition, value: Value, environment: Environment) -> None:
    """Refuse what would leave whoever sets it standing outside."""
    key = definition.key
    if actor.kind == "system" or (key != "auth.ip_allowlist" and key not in DEMAND_KEYS):
        return
    coming = value if value is not None else values([key], environment=environment)[key]
    if key == "auth.ip_allowlist" and isinstance(coming, tuple):
        _check_own_address(actor, coming)
    elif key in DEMAND_KEYS:
        _check_own_factor(actor, key, coming)


def _check_own_address(actor: Actor, networks: tuple[str, ...]) -> None:
    if not networks or actor.origin.ip is None:
        return
    own = ipaddress.ip_address(actor.origin.ip)
    if not any(own in ipaddress.ip_network(network, strict=False) for network in networks):
        raise WouldLockOut


def _check_own_factor(actor: Actor, key: str, value: Value) -> None:
    """Refuse a demand that would begin now with whoever makes it standing outside."""
    before = values(DEMAND_KEYS, tenant_id=actor.tenant_id)
    if factor_demand(before).holds():
        return
    has_shown_it = actor.particulars.two_factor_enabled and (actor.factors > 1 or actor.kind == "api_token")
    if factor_demand({**before, key: value}).holds() and not has_shown_it:
        raise FactorWouldLockOut
