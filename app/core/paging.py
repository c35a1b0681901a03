"""Bounded lists: windows by page, by offset or by cursor, always in a total order."""

import base64
import binascii
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.core.db import db
from app.core.errors import BadCursor
from app.core.secrets import keyed_hash

T = TypeVar("T")

MAX_LIMIT = 100


@dataclass(frozen=True)
class Window:
    """Which part of a list is wanted: ``limit`` rows from ``offset``."""

    limit: int = 20
    offset: int = 0

    @classmethod
    def page(cls, page: int, per_page: int, most: int = MAX_LIMIT) -> "Window":
        """Return the window of a page counted from 1; a larger ``per_page`` is cut to ``most``."""
        per_page = min(per_page, most)
        return cls(limit=per_page, offset=(page - 1) * per_page)

    @property
    def number(self) -> int:
        """Return the page this window is, counted from 1."""
        return self.offset // self.limit + 1


WHOLE = Window(limit=1000)


@dataclass(frozen=True)
class Page(Generic[T]):
    """Rows of one window with the count of all."""

    items: Sequence[T]
    total: int
    window: Window

    @property
    def last_page(self) -> int:
        """Return the number of the last page, 1 for an empty list."""
        return max(1, -(-self.total // self.window.limit))


@dataclass(frozen=True)
class CursorWindow:
    """The ``limit`` rows after a cursor that this list gave out."""

    limit: int = 50
    cursor: str | None = None


@dataclass(frozen=True)
class CursorPage(Generic[T]):
    """Rows with the cursor of those that follow, None at the end."""

    items: Sequence[T]
    next_cursor: str | None

    @property
    def has_more(self) -> bool:
        """Say whether rows follow."""
        return self.next_cursor is not None


def paginate(query: sa.Select[Any], window: Window) -> Page[Any]:
    """Run a totally ordered query for one window: two queries, however many rows."""
    counted = sa.select(sa.func.count()).select_from(query.order_by(None).options().subquery())
    total = db.session.scalar(counted) or 0
    rows = query.limit(window.limit).offset(window.offset)
    items = (
        db.session.scalars(rows).all()
        if len(query.column_descriptions) == 1
        else db.session.execute(rows).all()
    )
    return Page(items=items, total=total, window=window)


def keyset(
    query: sa.Select[Any],
    window: CursorWindow,
    *,
    name: str,
    newest_first: Sequence[Any] = (),
    rising: Sequence[Any] = (),
) -> CursorPage[Any]:
    """Run a query by the given columns (a total order), from where the cursor left off.

    :param newest_first: the columns of a falling order; or else ``rising``, those of a rising one
    :raises BadCursor: if the cursor was not given out for the list of that name
    """
    columns = newest_first or rising
    if window.cursor:
        place, after = sa.tuple_(*columns), sa.tuple_(*read_cursor(name, window.cursor, len(columns)))
        query = query.where(place < after if newest_first else place > after)
    ordered = (column.desc() if newest_first else column for column in columns)
    query = query.order_by(*ordered).limit(window.limit + 1)
    rows = db.session.scalars(query).all()
    items = rows[: window.limit]
    if len(rows) <= window.limit:
        return CursorPage(items=items, next_cursor=None)
    return CursorPage(
        items=items, next_cursor=make_cursor(name, [getattr(items[-1], c.key) for c in columns])
    )


def keyset_of_parts(
    parts: Sequence[sa.Select[Any]], window: CursorWindow, *, name: str, model: type[Any]
) -> CursorPage[Any]:
    """Run queries of one model that share no row as one list, newest first by id: one query.

    Each part walks its own index and stops at the limit, which an OR of their conditions would not.

    :raises BadCursor: if the cursor was not given out for the list of that name
    """
    if window.cursor:
        (after,) = read_cursor(name, window.cursor, 1)
        parts = [part.where(model.id < after) for part in parts]
    ends = [part.order_by(model.id.desc()).limit(window.limit + 1).subquery() for part in parts]
    row = aliased(model, sa.union_all(*(sa.select(end) for end in ends)).subquery())
    return keyset(sa.select(row), replace(window, cursor=None), name=name, newest_first=[row.id])


def make_cursor(name: str, values: Sequence[Any]) -> str:
    """Return what names a place in the list of that name, and only there."""
    body = json.dumps([v.isoformat() if isinstance(v, datetime) else v for v in values]).encode()
    signature = keyed_hash(f"cursor:{name}", body.decode())[:16]
    return base64.urlsafe_b64encode(signature.encode() + body).decode().rstrip("=")


def read_cursor(name: str, cursor: str, count: int) -> list[Any]:
    """Return the values of a place.

    :raises BadCursor: if it was not given out for the list of that name
    """
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        signature, body = raw[:16].decode("ascii"), raw[16:].decode()
    except (binascii.Error, ValueError) as error:
        raise BadCursor from error
    if not hmac.compare_digest(signature, keyed_hash(f"cursor:{name}", body)[:16]):
        raise BadCursor
    values = json.loads(body)
    if len(values) != count:
        raise BadCursor
    return [_revive(v) for v in values]


def _revive(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return value
    return value
