"""Trying an organization's mail server: a real connection, step by step, and one message through it.

In three parts, so that no transaction waits for the server: ``prepare`` reads, ``attempt`` talks,
``keep_result`` writes down. A result counts only for what was saved when it began.
"""

import smtplib
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parseaddr
from uuid import UUID

import sqlalchemy as sa

from app.core import addresses, clock, ids, lanes, outbound
from app.core import mail as mailing
from app.core.access import Access, Actor, operation
from app.core.db import db
from app.core.errors import Conflict, Refused
from app.core.mail import MailDeferred, MailRefused, OutgoingMail, ServerAway, cleaned
from app.core.secrets import SealBroken
from app.core.settings import current_settings
from app.core.smtp import Conversation, MailServer
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.email import deliveries
from app.domains.email.readers import reader_of
from app.domains.email.rendering import render
from app.domains.email.senders import headers_of
from app.domains.email.settings_models import DeliveryState, TenantMailServer
from app.domains.email.smtp_settings import PORTS, HostNotAllowed, lane_of, server_of
from app.domains.email.wording import kept
from app.domains.outlines.tables import MEMBERSHIPS, USERS
from app.domains.settings import queries as settings

MAIL, EVENT = "smtp_test", "email.smtp_test"
_SAYS = {
    "late": "The server did not answer in time.",
    "resolve": "This name leads nowhere.",
    "connect": "Nobody answers there.",
    "tls": "No encrypted connection could be made.",
    "auth": "The server refused user name or password.",
    "send": "The server did not take the message.",
}


class SmtpNotConfigured(Conflict):
    code, message = "email:smtp_not_configured", "Save an SMTP configuration first."


