"""From a promised mail to one that can be sent: secrets opened, the instance named, both parts written."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.core.secrets import unseal
from app.domains.email.definitions import MAILS
from app.domains.email.mails import SEAL_CONTEXT
from app.domains.email.readers import Reader, reader_of
from app.domains.email.rendering import RenderedMail, render
from app.domains.settings import queries as settings


@dataclass(frozen=True)
class Outgoing:
    """A mail and whom it goes to."""

    to: str
    mail: RenderedMail


def compose(payload: Mapping[str, Any]) -> Outgoing:
    """Write the mail that ``mails`` promised, as its reader reads; changes nothing.

    :raises SealBroken: when the key it was sealed with is gone
    """
    definition = MAILS[payload["mail"]]
    open_ones = {
        key: payload[key] or ""
        for key in ("first_name", "tenant_name", *definition.variables)
        if key in payload
    }
    secret = json.loads(unseal(payload["sealed"], SEAL_CONTEXT))
    app_name = settings.text("instance.name") or ""
    to = secret.pop("to", payload["to"])
    reader = Reader(**payload["reader"]) if "reader" in payload else reader_of(payload.get("known_as") or to)
    return Outgoing(to, render(definition.name, {**open_ones, **secret, "app_name": app_name}, reader))
