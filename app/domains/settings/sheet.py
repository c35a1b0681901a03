"""Settings as they are shown: what each is worth now, from whom, who may change it, who changed it last."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from app.core.access import Access, Actor, operation
from app.core.db import read
from app.core.environments import Environment
from app.core.permissions import Permission
from app.domains.settings import columns
from app.domains.settings.changing import MASK
from app.domains.settings.errors import CategoryNotFound, SettingNotFound
from app.domains.settings.history import Changer, changer_of, with_changers
from app.domains.settings.models import SettingChange
from app.domains.settings.queries import Rows, in_force, opened, place, stored
from app.domains.settings.registry import CATEGORIES, DEFINITIONS, Definition, Scope, Type, Value


class Source(StrEnum):
    """Where a value is from."""

    DEFAULT = "DEFAULT"
    GLOBAL = "GLOBAL"
    TENANT = "TENANT"


@dataclass(frozen=True)
class Standing:
    """One setting as it stands; a secret's value is masked."""

    definition: Definition
    value: Value
    source: Source
    own: Value
    """The value at the place that is looked at, whether or not it holds; None: there is none."""
    fallback: Value
    """What holds without a value of its own."""
    is_locked: bool
    """Whether the platform's admin holds it."""
    may_change: bool
    """Whether whoever asks could change it now."""
    environment: str = ""
    """Empty where one value serves all three."""
    changed_at: datetime | None = None
    changed_by: Changer | None = None
    """Who changed the value at this place last."""

    @property
    def key(self) -> str:
        """Return the setting's name."""
        return self.definition.key

    @property
    def is_own(self) -> bool:
        """Say whether the organization's own value holds."""
        return self.source is Source.TENANT


@dataclass(frozen=True)
class Section:
    title: str
    settings: Sequence[Standing]


@dataclass(frozen=True)
class Group:
    """Sections of one kind: ``scope`` is that of all its keys."""

    title: str
    scope: Scope
    sections: Sequence[Section]


@dataclass(frozen=True)
class Resource:
    """The first level of the tree."""

    name: str
    groups: Sequence[Group]


@operation(Access.TENANT)
def in_organization(actor: Actor) -> Sequence[Standing]:
    """Return every setting that organizations have as it stands in the actor's, where they work."""
    return _of_tenant(actor, _TENANT_KEYS)


@operation(Access.TENANT)
def in_category(actor: Actor, *, category: str) -> Sequence[Standing]:
    """Return the settings of one category.

    :raises CategoryNotFound: if there is none of that name
    """
    if category not in CATEGORIES:
        raise CategoryNotFound
    return _of_tenant(actor, [one for one in _TENANT_KEYS if one.category == category])


@operation(Access.TENANT)
def one_of(actor: Actor, *, key: str) -> Standing:
    """Return one setting as it stands in the actor's organization, where they work.

    :raises SettingNotFound: if there is none, or only the platform has it
    """
    definition = DEFINITIONS.get(key)
    if definition is None or definition.scope is not Scope.TENANT:
        raise SettingNotFound
    return _of_tenant(actor, [definition])[0]


@operation(Access.TENANT)
def tree(actor: Actor) -> Sequence[Resource]:
    """Return what ``in_organization`` does as a tree."""
    return grown(in_organization(actor))


@operation(Access.PLATFORM_ADMIN)
def administered(
    actor: Actor,
    *,
    tenant_id: int | None = None,
    environment: Environment = Environment.PROD,
    keys: Collection[str] = (),
) -> Sequence[Standing]:
    """Return all settings, or those named, with the platform's own values, or those in force for one tenant.

    :raises SettingNotFound: if one of those named is not there
    """
    if not DEFINITIONS.keys() >= set(keys):
        raise SettingNotFound
    wanted = [DEFINITIONS[key] for key in keys] or list(DEFINITIONS.values())
    return _standings(wanted, tenant_id, environment, may=True, from_above=True)


@operation(Access.PLATFORM_ADMIN)
def administered_tree(
    actor: Actor, *, tenant_id: int | None = None, environment: Environment = Environment.PROD
) -> Sequence[Resource]:
    """Return what ``administered`` does as a tree."""
    return grown(administered(actor, tenant_id=tenant_id, environment=environment))


