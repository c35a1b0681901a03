"""How a setting came to be what it is: its last changes, newest first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.core.access import Access, Actor, operation
from app.core.db import db
from app.core.environments import Environment
from app.core.paging import Page, Window
from app.core.permissions import Permission
from app.core.personal import not_exported
from app.domains.outlines.tables import MEMBERSHIPS, USERS
from app.domains.settings.errors import SettingNotFound
from app.domains.settings.models import SettingChange
from app.domains.settings.queries import place
from app.domains.settings.registry import DEFINITIONS, Definition, Scope, Type

not_exported(
    "setting_changes", "an organization's settings; that the person changed one is in their activity"
)


@dataclass(frozen=True)
class Changer:
    """Who changed something, as others may see it."""

    name: str
    """Empty: the platform's admins, whose names are not for organizations, or nobody who is still there."""
    membership_id: int | None = None
    avatar: str | None = None
    is_platform: bool = False


@dataclass(frozen=True)
class Change:
    """One change of a setting."""

    id: int
    definition: Definition
    environment: str
    at: datetime
    by: Changer
    dialect: str
    before: Any
    after: Any
    locked: bool | None
    """Whether it was locked or freed; None for a change of the value."""

    @property
    def is_secret(self) -> bool:
        """Say whether only that it changed is known."""
        return self.definition.type is Type.SECRET

    @property
    def can_be_undone(self) -> bool:
        """Say whether what was before is kept."""
        return self.locked is None and not self.is_secret


@operation(Permission.SETTINGS_VIEW)
def of_setting(actor: Actor, *, key: str, window: Window) -> Page[Change]:
    """Return the changes of a setting in the actor's organization, where they work, newest first.

    :raises SettingNotFound: there is no such key, or only the platform has it
    """
    definition = DEFINITIONS.get(key)
    if definition is None or definition.scope is not Scope.TENANT:
        raise SettingNotFound
    return _changes(definition, actor.tenant_id, actor.environment, window, from_above=False)


@operation(Access.PLATFORM_ADMIN)
def administered(
    actor: Actor, *, key: str, environment: Environment, window: Window, tenant_id: int | None = None
) -> Page[Change]:
    """Return the changes of a setting's platform value, or of one organization's, newest first.

    :raises SettingNotFound: there is no such key
    """
    if key not in DEFINITIONS:
        raise SettingNotFound
    return _changes(DEFINITIONS[key], tenant_id, environment, window, from_above=True)


def with_changers(query: sa.Select[Any]) -> sa.Select[Any]:
    """Add to a query of changes who made each."""
    mine = sa.and_(
        MEMBERSHIPS.c.tenant_id == SettingChange.tenant_id, MEMBERSHIPS.c.user_id == SettingChange.by_id
    )
    return (
        query.add_columns(
            SettingChange.at.label("at"),
            SettingChange.from_above.label("from_above"),
            USERS.c.first_name,
            USERS.c.last_name,
            USERS.c.email,
            USERS.c.avatar_url,
            MEMBERSHIPS.c.id.label("membership_id"),
        )
        .outerjoin(USERS, USERS.c.id == SettingChange.by_id)
        .outerjoin(MEMBERSHIPS, mine)
    )


def changer_of(row: sa.Row[Any], *, from_above: bool) -> Changer:
    """Return who made a change.

    :param from_above: whether a platform admin looks, who may know the platform's admins
    """
    platform = Changer("", is_platform=True)
    if row.from_above and not from_above:
        return platform
    name = f"{row.first_name or ''} {row.last_name or ''}".strip() or row.email or ""
    found = Changer(name, row.membership_id, row.avatar_url)
    return replace(found, is_platform=True) if row.from_above else found


def _changes(
    definition: Definition,
    tenant_id: int | None,
    environment: Environment,
    window: Window,
    *,
    from_above: bool,
) -> Page[Change]:
    owner = SettingChange.tenant_id
    here = (
        owner.is_(None) if tenant_id is None else owner == tenant_id,
        SettingChange.key == definition.key,
        SettingChange.environment == place(definition, environment),
    )
    total = db.session.scalar(sa.select(sa.func.count()).select_from(SettingChange).where(*here)) or 0
    rows = db.session.execute(
        with_changers(sa.select(SettingChange))
        .where(*here)
        .order_by(SettingChange.id.desc())
        .limit(window.limit)
        .offset(window.offset)
    ).all()
    return Page(_told(definition, rows, from_above=from_above), total, window)


def _told(definition: Definition, rows: Sequence[sa.Row[Any]], *, from_above: bool) -> Sequence[Change]:
    return [
        Change(
            row.SettingChange.id,
            definition,
            row.SettingChange.environment,
            row.SettingChange.at,
            changer_of(row, from_above=from_above),
            row.SettingChange.dialect,
            row.SettingChange.before,
            row.SettingChange.after,
            row.SettingChange.locked,
        )
        for row in rows
    ]
