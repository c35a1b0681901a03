"""Settings whose value is a column of another row: the domain that has the row reads and sets it."""

from collections.abc import Mapping
from typing import Protocol

from app.domains.settings.registry import Value


class Columns(Protocol):
    """What keeps the values of bound settings."""

    def read(self, tenant_id: int) -> Mapping[str, Value]:
        """Return the values of an organization by what they are bound to; one query."""

    def write(self, tenant_id: int, column: str, value: Value) -> Value:
        """Set one and return what it was; two at once come one after the other.

        :raises ValueError: with a sentence for the person who set it
        """


_bound: list[Columns] = []


def binds(columns: Columns) -> None:
    """Register who keeps the bound values; the organization is none of this domain's business."""
    _bound.append(columns)


def read(tenant_id: int) -> Mapping[str, Value]:
    """Return an organization's bound values."""
    return _bound[0].read(tenant_id)


def write(tenant_id: int, column: str, value: Value) -> Value:
    """Set a bound value and return what it was.

    :raises ValueError: with a sentence for the person who set it
    """
    return _bound[0].write(tenant_id, column, value)
