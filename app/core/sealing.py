"""Where sealed texts are kept, and sealing them anew under the newest key.

A ``Sealed`` fits into a ``SealedText`` column alone, which says how it is opened: so every such column is
known. What holds one inside of something else (JSON) takes it out by ``inside`` and says so here
(``sealed_inside``); a test compares the two.
"""

import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.core.db import Base, db
from app.core.secrets import SealBroken, Sealed, seal, unseal
from app.core.settings import current_settings

BATCH = 200
"""Rows held and written in one transaction: whoever wants one of them waits for so many at most."""


class SealedText(sa.types.TypeDecorator[Sealed]):
    """A column of sealed texts."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, context: str, length: int | None = None) -> None:
        """Make the column's type.

        :param context: what its texts are sealed with, the row's columns in braces: ``storage:{tenant_id}``
        """
        super().__init__()
        self.context, self.length = context, length

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        return self.impl_instance if self.length is None else sa.String(self.length)

    def process_bind_param(self, value: Sealed | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else value.text

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> Sealed | None:
        return None if value is None else Sealed(value)


@dataclass(frozen=True)
class Place:
    """One column with sealed texts, as they are sealed anew."""

    column: Any
    names: Sequence[str]
    """Further columns, which say what a row's text is sealed with."""
    where: Callable[[], sa.ColumnElement[bool]]
    """In which rows to look."""
    find: Callable[[sa.Row[Any], Any], tuple[Sealed, str] | None]
    """Returns the text in a value and its context."""
    put: Callable[[Any, Sealed], Any]
    """Returns the value with another text in it."""

    @property
    def name(self) -> str:
        """Return what it is called where progress is told."""
        return f"{self.column.table.name}.{self.column.name}"

    @property
    def key(self) -> Any:
        """Return the column by which rows are walked through."""
        (key,) = self.column.table.primary_key.columns
        return key


INSIDE: list[Place] = []


def sealed_inside(place: Place) -> None:
    """Register a column that holds sealed texts inside."""
    INSIDE.append(place)


# ---- sealing anew ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Done:
    """What became of some rows of a place."""

    after: int | None
    """Where to go on; None at the end."""
    renewed: int
    broken: Sequence[str]
    """What could not be opened, in words."""


def places() -> Sequence[Place]:
    """Return every place of sealed texts, in a lasting order."""
    columns = [column for table in Base.metadata.sorted_tables for column in table.columns]
    return [*(_place_of(one) for one in columns if isinstance(one.type, SealedText)), *INSIDE]


def reseal_some(place: Place, *, after: int) -> Done:
    """Seal some rows of a place anew, in the running transaction: those not under the newest key.

    Rows are held until it ends, so that nobody's change is written over. Done again it finds nothing to do.
    """
    newest = current_settings().sealing_keys.newest[0]
    table = place.column.table
    columns = [table.c[name] for name in dict.fromkeys([place.key.name, place.column.name, *place.names])]
    query = sa.select(*columns).where(place.key > after, place.where()).order_by(place.key).limit(BATCH)
    rows = db.session.execute(query.with_for_update(key_share=True)).all()
    renewed, broken = 0, []
    for row in rows:
        key, value = getattr(row, place.key.name), getattr(row, place.column.name)
        found = place.find(row, value)
        if found is None or found[0].key_id == newest:
            continue
        try:
            fresh = seal(unseal(*found), found[1])
        except SealBroken:
            broken.append(f"{place.name} {key}: the key {found[0].key_id} does not open it")
            continue
        _write(place, key, place.put(value, fresh))
        renewed += 1
    return Done(getattr(rows[-1], place.key.name) if len(rows) == BATCH else None, renewed, broken)


def _write(place: Place, key: int, value: Any) -> None:
    table: Any = place.column.table
    untouched = {column.name: column for column in table.columns if column.onupdate is not None}
    db.session.execute(
        sa.update(table).where(place.key == key).values({**untouched, place.column.name: value})
    )


def _place_of(column: Any) -> Place:
    kind = column.type
    assert isinstance(kind, SealedText)  # noqa: S101 - for the reader of types: ``places`` chose it
    names = [name for _, name, _, _ in string.Formatter().parse(kind.context) if name]

    def find(row: sa.Row[Any], value: Sealed | None) -> tuple[Sealed, str] | None:
        return None if value is None else (value, kind.context.format_map(row._mapping))

    return Place(column, names, lambda: _not_under_newest(column), find, lambda _, fresh: fresh)


def _not_under_newest(column: Any) -> sa.ColumnElement[bool]:
    # Not LIKE: SQLite's knows no case, and the names of keys do.
    begins = f"{current_settings().sealing_keys.newest[0]}."
    return sa.func.substr(sa.type_coerce(column, sa.Text), 1, len(begins)) != begins
