"""The migrations make what the models say, and can be taken back."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import flask_migrate
import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from flask import Flask

from app import create_app
from app.core.db import db
from app.core.settings import Settings, use_settings

_TENANT = """
INSERT INTO tenants (id, uid, slug, name, status, created_at, updated_at)
VALUES (1, '00000000000000000000000000000001', 'acme', 'Acme', 'active', '2026-01-01', '2026-01-01')
"""
_EXPORT = """
INSERT INTO tenant_exports (id, uid, tenant_id, state, progress, folder, position, why, requested_at)
VALUES (1, '00000000000000000000000000000002', 1, 'ready', 100, 'x', '{}', '', '2026-01-01')
"""
MIGRATIONS = str(Path(__file__).resolve().parents[2] / "migrations")


@pytest.fixture
def empty(settings: Settings, new_database: Callable[[], str]) -> Iterator[Flask]:
    """Give an application whose database has no tables yet."""
    application = create_app(replace(settings, database_url=new_database()))
    try:
        with application.app_context():
            yield application
            db.session.remove()
            db.engine.dispose()
    finally:
        use_settings(settings)


def tables() -> set[str]:
    return set(sa.inspect(db.engine).get_table_names()) - {"alembic_version", "sqlite_sequence"}


def test_the_migrated_schema_is_what_the_models_say(empty: Flask) -> None:
    flask_migrate.upgrade(directory=MIGRATIONS)
    flask_migrate.check(directory=MIGRATIONS)  # exits if autogenerate would write anything


def test_every_migration_can_be_taken_back_and_run_again(empty: Flask) -> None:
    flask_migrate.upgrade(directory=MIGRATIONS)
    made = tables()
    with db.engine.begin() as connection:
        connection.exec_driver_sql(_TENANT)
        connection.exec_driver_sql(_EXPORT)
    flask_migrate.downgrade(directory=MIGRATIONS, revision="0027")
    flask_migrate.upgrade(directory=MIGRATIONS)  # with the row that is there
    with db.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT why FROM tenant_exports").scalars().all() == [""]
    flask_migrate.downgrade(directory=MIGRATIONS, revision="base")
    assert tables() == set()
    flask_migrate.upgrade(directory=MIGRATIONS)
    assert tables() == made


def test_there_is_one_line_of_migrations() -> None:
    assert len(ScriptDirectory(MIGRATIONS).get_heads()) == 1


def test_foreign_keys_hold_after_an_upgrade(empty: Flask) -> None:
    """On SQLite an upgrade switches them off for itself; its connection must not serve anybody else."""
    flask_migrate.upgrade(directory=MIGRATIONS)
    with pytest.raises(sa.exc.IntegrityError), db.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO held_handles (handle, user_id, until) VALUES ('nobody', 4711, '2026-01-01 00:00:00')"
        )
