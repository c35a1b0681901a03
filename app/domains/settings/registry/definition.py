"""The shape of a setting's definition."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Value = str | int | bool | tuple[str, ...] | None
"""A setting's value: lists are tuples here, and lists again in JSON."""


class Scope(StrEnum):
    """Who has a value: each tenant (the platform's is its default), or the platform alone."""

    TENANT = "tenant"
    GLOBAL = "global"


class Type(StrEnum):
    """What a value may be; ``validation.py`` holds the rule of each."""

    STRING = "string"
    TEXT = "text"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    ENUM = "enum"
    COLOR = "color"
    URL = "url"
    EMAIL = "email"
    TIMEZONE = "timezone"
    LOCALE = "locale"
    LIST = "list"
    SECRET = "secret"


@dataclass(frozen=True)
class Definition:
    """One setting: what it is, who sets it, and what in the product obeys it from the next call on."""

    key: str
    type: Type
    scope: Scope
    tree: tuple[str, str, str]
    """platform_api's resource, group and section."""
    label: str
    governs: str
    default: Value = None
    category: str | None = None
    """api_v1's flat view; tenant keys only."""
    options: tuple[str, ...] = ()
    min: int | None = None
    max: int | None = None
    env: bool = False
    """Whether each environment has a value of its own."""
    lock: bool = False
    """Whether the platform's admin may lock it."""
    public: bool = False
    """Whether anybody may read a tenant's value."""
    bound: str | None = None
    """The column of another row that is the value; there is no platform value then."""

    def can_hold(self, stored: Any) -> bool:
        """Say whether what is stored is still a value: a former version may have known other options."""
        if stored is None:
            return False
        if self.type is Type.ENUM:
            return stored in self.options
        if self.type is Type.LIST:
            return isinstance(stored, list) and all(isinstance(entry, str) for entry in stored)
        if self.type in (Type.INTEGER, Type.BOOLEAN):
            return type(stored) is (int if self.type is Type.INTEGER else bool)
        return isinstance(stored, str)
