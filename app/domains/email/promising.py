"""Promising a mail to the outbox, what opens something in it sealed until it is written."""

import functools
import json
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

from app.core import outbox
from app.core.secrets import seal
from app.domains.email import wording
from app.domains.email.definitions import MAILS
from app.domains.email.deliveries import begin
from app.domains.email.holding import due_of
from app.domains.email.readers import reader_of
from app.domains.email.routing import way_of

SEAL_CONTEXT = "outbox:mail"


P = ParamSpec("P")


def mail(declared: Callable[Concatenate[str, P], None]) -> Callable[Concatenate[str, P], None]:
    """Promise the mail of a function's name with what the function is given: its signature is all of it."""
    name = declared.__name__

    @functools.wraps(declared)
    def promised(to: str, /, *_args: P.args, **given: P.kwargs) -> None:
        values: dict[str, Any] = given
        promise(name, to, **values)

    return promised


def promise(
    name: str,
    to: str,
    first_name: str,
    tenant_name: str | None = None,
    *,
    known_as: str | None = None,
    tenant_id: int | None = None,
    **own: wording.Value,
) -> None:
    """Promise a mail in the request's own transaction, with the variables of its own.

    :param known_as: the address of the reader's account, where that is not the one written to
    :param tenant_id: the organization that writes, so that its own server, sender and rules are used
    """
    definition = MAILS[name]
    variables = {key: wording.kept(value) for key, value in own.items()}
    secret = {key: variables.pop(key) for key in sorted(definition.secret)}
    person: dict[str, Any] = {"to": to, "first_name": first_name}
    if definition.forgotten:
        secret |= {"to": to, "first_name": first_name}
        person = {"to": None, "first_name": None, "reader": reader_of(known_as or to).kept()}
    elif known_as:
        person["known_as"] = known_as
    way = way_of(name, tenant_id)
    row = outbox.promise(
        "mail",
        {
            "mail": name,
            "event": definition.event,
            **person,
            "tenant_name": tenant_name,
            **({} if tenant_id is None else {"tenant_id": tenant_id}),
            **variables,
            "sealed": seal(json.dumps(secret), SEAL_CONTEXT).inside(),
        },
        lane=way.lane,
        due_at=due_of(definition.event, tenant_id),
    )
    if not definition.forgotten:
        event = definition.event
        begin(row.uid, tenant_id=tenant_id, mail=name, event=event, to=to, own_server=way.is_own)
