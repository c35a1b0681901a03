"""What a setting is worth: a locked platform value, else the tenant's, the platform's, the default."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.core.db import read
from app.core.environments import Environment
from app.core.sealing import Place, sealed_inside
from app.core.secrets import Sealed, unseal
from app.domains.settings.models import SettingValue
from app.domains.settings.registry import DEFINITIONS, Definition, Type, Value


def value(key: str, *, tenant_id: int | None = None, environment: Environment | None = None) -> Value:
    """Return one setting's value; ``values`` asks for several in one query."""
    return values([key], tenant_id=tenant_id, environment=environment)[key]


def values(
    keys: Collection[str], *, tenant_id: int | None = None, environment: Environment | None = None
) -> dict[str, Value]:
    """Return the values of several settings with one query.

    Keys with a value for each environment answer for the one named, else for prod.

    :raises KeyError: for a key that is not in the registry
    :raises ValueError: for a key whose value is a column of another row
    """
    owner = -1 if tenant_id is None else tenant_id
    rows = _rows([definition_of(key) for key in keys], [owner], environment)
    return {key: effective(DEFINITIONS[key], rows, owner) for key in keys}


def by_tenant(
    key: str, tenant_ids: Collection[int], *, environment: Environment | None = None
) -> dict[int, Value]:
    """Return what one setting is worth in each of several tenants, with one query."""
    definition = definition_of(key)
    rows = _rows([definition], tenant_ids, environment)
    return {tenant_id: effective(definition, rows, tenant_id) for tenant_id in tenant_ids}


def locked(keys: Collection[str], *, tenant_id: int) -> frozenset[str]:
    """Return which of several settings the platform holds, for all or for one tenant, with one query."""
    rows = _rows([definition_of(key) for key in keys], [tenant_id], None)
    return frozenset(key for (key, _), row in rows.items() if row.locked)


def integer(key: str, *, tenant_id: int | None = None, environment: Environment | None = None) -> int:
    """Return the value of a setting that is a number."""
    found = value(key, tenant_id=tenant_id, environment=environment)
    if not isinstance(found, int):
        raise TypeError(f"{key} is no number")
    return found


def integers(keys: Collection[str], *, tenant_id: int | None = None) -> dict[str, int]:
    """Return the values of several settings that are numbers, with one query."""
    found = values(keys, tenant_id=tenant_id)
    return {key: found_one for key, found_one in found.items() if isinstance(found_one, int)}


def boolean(key: str, *, tenant_id: int | None = None, environment: Environment | None = None) -> bool:
    """Return the value of a setting that is a switch."""
    return value(key, tenant_id=tenant_id, environment=environment) is True


def text(key: str, *, tenant_id: int | None = None, environment: Environment | None = None) -> str | None:
    """Return the value of a setting that is a word, an address, a text."""
    found = value(key, tenant_id=tenant_id, environment=environment)
    return None if found is None else str(found)


@dataclass(frozen=True)
class InstanceFace:
    """What stands on every page of an instance: its name, and the languages it can be read in."""

    name: str
    languages: tuple[str, ...]


def instance_face() -> InstanceFace:
    """Return name and languages of the instance; the defaults while the database does not answer.

    The page that says so is asked for them too.
    """
    try:
        return _face(_stored_for(_FACE, []))
    except (DBAPIError, PoolTimeout):
        return _face({})


def house_style(tenant_id: int) -> tuple[str, str]:
    """Return how an organization writes dates and times, for its people who have no locale of their own."""
    return _style(_stored_for(_HOUSE_STYLE, [tenant_id]), tenant_id)


def face_and_style(tenant_id: int) -> tuple[InstanceFace, tuple[str, str]]:
    """Return both with one query, the defaults of both while the database does not answer."""
    try:
        rows = _stored_for((*_FACE, *_HOUSE_STYLE), [tenant_id])
    except (DBAPIError, PoolTimeout):
        rows = {}
    return _face(rows), _style(rows, tenant_id)


def first_day_of_week(tenant_id: int | None) -> str:
    """Return with which day weeks begin, in one organization's calendar or where there is none."""
    return text("localization.first_day_of_week", tenant_id=tenant_id) or "monday"


def _stored_for(keys: Iterable[str], tenant_ids: Collection[int]) -> "Rows":
    return _rows([definition_of(key) for key in keys], tenant_ids, None)


def _face(rows: "Rows") -> InstanceFace:
    name, spoken = (effective(DEFINITIONS[key], rows, -1) for key in _FACE)
    return InstanceFace(str(name or ""), as_entries(spoken))


