"""Whose value of a setting holds, and what setting one leaves behind."""

from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.access import Actor, Origin, PermissionDenied, PlatformAdminRequired
from app.core.db import db
from app.core.environments import Environment
from app.core.errors import ValidationFailed
from app.core.permissions import Permission
from app.domains.accounts.models import User
from app.domains.audit.kinds import AuditKind
from app.domains.audit.models import AuditEvent
from app.domains.settings import administration, errors, operations, queries
from app.domains.settings.models import SettingValue
from app.domains.settings.registry import DEFINITIONS
from app.domains.tenants.models import Tenant


@dataclass(frozen=True)
class World:
    """Two organizations and one person, who is admin of whatever a test says."""

    acme: Tenant
    globex: Tenant
    jane: User

    @property
    def platform_admin(self) -> Actor:
        return Actor(kind="session", user_id=self.jane.id, is_platform_admin=True)

    def admin_of(self, tenant: Tenant, **more: Any) -> Actor:
        manage = frozenset({Permission.SETTINGS_MANAGE})
        return Actor(kind="session", user_id=self.jane.id, tenant_id=tenant.id, permissions=manage, **more)


@pytest.fixture
def world(in_app: Flask) -> World:
    acme, globex = Tenant(slug="acme-test", name="Acme"), Tenant(slug="globex-test", name="Globex")
    jane = User(
        email="jane@settings.example", email_key="jane@settings.example", first_name="Jane", last_name="Doe"
    )
    db.session.add_all([acme, globex, jane])
    db.session.flush()
    return World(acme, globex, jane)


def rows() -> list[AuditEvent]:
    return list(db.session.scalars(sa.select(AuditEvent).order_by(AuditEvent.id)))


def test_without_any_row_the_default_holds(in_app: Flask) -> None:
    keys = [key for key, definition in DEFINITIONS.items() if definition.bound is None]
    assert queries.values(keys) == {key: DEFINITIONS[key].default for key in keys}


def test_the_platforms_value_is_every_tenants_default(world: World) -> None:
    administration.set_platform_value(world.platform_admin, key="auth.password_min_length", value=12)
    assert queries.integer("auth.password_min_length") == 12
    assert queries.integer("auth.password_min_length", tenant_id=world.acme.id) == 12


def test_a_tenants_value_is_its_own_alone(world: World) -> None:
    acme, globex = world.acme, world.globex
    operations.set_value(world.admin_of(acme), key="auth.password_min_length", value=14)
    assert queries.integer("auth.password_min_length", tenant_id=acme.id) == 14
    assert queries.integer("auth.password_min_length", tenant_id=globex.id) == 10
    assert queries.by_tenant("auth.password_min_length", [acme.id, globex.id]) == {acme.id: 14, globex.id: 10}


def test_a_locked_platform_value_wins_and_cannot_be_set_beside(world: World) -> None:
    acme = world.acme
    operations.set_value(world.admin_of(acme), key="auth.mfa_enforced", value=False)
    administration.set_platform_value(world.platform_admin, key="auth.mfa_enforced", value=True, locked=True)
    assert queries.boolean("auth.mfa_enforced", tenant_id=acme.id) is True
    with pytest.raises(errors.SettingLocked):
        operations.set_value(world.admin_of(acme), key="auth.mfa_enforced", value=False)
    administration.set_platform_value(world.platform_admin, key="auth.mfa_enforced", value=True, locked=False)
    assert queries.boolean("auth.mfa_enforced", tenant_id=acme.id) is False
    kinds = [row.kind for row in rows()]
    assert kinds.count(AuditKind.SETTING_LOCKED) == kinds.count(AuditKind.SETTING_UNLOCKED) == 1


def test_a_key_marked_so_has_a_value_for_each_environment(world: World) -> None:
    acme = world.acme
    staging = world.admin_of(acme, environment=Environment.STAGING)
    operations.set_value(staging, key="clients.enabled", value=True)
    assert queries.boolean("clients.enabled", tenant_id=acme.id, environment=Environment.STAGING) is True
    assert queries.boolean("clients.enabled", tenant_id=acme.id, environment=Environment.PROD) is False
    assert queries.boolean("clients.enabled", tenant_id=acme.id) is False


def test_setting_twice_keeps_one_row_and_two_rows_of_the_trail(world: World) -> None:
    acme = world.acme
    for minutes in (5, 6):
        operations.set_value(world.admin_of(acme), key="chat.max_group_size", value=minutes)
    kept = db.session.scalars(sa.select(SettingValue).where(SettingValue.key == "chat.max_group_size")).all()
    assert [row.value for row in kept] == [6]
    assert [(row.kind, row.tenant_id, row.changes["value"]) for row in rows()] == [
        (AuditKind.SETTING_UPDATED, acme.id, {"from": None, "to": 5}),
        (AuditKind.SETTING_UPDATED, acme.id, {"from": 5, "to": 6}),
    ]


def test_a_secret_is_sealed_in_the_table_and_absent_from_the_trail(world: World) -> None:
    administration.set_platform_value(world.platform_admin, key="smtp.password", value="hunter2 hunter2")
    row = db.session.scalars(sa.select(SettingValue)).one()
    assert "hunter2" not in row.value
    assert queries.text("smtp.password") == "hunter2 hunter2"
    assert "hunter2" not in str([event.changes for event in rows()])


def test_lists_come_back_as_they_went(world: World) -> None:
    administration.set_platform_value(world.platform_admin, key="instance.languages", value=["de", "en"])
    assert queries.entries("instance.languages") == ("de", "en")


def test_what_cannot_be_set_says_why(world: World) -> None:
    acme = world.admin_of(world.acme, origin=Origin(ip="198.51.100.7"))
    with pytest.raises(errors.SettingNotFound):
        operations.set_value(acme, key="no.such_key", value=1)
    with pytest.raises(errors.SettingNotFound):
        operations.set_value(acme, key="smtp.host", value="mail.acme.example")
    with pytest.raises(errors.TenantKeyOnly):
        administration.set_platform_value(world.platform_admin, key="general.company_name", value="Acme")
    with pytest.raises(errors.NotLockable):
        administration.set_platform_value(
            world.platform_admin, key="instance.name", value="Acme", locked=True
        )
    with pytest.raises(errors.WouldLockOut):
        operations.set_value(acme, key="auth.ip_allowlist", value=["192.0.2.0/24"])
    with pytest.raises(ValidationFailed) as refused:
        operations.set_value(acme, key="auth.password_min_length", value=1)
    assert refused.value.fields == {"value": ["Give 8 or more."]}
    assert rows() == []


def test_only_those_who_may_set_values(world: World) -> None:
    charlie = Actor(kind="session", user_id=world.jane.id, tenant_id=world.globex.id)
    with pytest.raises(PermissionDenied):
        operations.set_value(charlie, key="chat.enabled", value=False)
    with pytest.raises(PlatformAdminRequired):
        administration.set_platform_value(world.admin_of(world.acme), key="instance.name", value="Mine")


def test_all_values_cost_one_query(in_app: Flask) -> None:
    counted: list[str] = []
    sa.event.listen(db.engine, "before_cursor_execute", lambda *args: counted.append(args[2]))
    keys = [key for key, definition in DEFINITIONS.items() if definition.bound is None]
    queries.values(keys, tenant_id=1, environment=Environment.DEV)
    assert len([statement for statement in counted if statement.startswith("SELECT")]) == 1


def test_a_key_that_is_another_rows_column_is_asked_for_there(in_app: Flask) -> None:
    with pytest.raises(ValueError, match="tenant\\.name"):
        queries.value("general.company_name")