def grown(standings: Iterable[Standing]) -> Sequence[Resource]:
    """Return settings by resource, group and section, in the registry's order."""
    found: dict[str, dict[tuple[str, Scope], dict[str, list[Standing]]]] = {}
    for standing in standings:
        resource, group, section = standing.definition.tree
        groups = found.setdefault(resource, {})
        groups.setdefault((group, standing.definition.scope), {}).setdefault(section, []).append(standing)
    return [
        Resource(
            name,
            [
                Group(title, scope, [Section(section, items) for section, items in sections.items()])
                for (title, scope), sections in groups.items()
            ],
        )
        for name, groups in found.items()
    ]


_TENANT_KEYS = [one for one in DEFINITIONS.values() if one.scope is Scope.TENANT]


def _of_tenant(actor: Actor, wanted: Sequence[Definition]) -> Sequence[Standing]:
    may = actor.may(Permission.SETTINGS_MANAGE) and (actor.kind != "api_token" or "write" in actor.scopes)
    return _standings(wanted, actor.tenant_id, actor.environment, may=may, from_above=False)


def _standings(
    wanted: Sequence[Definition],
    tenant_id: int | None,
    environment: Environment,
    *,
    may: bool,
    from_above: bool,
) -> Sequence[Standing]:
    rows = stored([one for one in wanted if one.bound is None], tenant_id, environment)
    has_bound = tenant_id is not None and any(one.bound for one in wanted)
    bound = columns.read(tenant_id or 0) if has_bound else {}
    latest = _latest(tenant_id, [one.key for one in wanted], environment)
    return [
        _standing(definition, rows, bound, latest, tenant_id, environment, may=may, from_above=from_above)
        for definition in wanted
    ]


def _standing(
    definition: Definition,
    rows: Rows,
    bound: Mapping[str, Value],
    latest: Mapping[str, sa.Row[Any]],
    tenant_id: int | None,
    environment: Environment,
    *,
    may: bool,
    from_above: bool,
) -> Standing:
    key, change = definition.key, latest.get(definition.key)
    told: dict[str, Any] = {
        "environment": place(definition, environment),
        "changed_at": change.at if change else None,
        "changed_by": changer_of(change, from_above=from_above) if change else None,
    }
    if definition.bound is not None:
        there = tenant_id is not None
        value = bound.get(definition.bound) if there else definition.default
        source = Source.TENANT if there else Source.DEFAULT
        return Standing(definition, value, source, value, None, False, may and there, **told)
    here, platform = rows.get((key, tenant_id)), rows.get((key, None))
    chosen = in_force(definition, rows, tenant_id)
    source = (
        Source.DEFAULT if chosen is None else Source.GLOBAL if chosen.tenant_id is None else Source.TENANT
    )
    is_locked = any(row is not None and row.locked for row in (here, platform))
    shown: dict[str, Any] = {
        "value": definition.default if chosen is None else _shown(definition, chosen),
        "own": _shown(definition, here) if here is not None and definition.can_hold(here.value) else None,
        "fallback": _fallback(definition, platform if tenant_id is not None else None),
    }
    may_change = may and (from_above or not is_locked)
    return Standing(definition, source=source, is_locked=is_locked, may_change=may_change, **shown, **told)


def _fallback(definition: Definition, platform: Any) -> Value:
    if platform is None or not definition.can_hold(platform.value):
        return definition.default
    return _shown(definition, platform)


def _shown(definition: Definition, row: Any) -> Value:
    return MASK if definition.type is Type.SECRET else opened(definition, row)


def _latest(
    tenant_id: int | None, keys: Sequence[str], environment: Environment
) -> Mapping[str, sa.Row[Any]]:
    """Return the newest change of each setting's value at a place, with who made it: one query."""
    owner = SettingChange.tenant_id
    newest = (
        sa.select(sa.func.max(SettingChange.id))
        .where(
            owner.is_(None) if tenant_id is None else owner == tenant_id,
            SettingChange.key.in_(keys),
            SettingChange.environment.in_(["", str(environment)]),
            SettingChange.locked.is_(None),
        )
        .group_by(SettingChange.key)
    )
    found = with_changers(sa.select(SettingChange.key)).where(SettingChange.id.in_(newest))
    return {row.key: row for row in read(found)}
