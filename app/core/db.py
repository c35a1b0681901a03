"""The database layer: one typed base, one session a request, two ways of beginning a transaction.

Nothing here commits; ``surfaces.shared.transaction`` does, once.
"""

import enum
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as FlaskSession
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry

from app.core import clock, ids
from app.core.errors import AppError
from app.core.ids import Ref

E = TypeVar("E", bound=enum.StrEnum)

READ_ONLY = "read_only"
"""Execution option of a connection that only reads."""

only_reads: ContextVar[bool] = ContextVar("only_reads", default=False)
"""Whether what runs now only reads; the session that it may open is bound accordingly."""

serves_call: ContextVar[bool] = ContextVar("serves_call", default=False)
"""Whether a caller waits for what runs now: then what guards the work is counted before it begins."""

_BUSY_TIMEOUT_MS = 5_000
_STATEMENT_TIMEOUT_MS = 5_000
_LOCK_TIMEOUT_MS = 4_000
_LONGEST_KEPT, _MOST_PARAMETERS_KEPT = 16_384, 120


class UTCDateTime(sa.types.TypeDecorator[datetime]):
    """Aware UTC in and out; SQLite, which would give naive values back, included."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a time without a zone")
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Words(sa.types.TypeDecorator[E]):
    """A StrEnum kept as plain text, so that a new word needs no migration."""

    impl = sa.String(40)
    cache_ok = True

    def __init__(self, words: type[E]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: E | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else str(self.words(value))

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> E | None:
        return None if value is None else self.words(value)


class Numbered:
    """An integer key, which SQLite too never gives out twice."""

    id: Mapped[int] = mapped_column(sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)


class Base(DeclarativeBase):
    """Base of every table: typed columns, named constraints (so that both databases can change them)."""

    # As one registry, not as two attributes: Flask-SQLAlchemy copies the class and both must share it.
    registry = registry(
        metadata=sa.MetaData(
            naming_convention={
                "ix": "ix_%(table_name)s_%(column_0_N_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
        type_annotation_map={
            datetime: UTCDateTime,
            UUID: sa.Uuid(),
            str: sa.String(),
            dict[str, Any]: sa.JSON(),
            list[str]: sa.JSON(),
            bytes: sa.LargeBinary(),
        },
    )

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        table = cls.__dict__.get("__table__")
        if table is not None and issubclass(cls, Numbered):
            table.dialect_options["sqlite"]["autoincrement"] = True


class Identified(Numbered):
    """An integer key and a UUIDv7 for the outside."""

    uid: Mapped[UUID] = mapped_column(unique=True, default=ids.new_uid)


class Timed:
    """When a row was made and last changed."""

    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    updated_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now)


class Session(FlaskSession):
    """A session that reads for safe requests on an autocommit connection."""

    def get_bind(self, *args: Any, **kwargs: Any) -> Any:
        bind = super().get_bind(*args, **kwargs)
        if isinstance(bind, sa.Engine) and only_reads.get():
            return reader(bind)
        return bind


class Database(SQLAlchemy):
    """Flask-SQLAlchemy with our base, session and engine options."""

    def _make_engine(self, bind_key: str | None, options: dict[str, Any], app: Any) -> sa.Engine:
        engine = super()._make_engine(bind_key, options, app)
        prepare_engine(engine)
        return engine


db = Database(model_class=Base, session_options={"class_": Session, "autoflush": True})


class LateMigrations:
    """What ``flask db`` finds of an application: Flask-Migrate, loaded when it asks for something."""

    def __init__(self, app: Any, directory: Path) -> None:
        """Take the application, in whose extensions Flask-Migrate will take this one's place."""
        self._app, self._directory = app, directory

    def __getattr__(self, name: str) -> Any:
        import_module("flask_migrate").Migrate(self._app, db, directory=str(self._directory))
        return getattr(self._app.extensions["migrate"], name)