class RecipientNotMember(Refused):
    code, message = "email:recipient_not_member", "Test messages go to members only."


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What is to be tried."""

    saved: int
    server: MailServer
    uid: UUID
    to: str
    message: OutgoingMail


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of the conversation and how it went."""

    name: str
    ok: bool
    ms: int
    detail: str | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a trial went: all steps until one failed."""

    steps: list[Step] = field(default_factory=list)
    failed_at: str | None = None
    message: str | None = None
    sent_to: str | None = None
    tested_at: datetime

    @property
    def ok(self) -> bool:
        """Say whether the message left."""
        return self.failed_at is None


@operation(Access.TENANT_ADMIN)
def prepare(actor: Actor, *, to: str | None = None) -> Trial:
    """Return what is to be tried with what is saved; changes nothing.

    :param to: the address of a member; None for the actor's own
    :raises SmtpNotConfigured: if nothing was saved
    :raises RecipientNotMember: if it is nobody's who works in the organization
    :raises HostNotAllowed: if host or port are not to be connected to any more
    """
    row = db.session.get(TenantMailServer, actor.tenant_id)
    if row is None:
        raise SmtpNotConfigured
    address, first_name = _recipient(actor, to)
    try:
        outbound.checked_port(row.port, PORTS)
        server = server_of(row)
    except outbound.HostRefused as error:
        raise _not_allowed() from error
    except SealBroken as error:
        raise SmtpNotConfigured from error
    return Trial(
        saved=row.saved,
        server=server,
        uid=ids.new_uid(),
        to=address,
        message=_message(actor, row, address, first_name),
    )


@operation(Access.TENANT_ADMIN)
def attempt(_actor: Actor, *, trial: Trial) -> Outcome:
    """Connect, sign in and send one message; asks no database.

    :raises HostNotAllowed: if the host leads to an address that is not to be connected to
    """
    conversation = Conversation(trial.server, greeting=mailing.own_domain())
    talk = _Talk(conversation)
    steps: list[tuple[str, Callable[[], str | None]]] = [
        ("resolve", conversation.resolve),
        ("connect", conversation.connect),
        ("tls" if trial.server.security != "none" else "plain", lambda: conversation.tls() or None),
    ]
    if trial.server.username:
        steps.append(("auth", conversation.auth))
    steps.append(("send", lambda: _send(conversation, trial)))
    try:
        for name, act in steps:
            if not talk.take(name, act):
                break
    finally:
        conversation.hang_up()
    failed = next((step for step in talk.steps if not step.ok), None)
    return Outcome(
        steps=talk.steps,
        failed_at=failed.name if failed else None,
        message=talk.fault,
        sent_to=None if failed else trial.to,
        tested_at=clock.now(),
    )


@operation(Access.TENANT_ADMIN)
def keep_result(actor: Actor, *, trial: Trial, outcome: Outcome) -> Outcome:
    """Write down how a trial went, unless something else was saved meanwhile."""
    tested = (
        sa.update(TenantMailServer)
        .where(TenantMailServer.tenant_id == actor.tenant_id, TenantMailServer.saved == trial.saved)
        .values(
            tested_at=outcome.tested_at,
            test_ok=outcome.ok,
            test_step=outcome.failed_at,
            test_error=outcome.message,
            updated_at=TenantMailServer.updated_at,
            **({"failures": 0, "last_error": None, "warned_at": None} if outcome.ok else {}),
        )
        .execution_options(synchronize_session=False)
    )
    db.session.execute(tested)
    record(
        actor,
        AuditKind.EMAIL_SETTINGS_SMTP_TESTED,
        subject=("tenant", actor.tenant_id),
        changes={"ok": outcome.ok, "step": outcome.failed_at, "host": trial.server.host},
    )
    deliveries.begin(
        trial.uid, tenant_id=actor.tenant_id, mail=MAIL, event=EVENT, to=trial.to, own_server=True
    )
    db.session.flush()  # the row that is settled now
    state = DeliveryState.SENT if outcome.ok else DeliveryState.FAILED
    deliveries.settle([trial.uid], state=state, reason=outcome.message)
    if outcome.ok:
        lanes.wake(lane_of(actor.tenant_id or 0))
    return outcome


class _Talk:
    """The steps as they are taken; the first that fails is the last."""

    def __init__(self, conversation: Conversation) -> None:
        self.steps: list[Step] = []
        self.fault: str | None = None
        self._conversation = conversation

    def take(self, name: str, act: Callable[[], str | None]) -> bool:
        """Take one step within its time; returns whether it went well."""
        began = time.monotonic()
        try:
            said = self._bounded(act)
        except outbound.HostRefused as error:
            raise _not_allowed() from error
        except _FAULTS as error:
            self._failed(name, error, began)
            return False
        self.steps.append(Step(name=name, ok=True, ms=_since(began), detail=said))
        return True

    def _bounded(self, act: Callable[[], str | None]) -> str | None:
        connection = self._conversation.socket
        if connection is None:
            return act()
        with outbound.cut_off(connection, seconds=self._conversation.timeout):
            return act()

    def _failed(self, name: str, error: Exception, began: float) -> None:
        late = isinstance(error, TimeoutError) or _since(began) >= self._conversation.timeout * 1000
        words = _words(error)
        self.steps.append(
            Step(name=name, ok=False, ms=_since(began), detail=cleaned(words, self._conversation.server))
        )
        self.fault = _SAYS["late" if late else name]


_FAULTS = (
    outbound.HostUnknown,
    OSError,
    ValueError,
    smtplib.SMTPException,
    ServerAway,
    MailDeferred,
    MailRefused,
)


def _words(error: Exception) -> str:
    """Return what the server said, or what we saw, without our own types."""
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        return f"{error.smtp_code} {said.decode(errors='replace') if isinstance(said, bytes) else said}"
    if isinstance(error, outbound.HostUnknown):
        return "no address"
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, TimeoutError):
        return "timed out"
    return str(error) or type(error).__name__


def _since(began: float) -> int:
    return int((time.monotonic() - began) * 1000)


def _not_allowed() -> HostNotAllowed:
    return HostNotAllowed(
        layer="platform", remedy="Save a public mail host, or ask whoever runs this instance."
    )


def _send(conversation: Conversation, trial: Trial) -> str:
    message = mailing.build(trial.message, message_id=mailing.message_id(trial.uid))
    sender = parseaddr(trial.message.sender or current_settings().mail_from)[1]
    to = message["To"].addresses[0].addr_spec
    said = mailing.hand_over(conversation.smtp, sender, to, message.as_bytes())
    return cleaned(said, trial.server)


def _recipient(actor: Actor, to: str | None) -> tuple[str, str]:
    if to is None or addresses.key_of(to) == addresses.key_of(actor.email):
        return actor.email, actor.first_name
    found = db.session.execute(
        sa.select(USERS.c.email, USERS.c.first_name)
        .join(MEMBERSHIPS, MEMBERSHIPS.c.user_id == USERS.c.id)
        .where(
            MEMBERSHIPS.c.tenant_id == actor.tenant_id,
            MEMBERSHIPS.c.status == "active",
            USERS.c.email_key == addresses.key_of(to),
        )
    ).one_or_none()
    if found is None:
        raise RecipientNotMember(layer="organization")
    return found.email, found.first_name


def _message(actor: Actor, row: TenantMailServer, to: str, first_name: str) -> OutgoingMail:
    words = {
        "first_name": first_name or "",
        "tenant_name": actor.tenant_name,
        "app_name": settings.instance_name(),
        "smtp_host": row.host,
        "sent_at": kept(clock.now()),
    }
    written = render(MAIL, words, reader_of(to))
    sender, reply_to = headers_of(row.tenant_id, own_server=True)
    return OutgoingMail(
        to=to, subject=written.subject, text=written.text, html=written.html, sender=sender, reply_to=reply_to
    )
