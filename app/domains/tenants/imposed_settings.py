"""What the platform's admins set in one organization: found by its id, told to its owner and admins."""

from typing import Any

import sqlalchemy as sa

from app.core.access import Access, Actor, operation
from app.core.db import db, is_named
from app.core.environments import Environment
from app.core.ids import Ref
from app.domains.email import mails
from app.domains.settings import administration, sheet
from app.domains.settings.sheet import Standing
from app.domains.tenants import heads
from app.domains.tenants import setting_columns as _columns  # noqa: F401 - registers itself
from app.domains.tenants.models import Tenant
from app.domains.tenants.queries import TenantNotFound


@operation(Access.PLATFORM_ADMIN)
def named(actor: Actor, *, tenant: Ref) -> Tenant:
    """Return an organization by its id, whatever its state.

    :raises TenantNotFound: if there is none
    """
    found = db.session.scalar(sa.select(Tenant).where(is_named(Tenant, tenant)))
    if found is None:
        raise TenantNotFound
    return found


@operation(Access.PLATFORM_ADMIN)
def impose(
    actor: Actor,
    *,
    key: str,
    value: Any,
    tenant: Ref | None = None,
    environment: Environment | None = None,
    locked: bool | None = None,
) -> Standing:
    """Set a platform's value, or one organization's from above, and return how it stands then.

    :param environment: all three when left out, of which prod is shown
    :param locked: None: as it is; an organization's owner and admins are told when theirs is locked
    :raises TenantNotFound: if there is no such organization
    :raises SettingNotFound, TenantKeyOnly, NotTenantKey, NotLockable, ValidationFailed: as
        ``settings.administration``
    """
    changes: dict[str, Any] = {"key": key, "value": value, "environment": environment, "locked": locked}
    if tenant is None:
        administration.set_platform_value(actor, **changes)
        return _now(actor, key, None, environment)
    found = named(actor, tenant=tenant)
    was_locked = administration.set_tenant_value(actor, tenant_id=found.id, **changes)
    stands = _now(actor, key, found.id, environment)
    if was_locked:
        _tell(found, stands)
    return stands


def _now(actor: Actor, key: str, tenant_id: int | None, environment: Environment | None) -> Standing:
    db.session.flush()  # what is shown is asked for in SQL
    shown_in = environment or Environment.PROD
    return sheet.administered(actor, tenant_id=tenant_id, environment=shown_in, keys=[key])[0]


def _tell(tenant: Tenant, standing: Standing) -> None:
    for person in heads.to_tell(tenant.id):
        mails.setting_lock(
            person.email,
            first_name=person.greeting,
            tenant_name=tenant.name,
            tenant_id=tenant.id,
            setting_label=standing.definition.label,
            value=_written(standing),
        )


def _written(standing: Standing) -> str:
    value = standing.value
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ", ".join(value) or "nothing"
    return "nothing" if value is None else str(value)
