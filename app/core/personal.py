"""What is kept about a person: each domain says how its part is exported and what leaves with the person.

A table that points at people is either part of the export or named with the reason why it is not; a test
looks at all of them.
"""

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from app.core.db import db

Facts = Mapping[str, Any]
"""One thing that is kept, in words and values that JSON has.

Names that begin with a line are not shown: ``_file`` is where ``core.storage`` keeps what lies in the export
beside the list, under the name that stands in ``file``.
"""
Row = tuple[int, Facts]
"""A key that grows from row to row, and the row."""
Reader = Callable[[int, int, int], Sequence[Row]]
"""Takes a person's id, the key after which to go on and how many rows at most; reads, changes nothing."""

Selector = Callable[[int], sa.Select[Any]]
"""Takes a person's id; says which rows are about them."""


@dataclass(frozen=True)
class Part:
    """One file of the export: what is in it, which tables it is taken from, how it is read."""

    name: str
    about: str
    tables: tuple[str, ...]
    read: Reader
    single: bool = False
    """Whether it is one thing, not a list."""


PARTS: dict[str, Part] = {}
NOT_EXPORTED: dict[str, str] = {}
"""Tables that point at people and are no part of the export, each with the reason."""


def exported(
    name: str, *, about: str, tables: Collection[str], single: bool = False
) -> Callable[[Reader], Reader]:
    """Register what reads a part of the export in batches, by a key that grows."""

    def register(read: Reader) -> Reader:
        PARTS[name] = Part(name, about, tuple(tables), read, single)
        return read

    return register


def exported_rows(
    name: str, *, about: str, by: InstrumentedAttribute[int], single: bool = False
) -> Callable[[Selector], Selector]:
    """Register what selects a part of the export: rows of one table, their columns named as they are shown.

    :param by: the table's key, in whose order they are read
    """

    def register(select: Selector) -> Selector:
        @functools.wraps(select)
        def read(user_id: int, after: int, limit: int) -> Sequence[Row]:
            return rows_of(select(user_id), by, after, limit)

        exported(name, about=about, tables=[by.class_.__tablename__], single=single)(read)
        return select

    return register


def not_exported(table: str, reason: str) -> None:
    """Name a table that points at people and holds nothing that an export would tell them."""
    NOT_EXPORTED[table] = reason


def rows_of(query: sa.Select[Any], key: Any, after: int, limit: int) -> list[Row]:
    """Run a query of named columns from a key on; the key itself is shown only where the query names it.

    :param key: a column that grows and is unique within the query
    """
    wanted = query.add_columns(key.label("_key")).where(key > after).order_by(key).limit(limit)
    found: list[Row] = []
    for row in db.session.execute(wanted).mappings():
        facts = {name: plain(value) for name, value in row.items() if name != "_key"}
        found.append((row["_key"], facts))
    return found


def plain(value: Any) -> Any:
    """Return a value as JSON has it: times with their zone, ids as text."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID | StrEnum):
        return str(value)
    return value


# ---- leaving --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Leaver:
    """Somebody who is being erased, as they were: by this their traces are found."""

    user_id: int
    email: str
    email_key: str
    handle: str | None = None
    names: tuple[str, ...] = ()
    """Whatever else tells who they are: names, phone."""
    former_addresses: tuple[str, ...] = ()
    tenant_ids: tuple[int, ...] = ()
    membership_ids: tuple[int, ...] = ()

    @property
    def addresses(self) -> tuple[str, ...]:
        """Return the address as it was written and as it is compared, and former ones."""
        return tuple({self.email, self.email_key, *self.former_addresses})

    @property
    def traces(self) -> tuple[str, ...]:
        """Return the texts that must be nowhere afterwards, the longest first."""
        told = {*self.addresses, self.handle or "", *self.names}
        return tuple(sorted((text for text in told if len(text) > 1), key=len, reverse=True))


Farewell = Callable[[Leaver], None]
FAREWELLS: list[Farewell] = []


def on_erasure(farewell: Farewell) -> Farewell:
    """Register what a domain does, in the erasure's transaction, before the person's row goes.

    What hangs on the row by a foreign key goes with it; this is for all else: files, copies of an address.
    """
    FAREWELLS.append(farewell)
    return farewell
