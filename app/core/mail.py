"""Sending one message by SMTP: how it is built, and which answers mean wait, try again or never."""

import re
import smtplib
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, parseaddr
from uuid import UUID

from email_validator import EmailNotValidError, ValidatedEmail, validate_email

from app.core import clock, outbound
from app.core.outbox import Hopeless, NotNow, Unreachable
from app.core.settings import current_settings
from app.core.smtp import Conversation, MailServer

__all__ = ["MailServer"]

_LONGEST_PLAIN_LINE = 900  # RFC 5322 section 2.1.1 allows 998
_LONGEST_SUBJECT = 250
_LONGEST_ANSWER = 200
_SERVICE_CLOSING = 421
_NO_SUCH_ADDRESS = re.compile(r"5\d\d[ -]5\.(?:1\.(?:1|2|3|6|10)|2\.1)\b|(?:550|551|553)[ -](?!\d\.\d)")
"""RFC 3463: bad mailbox or domain, moved, disabled. A plain 550 is taken for that; 5.7.x is a policy."""
SEND_SECONDS = 16
"""How long one message may take from the connection on; with the look-up well below what a try may take."""


class ServerAway(Unreachable):
    """The mail server does not answer, or not to us: no connection, no greeting, no TLS, no sign-in, 421."""


class MailRefused(Hopeless):
    """The server will never take this message (5xx, RFC 5321 section 4.2.1)."""


class NoSuchAddress(MailRefused):
    """The recipient's server says that nobody has the address, or not any more."""


class MailDeferred(NotNow):
    """The server did not take this message now (4xx), or nobody knows whether it did."""


