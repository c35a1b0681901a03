"""Writing a setting down: the row held, the history, the trail; what may be written is decided elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.core.access import Actor
from app.core.db import db
from app.core.environments import Environment
from app.core.errors import ValidationFailed
from app.core.secrets import seal
from app.domains.audit import operations as audit
from app.domains.audit.kinds import AuditKind
from app.domains.settings import columns
from app.domains.settings.errors import SettingLocked
from app.domains.settings.models import SettingChange, SettingValue
from app.domains.settings.queries import seal_context
from app.domains.settings.registry import Definition, Type, Value

MASK = "********"
"""What stands for a secret wherever it is shown; sent back, it changes nothing."""

MOST_CHANGES = 200
"""So many changes of a place are kept; the trail has them all."""


@dataclass(frozen=True)
class Places:
    """Whose value it is, and in which environments; several only where the platform's admin names none."""

    tenant_id: int | None
    environments: Sequence[str] = ("",)
    from_above: bool = False
    """Whether the platform's admin sets it: a lock does not hold them."""


def places_of(
    definition: Definition, *, tenant_id: int | None, environment: Environment | None, from_above: bool = True
) -> Places:
    """Return where a value is kept: in the environment named, in all three where none is, in none by name."""
    if not definition.env:
        return Places(tenant_id, ("",), from_above)
    named = [environment] if environment is not None else list(Environment)
    return Places(tenant_id, sorted(str(one) for one in named), from_above)


def put(actor: Actor, definition: Definition, places: Places, value: Value) -> None:
    """Set a value, or with None give it back; one row in the trail, none where nothing changes.

    :raises SettingLocked: if the platform holds the organization's own row by now
    :raises ValidationFailed: at value, if the row that has a bound value does not take it
    """
    if definition.type is Type.SECRET and value == MASK:
        return
    if definition.bound is not None:
        _put_column(actor, definition, places, value)
        return
    kept = _kept(definition, places.tenant_id, value)
    rows = [_held(places.tenant_id, definition.key, environment) for environment in places.environments]
    changed = [row for row in rows if row.value != kept]
    if any(row.locked for row in rows) and places.tenant_id is not None and not places.from_above:
        raise SettingLocked
    if not changed:
        return
    before = changed[0].value
    for row in changed:
        _remember(actor, definition, places, row.environment, row.value, kept)
        row.value, row.updated_by_id = kept, actor.user_id
    _tell(actor, definition, places, ("setting", changed[0].id), before, kept)


def lock(actor: Actor, definition: Definition, places: Places, *, locked: bool) -> bool:
    """Lock or free a setting at its places and say whether that changed anything; one row in the trail."""
    rows = [_held(places.tenant_id, definition.key, environment) for environment in places.environments]
    changed = [row for row in rows if row.locked != locked]
    for row in changed:
        _remember(actor, definition, places, row.environment, None, None, locked=locked)
        row.locked = locked
    if changed:
        audit.record(
            actor,
            AuditKind.SETTING_LOCKED if locked else AuditKind.SETTING_UNLOCKED,
            subject=("setting", changed[0].id),
            tenant_id=places.tenant_id,
            changes={"key": definition.key, "environment": _named(places)},
        )
    return bool(changed)


def lock_along(actor: Actor, definition: Definition, places: Places, *, locked: bool) -> None:
    """Lock a setting with the one that it belongs to, one thing in the trail; its value stays."""
    for environment in places.environments:
        row = _held(places.tenant_id, definition.key, environment)
        if row.locked != locked:
            _remember(actor, definition, places, environment, None, None, locked=locked)
            row.locked = locked


def _put_column(actor: Actor, definition: Definition, places: Places, value: Value) -> None:
    tenant_id = places.tenant_id or 0
    try:
        before = columns.write(tenant_id, str(definition.bound), value)
    except ValueError as error:
        raise ValidationFailed({"value": [str(error)]}) from error
    if before != value:
        _remember(actor, definition, places, "", before, value)
        _tell(actor, definition, places, ("tenant", tenant_id), before, value)


def _kept(definition: Definition, tenant_id: int | None, value: Value) -> Any:
    if definition.type is Type.SECRET:
        sealed = seal(str(value), seal_context(definition.key, tenant_id)) if value else None
        return sealed and sealed.inside()
    return list(value) if isinstance(value, tuple) else value


def _held(tenant_id: int | None, key: str, environment: str) -> SettingValue:
    """Return the row of a place, held until the transaction ends; of two who make it at once one waits."""
    query = (
        sa.select(SettingValue)
        .where(
            SettingValue.key == key,
            SettingValue.environment == environment,
            SettingValue.tenant_id.is_(None) if tenant_id is None else SettingValue.tenant_id == tenant_id,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = db.session.scalar(query)
    if found is not None:
        return found
    row = SettingValue(tenant_id=tenant_id, key=key, environment=environment, value=None, locked=False)
    try:
        with db.session.begin_nested():
            db.session.add(row)
            db.session.flush()  # the unique place decides between two at once; also generates row.id
    except IntegrityError:
        return db.session.scalars(query).one()
    return row


def _remember(
    actor: Actor,
    definition: Definition,
    places: Places,
    environment: str,
    before: Any,
    after: Any,
    *,
    locked: bool | None = None,
) -> None:
    secret = definition.type is Type.SECRET
    db.session.add(
        SettingChange(
            tenant_id=places.tenant_id,
            key=definition.key,
            environment=environment,
            by_id=actor.user_id,
            from_above=places.from_above,
            dialect=actor.origin.dialect,
            before=None if secret else _plain(before),
            after=None if secret else _plain(after),
            locked=locked,
        )
    )
    _forget_the_oldest(places.tenant_id, definition.key, environment)


def _forget_the_oldest(tenant_id: int | None, key: str, environment: str) -> None:
    here = (
        SettingChange.tenant_id.is_(None) if tenant_id is None else SettingChange.tenant_id == tenant_id,
        SettingChange.key == key,
        SettingChange.environment == environment,
    )
    newest = sa.select(SettingChange.id).where(*here).order_by(SettingChange.id.desc())
    first_gone = newest.offset(MOST_CHANGES).limit(1).scalar_subquery()
    db.session.execute(
        sa.delete(SettingChange)
        .where(*here, SettingChange.id <= first_gone)
        .execution_options(synchronize_session=False)
    )


def _tell(
    actor: Actor,
    definition: Definition,
    places: Places,
    subject: tuple[str, int],
    before: Any,
    after: Any,
) -> None:
    secret = definition.type is Type.SECRET
    values = {} if secret else {"value": {"from": _plain(before), "to": _plain(after)}}
    audit.record(
        actor,
        AuditKind.SETTING_UPDATED,
        subject=subject,
        tenant_id=places.tenant_id,
        changes={"key": definition.key, "environment": _named(places), **values},
    )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _named(places: Places) -> str | None:
    return (places.environments[0] or None) if len(places.environments) == 1 else None
