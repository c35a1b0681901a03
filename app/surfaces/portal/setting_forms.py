"""A form for each type of setting, and how values of each are read from it and written out."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import Field, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs

from app.core.environments import Environment
from app.domains.settings.changing import MASK
from app.domains.settings.registry import Definition, Type, Value
from app.domains.settings.sheet import Standing
from app.surfaces.portal.base import PortalForm
from app.surfaces.shared.languages import said

ENVIRONMENTS: Mapping[Environment, Any] = {
    Environment.PROD: _l("Production"),
    Environment.STAGING: _l("Staging"),
    Environment.DEV: _l("Development"),
}
F = TypeVar("F", bound="SettingForm")
_WHOLE = re.compile(r"-?[0-9]{1,12}")


class SettingForm(PortalForm):
    """One value; which field it is typed into is its type's."""

    faults = {"setting:would_lock_out": "value", "two_factor:would_lock_out": "value"}
    value: Field

    def typed_value(self, definition: Definition) -> Any:
        """Return what was typed as the type has it; what is no number stays text, and is refused as such."""
        text = str(self.value.data or "").strip()
        if definition.type is Type.BOOLEAN:
            return {"on": True, "off": False}.get(text, text)
        if definition.type is Type.INTEGER:
            return int(text) if _WHOLE.fullmatch(text) else text
        if definition.type is Type.LIST:
            return [line.strip() for line in text.splitlines() if line.strip()]
        if definition.type is Type.SECRET:
            return text or MASK
        return text or None


def form_of(definition: Definition, base: type[F]) -> type[F]:
    """Return the form for a setting, with what the base asks for beside the value."""
    label = said(definition.label)
    if definition.type is Type.BOOLEAN:
        field: Any = SelectField(label, choices=[SelectChoice("on", _("On")), SelectChoice("off", _("Off"))])
    elif definition.type is Type.ENUM:
        empty = [SelectChoice("", _("Not said"))] if definition.default is None else []
        words = [SelectChoice(one, option(one)) for one in definition.options]
        field = SelectField(label, choices=empty + words)
    elif definition.type in (Type.LIST, Type.TEXT):
        field = TextAreaField(label)
    else:
        field = StringField(label)
    return type("OneSettingForm", (base,), {"value": field})


def as_typed(definition: Definition, value: Value) -> str:
    """Return a value as it stands in the form's field."""
    if definition.type is Type.BOOLEAN:
        return "on" if value else "off"
    if isinstance(value, tuple):
        return "\n".join(value)
    return "" if value is None or definition.type is Type.SECRET else str(value)


def option(word: str) -> str:
    """Say one of the words that an enumeration has."""
    known = _OPTIONS.get(word)
    return word if known is None else str(known)


_OPTIONS: Mapping[str, Any] = {
    "monday": _l("Monday"),
    "sunday": _l("Sunday"),
    "saturday": _l("Saturday"),
    "viewer": _l("Viewer"),
    "member": _l("Member"),
    "manager": _l("Manager"),
    "24h": _l("24 hours"),
    "12h": _l("12 hours (am, pm)"),
    "off": _l("Off"),
    "hourly": _l("Hourly"),
    "daily": _l("Daily"),
    "weekly": _l("Weekly"),
    "none": _l("None"),
    "nothing": _l("They need an invitation"),
    "ask": _l("They can ask to join"),
    "join": _l("They can join by themselves"),
    "starttls": "STARTTLS",
    "tls": "TLS",
    "pro": "Pro",
    "enterprise": "Enterprise",
}


def written(definition: Definition, value: Any) -> str:
    """Write a value out in a line."""
    if value is None or value in ((), [], ""):
        return str(_("nothing"))
    if definition.type is Type.BOOLEAN:
        return str(_("On") if value else _("Off"))
    if definition.type is Type.ENUM:
        return option(str(value))
    if isinstance(value, list | tuple):
        return _shortened(list(value))
    return str(value)


def _shortened(entries: Sequence[str]) -> str:
    most = 5
    shown = ", ".join(entries[:most])
    more = len(entries) - most
    return shown if more <= 0 else str(_("%(entries)s and %(count)s more", entries=shown, count=more))


def hint_of(definition: Definition) -> str:
    """Say what is taken, where the field does not show it."""
    if definition.type is Type.INTEGER and definition.max is not None:
        return str(_("A whole number from %(least)s to %(most)s.", least=definition.min, most=definition.max))
    if definition.type is Type.INTEGER:
        return str(_("A whole number, %(least)s or more.", least=definition.min))
    return str(_HINTS.get(definition.type, ""))


_HINTS: Mapping[Type, Any] = {
    Type.LIST: _l("One on each line."),
    Type.URL: _l("An address that begins with https:// or http://."),
    Type.COLOR: _l("Six digits of a web colour, such as #2457d6."),
    Type.TIMEZONE: _l("A name such as Europe/Berlin."),
    Type.LOCALE: _l("A language, and a region if it matters: de, en-US."),
    Type.SECRET: _l("What is kept is never shown. Left empty, it stays."),
}


def matching(standings: Sequence[Standing], wanted: str) -> Sequence[Standing]:
    """Return the settings in whose label, key or place a text stands, regardless of case."""
    needle = wanted.strip().casefold()
    if not needle:
        return standings
    return [
        one
        for one in standings
        if any(
            needle in text.casefold()
            for text in (one.key, said(one.definition.label), *(said(part) for part in one.definition.tree))
        )
    ]


def page_number() -> int:
    """Return which page of a list is asked for."""
    text = request.args.get("page", "1")
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 4 else 1
