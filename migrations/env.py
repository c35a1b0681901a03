"""Runs migrations on the instance's database: one at a time, each upgrade as one transaction."""

import pkgutil
import re
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext
from flask import current_app

import app.core
import app.domains
from app.core.db import Base, UTCDateTime, Words, db
from app.core.partitions import PARTITIONED
from app.core.sealing import SealedText

_ONE_AT_A_TIME = 0x504F5254
"""The number of the lock that two upgrades at once wait for on PostgreSQL."""

WHERE_POSSIBLE = {"ix_memberships_search"}
"""Indexes that only some servers can have: no model names them."""

PARTITION = re.compile(rf"({'|'.join(PARTITIONED)})_(y\d{{4}}m\d{{2}}|rest)")


def know_all_tables() -> None:
    """Import whatever defines tables: all of core, and each domain's models."""
    for module in pkgutil.iter_modules(app.core.__path__):
        import_module(f"app.core.{module.name}")
    for domain in pkgutil.iter_modules(app.domains.__path__):
        models = f"app.domains.{domain.name}.models"
        if find_spec(models):
            import_module(models)


def render_item(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """Write our own column types as plain ones: a migration must not change with the code."""
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Words):
        return "sa.String(length=40)"
    if kind == "type" and isinstance(item, SealedText):
        return "sa.Text()" if item.length is None else f"sa.String(length={item.length})"
    return False


def include_name(name: str | None, kind: str, _parents: Any) -> bool:
    """Leave partitions out: what is said of their table holds for them; and indexes of some servers only."""
    if kind == "index":
        return name not in WHERE_POSSIBLE
    return kind != "table" or not PARTITION.fullmatch(name or "")


def drop_empty(_context: Any, _revision: Any, directives: list[Any]) -> None:
    """Write no file when nothing changed."""
    if getattr(context.config.cmd_opts, "autogenerate", False) and directives[0].upgrade_ops.is_empty():
        directives[:] = []


def run_migrations() -> None:
    options = {
        **current_app.extensions["migrate"].configure_args,
        "target_metadata": Base.metadata,
        "compare_type": True,
        "render_item": render_item,
        "include_name": include_name,
        "process_revision_directives": drop_empty,
        "transactional_ddl": True,  # SQLite too: we begin its transactions ourselves
    }
    if context.is_offline_mode():
        context.configure(
            url=db.engine.url, literal_binds=True, dialect_opts={"paramstyle": "named"}, **options
        )
        with context.begin_transaction():
            context.run_migrations()
        return
    with db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            keep_rows_while_tables_are_rebuilt(connection)
        context.configure(connection=connection, **options)
        with context.begin_transaction():
            if connection.dialect.name == "postgresql":
                wait_for_others(connection)
            context.run_migrations()


def keep_rows_while_tables_are_rebuilt(connection: sa.Connection) -> None:
    """Switch foreign keys off: dropping the old copy of a table would delete what points to it.

    The pragma does nothing inside a transaction, so it goes past SQLAlchemy; nobody else gets the connection.
    """
    connection.detach()
    raw: Any = connection.connection.dbapi_connection
    raw.execute("PRAGMA foreign_keys=OFF")


def wait_for_others(connection: sa.Connection) -> None:
    """Let no two upgrades run at once, and none be cut off by the limits that requests have."""
    connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
    connection.execute(sa.text("SET LOCAL lock_timeout = 0"))
    connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})


know_all_tables()
run_migrations()
