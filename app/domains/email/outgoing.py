"""From a promised mail to one that can be sent: opened, written, and shaped by the rules of who writes.

An organization's rules are other modules' matter. Three registries let them act on each mail that an
organization writes, in the order in which they were registered and in the read-only transaction in which the
mail is written: ``holds_back`` may keep it from leaving, ``shapes_mail`` may change it (footer, headers,
tracking), ``signs`` prepares a signature, which is then made outside any transaction.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.core.secrets import Sealed, unseal
from app.domains.email.definitions import MAILS
from app.domains.email.dress import Occasion, dress_for
from app.domains.email.mails import SEAL_CONTEXT
from app.domains.email.readers import Reader, reader_of
from app.domains.email.rendering import RenderedMail, render
from app.domains.email.weight import Weight, weight_of
from app.domains.settings import queries as settings


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """A mail and whom it goes to."""

    uid: UUID
    """Names the promise, the delivery and the message for ever: what tokens in the mail may point to."""
    to: str
    name: str
    event: str
    weight: Weight
    mail: RenderedMail
    reader: Reader
    tenant_id: int | None = None
    """The organization that writes; None for the instance."""
    own_server: bool = False
    """Whether it leaves through the organization's own server, and so under its own address."""
    sender: str | None = None
    """The From header; None for the instance's own."""
    reply_to: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further headers; one that is there already cannot be set anew."""


Shaper = Callable[[Outgoing], Outgoing]
Holder = Callable[[Outgoing], str | None]
Sign = Callable[[bytes], bytes]
Signer = Callable[[Outgoing], Sign | None]

_shapers: list[Shaper] = []
_holders: list[Holder] = []
_signers: list[Signer] = []


def shapes_mail(shaper: Shaper) -> Shaper:
    """Register what changes an organization's mail before it leaves."""
    _shapers.append(shaper)
    return shaper


def holds_back(holder: Holder) -> Holder:
    """Register what may keep an organization's mail back: it returns the reason, in a word, or None.

    Only optional mail is asked about.
    """
    _holders.append(holder)
    return holder


def signs(signer: Signer) -> Signer:
    """Register what reads an organization's key and returns what signs the finished message with it."""
    _signers.append(signer)
    return signer


def compose(payload: Mapping[str, Any], uid: UUID) -> Outgoing:
    """Write the mail that ``mails`` promised, as its reader reads; changes nothing.

    :raises SealBroken: when the key it was sealed with is gone
    """
    definition = MAILS[payload["mail"]]
    open_ones = {
        key: payload[key] or ""
        for key in ("first_name", "tenant_name", *definition.variables, *definition.optional)
        if key in payload
    }
    secret = json.loads(unseal(Sealed(payload["sealed"]), SEAL_CONTEXT))
    app_name = settings.text("instance.name") or ""
    to = secret.pop("to", payload["to"])
    reader = Reader(**payload["reader"]) if "reader" in payload else reader_of(payload.get("known_as") or to)
    tenant_id, weight = payload.get("tenant_id"), weight_of(definition.event)
    dress = None
    if tenant_id is not None:
        occasion = Occasion(tenant_id=tenant_id, to=to, event=definition.event, weight=weight, reader=reader)
        dress = dress_for(occasion)
    return Outgoing(
        uid=uid,
        to=to,
        name=definition.name,
        event=definition.event,
        weight=weight,
        mail=render(definition.name, {**open_ones, **secret, "app_name": app_name}, reader, dress),
        reader=reader,
        tenant_id=tenant_id,
    )


def held_back(outgoing: Outgoing) -> str | None:
    """Return why an organization's optional mail does not leave; None if it does."""
    if outgoing.tenant_id is None or not outgoing.weight.optional:
        return None
    return next((reason for holder in _holders if (reason := holder(outgoing))), None)


def shaped(outgoing: Outgoing) -> Outgoing:
    """Return the mail as its organization's rules want it."""
    if outgoing.tenant_id is not None:
        for shaper in _shapers:
            outgoing = shaper(outgoing)
    return outgoing


def signatures(outgoing: Outgoing) -> list[Sign]:
    """Return what signs the finished message, in order."""
    if outgoing.tenant_id is None:
        return []
    return [sign for signer in _signers if (sign := signer(outgoing)) is not None]