def _style(rows: "Rows", tenant_id: int) -> tuple[str, str]:
    day, time = (str(effective(DEFINITIONS[key], rows, tenant_id)) for key in _HOUSE_STYLE)
    return day, time


_HOUSE_STYLE = ("localization.date_format", "localization.time_format")


def instance_name() -> str:
    """Return what the instance is called."""
    return instance_face().name


_FACE = ("instance.name", "instance.languages")


def entries(
    key: str, *, tenant_id: int | None = None, environment: Environment | None = None
) -> tuple[str, ...]:
    """Return the value of a setting that is a list."""
    return as_entries(value(key, tenant_id=tenant_id, environment=environment))


def as_entries(found: Value) -> tuple[str, ...]:
    """Return the value of a setting that is a list, one of several asked for together."""
    return found if isinstance(found, tuple) else ()


def default_of(key: str) -> str:
    """Return what a setting that is a word is worth where nobody has set it."""
    return str(DEFINITIONS[key].default)


def definition_of(key: str) -> Definition:
    """Return the definition of a setting that has rows here.

    :raises KeyError: for a key that is not in the registry
    :raises ValueError: for a key whose value is a column of another row
    """
    definition = DEFINITIONS[key]
    if definition.bound is not None:
        raise ValueError(f"{key} is {definition.bound}: ask for that")
    return definition


def place(definition: Definition, environment: Environment | None) -> str:
    """Return the environment under which a value is kept, empty where all share one."""
    return str(environment or Environment.PROD) if definition.env else ""


def seal_context(key: str, tenant_id: int | None) -> str:
    """Return what a secret value is sealed with besides the key: its place, so that it opens nowhere else."""
    return f"setting:{key}:{tenant_id or 'platform'}"


def _secret_in(row: sa.Row[Any], value: Any) -> tuple[Sealed, str] | None:
    return (Sealed(value), seal_context(row.key, row.tenant_id)) if value else None


sealed_inside(
    Place(
        SettingValue.__table__.c.value,
        ("key", "tenant_id"),
        lambda: SettingValue.key.in_([key for key, one in DEFINITIONS.items() if one.type is Type.SECRET]),
        _secret_in,
        lambda _, fresh: fresh.inside(),
    )
)


def stored(
    definitions: Iterable[Definition], tenant_id: int | None, environment: Environment | None
) -> "Rows":
    """Return what is stored for several settings: the platform's rows and one organization's, one query."""
    return _rows(definitions, [] if tenant_id is None else [tenant_id], environment)


Rows = Mapping[tuple[str, int | None], sa.Row[Any]]
"""What is stored, by key and organization: rows with key, tenant_id, value and locked."""


def _rows(
    definitions: Iterable[Definition], tenant_ids: Collection[int], environment: Environment | None
) -> Rows:
    chosen = list(definitions)
    wanted = {
        "keys": [definition.key for definition in chosen],
        "places": list({place(definition, environment) for definition in chosen}),
        "tenant_ids": list(tenant_ids),
    }
    return {(row.key, row.tenant_id): row for row in read(_ROWS, wanted)}


_ROWS = sa.select(SettingValue.key, SettingValue.tenant_id, SettingValue.value, SettingValue.locked).where(
    SettingValue.key.in_(sa.bindparam("keys", expanding=True)),
    SettingValue.environment.in_(sa.bindparam("places", expanding=True)),
    sa.or_(
        SettingValue.tenant_id.is_(None),
        SettingValue.tenant_id.in_(sa.bindparam("tenant_ids", expanding=True)),
    ),
)
"""Made once: nearly every call asks for some setting."""


def effective(definition: Definition, rows: Rows, tenant_id: int) -> Value:
    """Return what a setting is worth in an organization, of the rows that are stored for it."""
    found = in_force(definition, rows, tenant_id)
    return definition.default if found is None else opened(definition, found)


def in_force(definition: Definition, rows: Rows, tenant_id: int | None) -> sa.Row[Any] | None:
    """Return the row whose value holds, None for the default; what is no value any more counts as none."""
    platform, own = rows.get((definition.key, None)), rows.get((definition.key, tenant_id))
    by_rank = (platform,) if platform is not None and platform.locked else (own, platform)
    for row in by_rank:
        if row is not None and definition.can_hold(row.value):
            return row
    return None


def opened(definition: Definition, row: sa.Row[Any]) -> Value:
    """Return a row's value as the product works with it."""
    if definition.type is Type.SECRET:
        return unseal(Sealed(row.value), seal_context(definition.key, row.tenant_id))
    return tuple(row.value) if isinstance(row.value, list) else row.value
