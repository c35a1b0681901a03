"""Schema fields for what several dialects show alike: ids in any form, times, trimmed words."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import marshmallow as ma
from werkzeug.routing import IntegerConverter, Map, Rule

from app.core.ids import Ref, parse_ref, prefixed

_UNKNOWN = Ref(id=0)
"""A malformed id names nothing, and is answered as one that is not there."""


class RowNumber(IntegerConverter):
    """A number in an address that a row can have: one too large for any database leads nowhere."""

    def __init__(self, map: Map, **bounds: Any) -> None:  # noqa: A002 - werkzeug's name
        super().__init__(map, **({"max": 2**63 - 1} | bounds))


class LateRule(Rule):
    """A rule whose way back, from a name to an address, is compiled when somebody first asks for it.

    Most of them nobody does, and a compiler run for each of a thousand is a fifth of the start.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        place = "_build_unknown" if append_unknown else "_build"

        def build(rule: Rule, /, *values: Any, **named: Any) -> tuple[str, str]:
            compiled = super(LateRule, self)._compile_builder(append_unknown).__get__(rule, None)
            setattr(rule, place, compiled)
            made: tuple[str, str] = compiled(*values, **named)
            return made

        return build


def ref_of(text: str, prefix: str) -> Ref:
    """Return what a part of an address names; what is no id names nothing."""
    return parse_ref(text, prefix) or _UNKNOWN


class RefField(ma.fields.Field[Ref]):
    """Any form of a row's id; what is none of them names nothing."""

    def __init__(self, prefix: str, **kwargs: Any) -> None:
        super().__init__(metadata={"type": "string"}, **kwargs)
        self.prefix = prefix

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Ref:
        if not isinstance(value, str | int):
            raise ma.ValidationError("Not a valid id.")
        return parse_ref(value, self.prefix) or _UNKNOWN


class PrefixedId(ma.fields.String):
    """A UID shown as ``ten_…``."""

    def __init__(self, prefix: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.prefix = prefix

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else prefixed(self.prefix, value)


class Moment(ma.fields.String):
    """RFC 3339 in UTC with ``Z``, to the second."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"format": "date-time"}, **kwargs)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else rfc3339(value)


def rfc3339(moment: datetime) -> str:
    """Return e.g. ``2026-03-02T08:58:11Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Word(ma.fields.String):
    """A string without white space around it; at most 200 characters where nothing else is said."""

    def __init__(self, *, least: int = 0, most: int = 200, **kwargs: Any) -> None:
        super().__init__(validate=ma.validate.Length(min=least, max=most), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if "\0" in text:
            raise ma.ValidationError("This character is not taken here.")
        return text.strip()


class Secret(ma.fields.String):
    """A password or token as typed: never trimmed, never shown, bounded before anything works on it."""

    def __init__(self, *, most: int = 4096, **kwargs: Any) -> None:
        super().__init__(
            load_only=True,
            validate=ma.validate.Length(min=1, max=most),
            metadata={"format": "password"},
            **kwargs,
        )