@dataclass(frozen=True, kw_only=True)
class OutgoingMail:
    """A message before it has headers."""

    to: str
    subject: str
    text: str
    html: str
    sender: str | None = None
    """The From header, name and address; None for the instance's own."""
    reply_to: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further headers; one that is there already cannot be set anew."""


def configured_server() -> MailServer:
    """Return the mail server that the environment names."""
    settings = current_settings()
    return MailServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        security=settings.smtp_security,
        username=settings.smtp_username,
        password=settings.smtp_password,
    )


def message_id(uid: UUID) -> str:
    """Return the Message-ID that belongs to an outbox row, the same at every try."""
    return f"<{uid}@{own_domain()}>"


def build(mail: OutgoingMail, *, message_id: str) -> EmailMessage:
    """Write headers and both parts; a value that would begin another header cannot be written.

    :raises MailRefused: for an address that is none
    """
    to = _address(mail.to)
    message = EmailMessage(policy=SMTPUTF8 if to.smtputf8 else SMTP)
    message["From"] = mail.sender or current_settings().mail_from
    message["To"] = Address(username=to.local_part, domain=to.ascii_domain)
    message["Subject"] = as_header(mail.subject)[:_LONGEST_SUBJECT]
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation answers, please
    if mail.reply_to:
        message["Reply-To"] = mail.reply_to
    for name, value in mail.headers.items():
        if name not in message:
            message[name] = value
    message.set_content(mail.text, cte=_encoding(mail.text))
    message.add_alternative(mail.html, subtype="html", cte=_encoding(mail.html))
    return message


def send(
    mail: OutgoingMail,
    *,
    message_id: str,
    server: MailServer | None = None,
    sign: Callable[[bytes], bytes] | None = None,
) -> None:
    """Hand one message to the mail server.

    :param sign: adds a signature to the finished message
    :raises ServerAway: nothing was handed over; it would be the same for any message
    :raises MailDeferred: to be tried again with the same ``message_id``
    :raises MailRefused: never to be tried again
    """
    try:
        message = build(mail, message_id=message_id)
        content = message.as_bytes()
    except (ValueError, LookupError, TypeError, AttributeError, RuntimeError) as error:
        raise MailRefused(f"it cannot be written: {type(error).__name__}: {error}") from error
    to = message["To"].addresses[0].addr_spec
    options = [] if to.isascii() else ["SMTPUTF8"]
    content = sign(content) if sign else content
    with _connection(server or configured_server()) as smtp:
        if options and not smtp.has_extn("smtputf8"):
            raise MailRefused("the server takes no international addresses")
        sender = parseaddr(mail.sender or current_settings().mail_from)[1]
        hand_over(smtp, sender, to, content, options)


def hand_over(smtp: smtplib.SMTP, sender: str, to: str, content: bytes, options: Sequence[str] = ()) -> str:
    """Hand a finished message to a server that was greeted; returns what it said at last.

    :raises ServerAway, MailDeferred, MailRefused: see ``send``
    """
    _step("MAIL", lambda: smtp.mail(sender, options))
    _step("RCPT", lambda: smtp.rcpt(to))
    return _step("DATA", lambda: smtp.data(content))


@contextmanager
def _connection(server: MailServer) -> Iterator[smtplib.SMTP]:
    # The name we greet with is given, else smtplib asks the DNS for it.
    conversation = Conversation(server, greeting=own_domain())
    try:
        conversation.resolve()
        conversation.connect(at_most=SEND_SECONDS)
        conversation.tls()
        conversation.auth()
    except (outbound.HostRefused, outbound.HostUnknown, OSError, ValueError, smtplib.SMTPException) as error:
        conversation.hang_up()
        words = f"{server.host}:{server.port}: {type(error).__name__}: {error}"
        raise ServerAway(cleaned(words, server)) from error
    try:
        yield conversation.smtp
    finally:
        conversation.close()


def cleaned(words: str, server: MailServer | None = None) -> str:
    """Return what a server said on one line of bounded length, without the secret that it was given."""
    if server is not None and server.password:
        plain = f"\0{server.username or ''}\0{server.password}"
        encoded = (b64encode(text.encode()).decode() for text in (plain, server.password))
        for secret in (*encoded, server.password):
            words = words.replace(secret, "…")
    line = _one_line(words)
    return line if len(line) <= _LONGEST_ANSWER else f"{line[: _LONGEST_ANSWER - 1]}…"


def _step(name: str, speak: Callable[[], tuple[int, bytes]]) -> str:
    """Say one command and read what its answer means for the message; returns the answer."""
    try:
        code, words = speak()
    except smtplib.SMTPResponseException as error:  # the answer to DATA itself, before the message
        code, words = error.smtp_code, _as_bytes(error.smtp_error)
    except (OSError, ValueError, smtplib.SMTPException) as error:
        # After DATA nobody knows whether it was kept: the same Message-ID lets the receiver see a repeat.
        raise MailDeferred(f"{name}: {type(error).__name__}: {error}") from error
    said = f"{code} {words.decode(errors='replace')}"
    answer = cleaned(f"{name}: {said}")
    if code == _SERVICE_CLOSING:
        raise ServerAway(answer)
    if name == "RCPT" and _NO_SUCH_ADDRESS.match(said):
        raise NoSuchAddress(answer)
    if code >= 500:
        raise MailRefused(answer)
    if code >= 400 or code < 200:  # smtplib says -1 for an answer that is none
        raise MailDeferred(answer)
    return said


def _as_bytes(words: bytes | str) -> bytes:
    return words if isinstance(words, bytes) else words.encode()


def _address(text: str) -> ValidatedEmail:
    """Read one address; its domain travels in ASCII, so that only a foreign local part needs SMTPUTF8."""
    lax = not current_settings().is_production
    try:
        return validate_email(text, check_deliverability=False, test_environment=lax)
    except EmailNotValidError as error:
        raise MailRefused(f"not an address: {error}") from error


def own_domain() -> str:
    """Return the domain of the instance's own address."""
    return parseaddr(current_settings().mail_from)[1].rpartition("@")[2] or "localhost"


def as_header(text: str) -> str:
    """Return a text as it may stand in a header: one line, and no word that would be decoded (RFC 2047).

    An encoded word could hold what was never looked at, a new line among it.
    """
    return _one_line(text).replace("=?", "= ?")


def _one_line(text: str) -> str:
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _encoding(text: str) -> str:
    """Leave what is plain readable in the file; anything else is safe on every server's path."""
    short = all(len(line) <= _LONGEST_PLAIN_LINE for line in text.splitlines())
    return "7bit" if text.isascii() and short else "quoted-printable"
