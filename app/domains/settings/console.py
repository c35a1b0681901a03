"""Settings as whoever runs the machine reads and sets them: by key, values as typed in a shell."""

import json
from typing import Any

from app.core.access import Access, Actor, operation
from app.core.errors import ValidationFailed
from app.core.languages import Sentence
from app.domains.settings import administration, columns, operations, queries
from app.domains.settings.errors import SettingNotFound
from app.domains.settings.registry import DEFINITIONS, Definition, Type

_SWITCH = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}


@operation(Access.SYSTEM)
def look_up(actor: Actor, *, key: str) -> str:
    """Return a value as JSON, the actor's organization's or the platform's; of a secret whether it is set.

    :raises SettingNotFound: there is no such key
    :raises ValidationFailed: at key, if it is a column of another row
    """
    definition = _definition(key)
    if definition.bound is not None and actor.tenant_id is not None:
        return json.dumps(columns.read(actor.tenant_id)[definition.bound], ensure_ascii=False)
    if definition.bound is not None:
        raise ValidationFailed({"key": [Sentence("This is %(column)s.", column=definition.bound)]})
    value = queries.value(key, tenant_id=actor.tenant_id)
    if definition.type is Type.SECRET:
        return "(set)" if value else "(not set)"
    return json.dumps(value, ensure_ascii=False)


@operation(Access.SYSTEM)
def put(actor: Actor, *, key: str, text: str) -> str:
    """Set a value given as text, the actor's organization's or the platform's; returns what it is now.

    :raises SettingNotFound: there is no such key
    :raises ValidationFailed: at value, if it cannot be one
    """
    definition = _definition(key)
    value = _typed(definition, text)
    if actor.tenant_id is None:
        administration.set_platform_value(actor, key=key, value=value)
    else:
        operations.set_value(actor, key=key, value=value)
    return look_up(actor, key=key)


def _definition(key: str) -> Definition:
    if key not in DEFINITIONS:
        raise SettingNotFound
    return DEFINITIONS[key]


def _typed(definition: Definition, text: str) -> Any:
    if text == "null":
        return None
    if definition.type is Type.BOOLEAN:
        return _SWITCH.get(text.lower(), text)
    if definition.type is Type.INTEGER:
        return int(text) if text.lstrip("-").isdecimal() else text
    if definition.type is Type.LIST:
        return [entry.strip() for entry in text.split(",") if entry.strip()]
    return text