def engine_options(url: str, pool_size: int) -> dict[str, Any]:
    """Return pool and connection options; every wait has a bound: a slow database is a 503, not a hang.

    What a statement was given stays out of errors, and so out of logs: addresses, hashes, sealed secrets.
    """
    both = {
        "pool_size": pool_size,
        # A call may hold two for a moment: its session's and a counter's.
        "max_overflow": pool_size,
        "pool_timeout": 2,
        "pool_use_lifo": True,
        "hide_parameters": True,
    }
    if url.startswith("sqlite"):
        return {**both, "connect_args": {"timeout": _BUSY_TIMEOUT_MS / 1000, "check_same_thread": False}}
    return {
        **both,
        "connect_args": {
            "connect_timeout": 2,
            "options": f"-c statement_timeout={_STATEMENT_TIMEOUT_MS} -c lock_timeout={_LOCK_TIMEOUT_MS}"
            f" -c idle_in_transaction_session_timeout=30000 -c timezone=UTC",
        },
    }


def prepare_engine(engine: sa.Engine) -> None:
    """Make SQLite behave: we begin its transactions ourselves, IMMEDIATE where a connection may write.

    And let psycopg keep what it has read of our longest statements: long ones it reads anew each time, for
    they usually vary. Ours are written once and asked at every call, of which that is a seventh.
    """
    if engine.dialect.name != "sqlite":
        queries: Any = import_module("psycopg._queries")
        queries.MAX_CACHED_STATEMENT_LENGTH = _LONGEST_KEPT
        queries.MAX_CACHED_STATEMENT_PARAMS = _MOST_PARAMETERS_KEPT
        return
    event.listen(engine, "connect", _sqlite_connect)
    event.listen(engine, "begin", _sqlite_begin)


def _sqlite_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        f"busy_timeout={_BUSY_TIMEOUT_MS}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _sqlite_begin(connection: sa.Connection) -> None:
    reads = connection.get_execution_options().get(READ_ONLY)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


_readers: dict[sa.Engine, sa.Engine] = {}


def reader(engine: sa.Engine) -> sa.Engine:
    """Return the engine for reading only.

    On PostgreSQL it has connections of its own, in autocommit for as long as they live: putting a shared one
    into autocommit and back costs more than the query.
    """
    found = _readers.get(engine)
    return found if found is not None else _readers.setdefault(engine, _make_reader(engine))


def _make_reader(engine: sa.Engine) -> sa.Engine:
    if engine.dialect.name == "sqlite":
        return engine.execution_options(**{READ_ONLY: True})
    pool: Any = engine.pool
    options = engine_options(engine.url.drivername, pool.size())
    return sa.create_engine(engine.url, isolation_level="AUTOCOMMIT", pool_reset_on_return=None, **options)


def close_connections() -> None:
    """Close this process's idle connections, those for reading too."""
    engine = db.engine
    reader(engine).dispose()
    engine.dispose()


@contextmanager
def read_connection() -> Iterator[sa.Connection]:
    """Give a connection for a single look, apart from the session and without a transaction of its own."""
    bind: Any = db.engines[None]
    if isinstance(bind, sa.Connection):  # a test that rolls everything back gave us its one connection
        yield bind
        return
    with reader(bind).connect() as connection:
        yield connection


def read(statement: sa.Select[Any], values: Mapping[str, Any] | None = None) -> Sequence[sa.Row[Any]]:
    """Run a query in the session's transaction where one runs, else by itself.

    What is asked before the first write must not begin the request's transaction: SQLite has one writer, and
    a password check inside it would make everyone wait.
    """
    if db.session.registry.has() and db.session().in_transaction():
        return db.session.execute(statement, values).all()
    with read_connection() as connection:
        return connection.execute(statement, values).all()


def is_named(model: type[Identified], ref: Ref) -> sa.ColumnElement[bool]:
    """Return that a row is the one a caller named; whether they may see it is for the query to say."""
    return model.id == ref.id if ref.uid is None else model.uid == ref.uid


def rows_changed(statement: sa.Update | sa.Delete) -> int:
    """Run a change in the session's transaction and return how many rows it met."""
    result = db.session.execute(statement.execution_options(synchronize_session=False))
    return result.rowcount if isinstance(result, sa.CursorResult) else 0


@contextmanager
def one_wins(*, or_else: type[AppError] | AppError) -> Iterator[None]:
    """Let a unique key decide between two who do the same at once: the second is refused, all else goes on.

    What is written inside is flushed at its end, so that ids are there.

    :param or_else: what the second is told
    """
    try:
        with db.session.begin_nested():
            yield
            db.session.flush()
    except IntegrityError as error:
        raise or_else from error


def is_sqlite() -> bool:
    """Say whether this instance runs on SQLite."""
    return db.engine.dialect.name == "sqlite"
