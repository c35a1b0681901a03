"""Counters in the database: locked in one order everywhere, so that no two requests wait for each other."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event

from app.core import limits
from app.core.buckets import SIGN_IN_FAILURES
from app.core.db import db, engine_options

_KEY = re.compile(r"[0-9a-f]{64}")


@contextmanager
def keys_touched(connection: sa.Connection) -> Iterator[list[str]]:
    """Collect the keys of counters in the order in which statements name them."""
    touched: list[str] = []

    def collect(_connection: Any, _cursor: Any, _statement: str, values: Any, *_others: Any) -> None:
        touched.extend(dict.fromkeys(_KEY.findall(str(values))))

    event.listen(connection, "before_cursor_execute", collect)
    try:
        yield touched
    finally:
        event.remove(connection, "before_cursor_execute", collect)


@pytest.mark.parametrize("number", range(8))
def test_a_try_is_given_back_in_the_order_in_which_it_was_counted(
    in_app: Flask, database: sa.Connection, number: int
) -> None:
    with keys_touched(database) as counting:
        spent = limits.spend(SIGN_IN_FAILURES, email=f"kim{number}@world.example", ip="192.0.2.1")
    with keys_touched(database) as giving_back:
        limits.give_back(spent, clear=["email"])
    assert list(dict.fromkeys(giving_back)) == list(dict.fromkeys(counting)) == sorted(set(counting))


def test_what_a_statement_was_given_is_not_told_in_its_error(in_app: Flask) -> None:
    assert engine_options("postgresql+psycopg://nobody", 1)["hide_parameters"]
    with pytest.raises(sa.exc.DBAPIError) as caught:
        db.session.execute(sa.text("SELECT :address FROM nowhere"), {"address": "kim@world.example"})
    assert "kim@world.example" not in str(caught.value)
