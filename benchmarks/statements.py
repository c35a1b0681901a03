"""The statements that a request makes, seen from within an application of the benchmark's own process."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Flask
from sqlalchemy import event

from app import create_app
from app.core.db import db, reader
from app.core.settings import read_settings
from tests.support.live import LiveInstance


@dataclass(frozen=True)
class Statement:
    """One statement with its values, as the driver got it."""

    sql: str
    values: Any


def application(running: LiveInstance) -> Flask:
    """Return the application of a running instance, in this process."""
    return create_app(read_settings({**running.full_environment(), "LOG_LEVEL": "ERROR"}))


@contextmanager
def recorded(app: Flask) -> Iterator[list[Statement]]:
    """Gather what is executed inside."""
    with app.app_context():
        engines = {db.engine, reader(db.engine)}
    statements: list[Statement] = []

    def note(_connection: Any, _cursor: Any, sql: str, values: Any, *_more: Any) -> None:
        statements.append(Statement(sql, values))

    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)
