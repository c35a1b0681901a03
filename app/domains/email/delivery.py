"""Keeping the promise of a mail: written when it leaves, so that codes lie nowhere in the clear."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from app.core import mail, outbox
from app.core.secrets import SealBroken
from app.core.settings import SmtpSecurity
from app.domains.email.definitions import MAILS
from app.domains.email.outgoing import Outgoing, Sign, compose, held_back, shaped, signatures
from app.domains.settings import queries as settings

_SERVER_KEYS = ("smtp.host", "smtp.port", "smtp.security", "smtp.username", "smtp.password")


@outbox.handler("mail")
def deliver(row: outbox.Claimed) -> outbox.Act:
    """Write a promised mail and say how it is sent; named by its row, it stays one mail over retries."""
    try:
        outgoing = compose(row.payload, row.uid)
    except SealBroken as error:
        raise outbox.Hopeless("its variables cannot be opened: a sealing key is gone") from error
    message_id = mail.message_id(row.uid)
    if reason := held_back(outgoing):
        return lambda: {**delivered(row.payload, message_id), "suppressed": reason}
    outgoing = shaped(outgoing)
    message, signed = _message(outgoing), signatures(outgoing)
    server = platform_server()

    def send() -> outbox.Payload:
        try:
            mail.send(message, message_id=message_id, server=server, sign=_all(signed))
        except (outbox.Unreachable, outbox.NotNow, outbox.Hopeless) as error:
            if MAILS[row.payload["mail"]].forgotten:  # the server's answer may name the address
                raise type(error)("what the server said is not kept") from None
            raise
        return delivered(row.payload, message_id)

    return send


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
    return {"mail": payload["mail"], "event": payload["event"], "to": payload["to"], "message_id": message_id}


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
