"""Keeping the promise of a mail: written when it leaves, so that codes lie nowhere in the clear."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from app.core import mail, outbox
from app.core.db import db
from app.core.secrets import SealBroken
from app.core.settings import SmtpSecurity
from app.domains.email import bounces
from app.domains.email.definitions import MAILS
from app.domains.email.outgoing import Outgoing, Sign, compose, held_back, holds_back, shaped, signatures
from app.domains.email.routing import way_of
from app.domains.email.senders import headers_of
from app.domains.email.settings_models import TenantMailServer
from app.domains.email.smtp_settings import server_of
from app.domains.settings import queries as settings

_SERVER_KEYS = ("smtp.host", "smtp.port", "smtp.security", "smtp.username", "smtp.password")


@outbox.handler("mail", patient=True)
def deliver(row: outbox.Claimed) -> outbox.Act:
    """Write a promised mail and say how it is sent; named by its row, it stays one mail over retries.

    :raises WrongLane: if it is to leave through another server than when it was promised
    """
    tenant_id: int | None = row.payload.get("tenant_id")
    way = way_of(row.payload["mail"], tenant_id)
    if way.lane != row.lane:
        raise outbox.WrongLane(way.lane)
    try:
        outgoing = compose(row.payload, row.uid)
        server = _own_server(tenant_id) if way.is_own else platform_server()
    except SealBroken as error:
        raise outbox.Hopeless("its variables cannot be opened: a sealing key is gone") from error
    message_id = mail.message_id(row.uid)
    if reason := held_back(outgoing):
        return lambda: {**delivered(row.payload, message_id), "suppressed": reason}
    outgoing = shaped(_under_its_name(outgoing, own_server=way.is_own))
    message, signed = _message(outgoing), signatures(outgoing)

    def send() -> outbox.Payload:
        try:
            mail.send(message, message_id=message_id, server=server, sign=_all(signed))
        except (outbox.Unreachable, outbox.NotNow, outbox.Hopeless) as error:
            if MAILS[row.payload["mail"]].forgotten:  # the server's answer may name the address
                raise type(error)("what the server said is not kept") from None
            raise
        return delivered(row.payload, message_id)

    return send


def _own_server(tenant_id: int | None) -> mail.MailServer:
    return server_of(db.session.get_one(TenantMailServer, tenant_id))


def _under_its_name(outgoing: Outgoing, *, own_server: bool) -> Outgoing:
    if outgoing.tenant_id is None:
        return outgoing
    sender, reply_to = headers_of(outgoing.tenant_id, own_server=own_server)
    return replace(outgoing, sender=sender, reply_to=reply_to, own_server=own_server)


@holds_back
def _comes_back(outgoing: Outgoing) -> str | None:
    """Write no optional mail to an address that nobody has."""
    return "address_bounces" if bounces.reason_for(outgoing.to, outgoing.tenant_id) else None


def _message(outgoing: Outgoing) -> mail.OutgoingMail:
    return mail.OutgoingMail(
        to=outgoing.to,
        subject=outgoing.mail.subject,
        text=outgoing.mail.text,
        html=outgoing.mail.html,
        sender=outgoing.sender,
        reply_to=outgoing.reply_to,
        headers=outgoing.headers,
    )


def _all(signed: Sequence[Sign]) -> Sign:
    def sign(message: bytes) -> bytes:
        for one in signed:
            message = one(message)
        return message

    return sign


def delivered(payload: Mapping[str, Any], message_id: str) -> outbox.Payload:
    """Return what is kept of a mail that left: what a log of deliveries needs, no secret."""
    kept = {"mail": payload["mail"], "event": payload["event"], "to": payload["to"], "message_id": message_id}
    return kept | {"tenant_id": payload["tenant_id"]} if "tenant_id" in payload else kept


def platform_server() -> mail.MailServer:
    """Return the mail server of the platform's settings, else the environment's."""
    values = settings.values(_SERVER_KEYS)
    host, port, security, username, password = (values[key] for key in _SERVER_KEYS)
    if not host or not isinstance(port, int):
        return mail.configured_server()
    return mail.MailServer(
        host=str(host),
        port=port,
        security=cast("SmtpSecurity", security),
        username=str(username) if username else None,
        password=str(password) if password else None,
    )
