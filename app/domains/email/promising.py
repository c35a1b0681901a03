"""Promising a mail to the outbox, what opens something in it sealed until it is written."""

import json
from datetime import datetime, timedelta

from app.core import outbox
from app.core.secrets import seal
from app.domains.email import wording
from app.domains.email.definitions import MAILS

SEAL_CONTEXT = "outbox:mail"


def promise(
    name: str, to: str, first_name: str, tenant_name: str | None, **own: str | int | datetime | timedelta
) -> None:
    """Promise a mail in the request's own transaction, with the variables of its own."""
    definition = MAILS[name]
    variables = {key: wording.written(value) for key, value in own.items()}
    secret = {key: variables.pop(key) for key in sorted(definition.secret)}
    person: dict[str, str | None] = {"to": to, "first_name": first_name}
    if definition.forgotten:
        secret |= {"to": to, "first_name": first_name}
        person = {"to": None, "first_name": None}
    outbox.promise(
        "mail",
        {
            "mail": name,
            "event": definition.event,
            **person,
            "tenant_name": tenant_name,
            **variables,
            "sealed": seal(json.dumps(secret), SEAL_CONTEXT),
        },
    )
