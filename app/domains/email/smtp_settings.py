"""An organization's own mail server: what is saved and shown of it. The password never leaves again."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.core import lanes, outbound
from app.core.access import Access, Actor, operation
from app.core.db import db, read
from app.core.errors import Refused, ValidationFailed
from app.core.secrets import Sealed, seal, unseal
from app.core.smtp import MailServer
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.email.settings_models import TenantMailServer

PORTS = (25, 465, 587, 2525)
SECURITIES = ("none", "starttls", "tls")
TIMEOUTS = (1, 30)
SECRET_LENGTH = 1000
_BOUND = ("host", "port", "security", "username")
"""Whoever changes one of these has to know the password: else a new host could be sent the old one."""
_FIELDS = (*_BOUND, "timeout_seconds", "enabled")


class HostNotAllowed(Refused):
    code, message = "email:host_not_allowed", "This mail host or port cannot be used."


@dataclass(frozen=True)
class _Known:
    """What is stored, read before the transaction."""

    host: str
    port: int
    security: str
    username: str | None
    has_password: bool


@operation(Access.TENANT_ADMIN)
def smtp(actor: Actor) -> TenantMailServer | None:
    """Return the organization's mail server; None where none was saved."""
    return db.session.get(TenantMailServer, actor.tenant_id)


@operation(Access.TENANT_ADMIN)
def save_smtp(actor: Actor, *, changes: dict[str, Any]) -> TenantMailServer:
    """Save host, port, security, username, password, timeout_seconds or enabled; what is not named stays.

    A password of None is taken away. Whatever is saved has to pass a test before mail goes through it.

    :raises HostNotAllowed: if it is not to be connected to
    :raises ValidationFailed: at what lacks or cannot be; at ``password`` if it has to be given again
    """
    known = _known(actor.tenant_id)
    wanted = _checked(changes, known)
    with outbound.before_the_transaction(actor.tenant_id):
        _check_host(wanted, known)
    row = db.session.get(TenantMailServer, actor.tenant_id, with_for_update=True)
    if row is None:
        row = TenantMailServer(tenant_id=actor.tenant_id, saved=0)
        db.session.add(row)
    elif _moves(wanted, row) and row.password is not None and "password" not in wanted:
        raise _password_lacks()  # it came to be meanwhile
    audited: dict[str, Any] = {
        name: [getattr(row, name), wanted[name]]
        for name in _FIELDS
        if name in wanted and getattr(row, name) != wanted[name]
    }
    for name in _FIELDS:
        if name in wanted:
            setattr(row, name, wanted[name])
    if "password" in wanted:
        row.password = _sealed(wanted["password"], actor.tenant_id)
        audited["password"] = "set" if row.password else "removed"
    _forget_test(row)
    record(actor, AuditKind.EMAIL_SETTINGS_SMTP_UPDATED, subject=("tenant", actor.tenant_id), changes=audited)
    db.session.flush()  # sets updated_at
    lanes.wake(lane_of(row.tenant_id))
    return row


def lane_of(tenant_id: int) -> str:
    """Return the lane of the outbox in which mail for an organization's own server waits."""
    return f"mail:{tenant_id}"


def server_of(row: TenantMailServer) -> MailServer:
    """Return how to connect to an organization's server.

    :raises SealBroken: if the password cannot be opened any more
    """
    return MailServer(
        host=row.host,
        port=row.port,
        security=row.security,
        username=row.username,
        password=unseal(row.password, _context(row.tenant_id)) if row.password else None,
        timeout=row.timeout_seconds,
        named_by_others=True,
    )


def _known(tenant_id: int | None) -> _Known | None:
    columns = (
        TenantMailServer.host,
        TenantMailServer.port,
        TenantMailServer.security,
        TenantMailServer.username,
        TenantMailServer.password.is_not(None),
    )
    rows = read(sa.select(*columns).where(TenantMailServer.tenant_id == tenant_id))
    return _Known(*rows[0]) if rows else None


def _checked(changes: dict[str, Any], known: _Known | None) -> dict[str, Any]:
    wanted = {name: _clean(name, value) for name, value in changes.items()}
    faults = {**_lacking(wanted, known), **_impossible(wanted), **_unsayable(wanted)}
    if faults:
        raise ValidationFailed(faults)
    if known is not None and known.has_password and "password" not in wanted and _moves(wanted, known):
        raise _password_lacks()
    return wanted


def _clean(name: str, value: Any) -> Any:
    if name in ("host", "username") and isinstance(value, str):
        value = value.strip()
    return value or None if name in ("username", "password") else value


def _lacking(wanted: dict[str, Any], known: _Known | None) -> dict[str, list[str]]:
    first = ("host", "port", "security") if known is None else ()
    lacking = {name: ["Needed the first time."] for name in first if not wanted.get(name)}
    empty = [name for name in _FIELDS if name != "username" and wanted.get(name, 1) in (None, "")]
    return {**{name: ["This cannot be empty."] for name in empty}, **lacking}


def _impossible(wanted: dict[str, Any]) -> dict[str, list[str]]:
    faults = {}
    if wanted.get("security") and wanted["security"] not in SECURITIES:
        faults["security"] = ["Choose none, starttls or tls."]
    seconds = wanted.get("timeout_seconds")
    if seconds is not None and not TIMEOUTS[0] <= seconds <= TIMEOUTS[1]:
        faults["timeout_seconds"] = ["Choose 1 to 30 seconds."]
    return faults


def _unsayable(wanted: dict[str, Any]) -> dict[str, list[str]]:
    """Refuse what cannot be said in one line of the protocol."""
    long = {"username": 320, "password": SECRET_LENGTH}
    return {
        name: ["This cannot be used here."]
        for name, most in long.items()
        if wanted.get(name) and (len(wanted[name]) > most or not wanted[name].isprintable())
    }


def _moves(wanted: dict[str, Any], known: _Known | TenantMailServer) -> bool:
    return any(name in wanted and wanted[name] != getattr(known, name) for name in _BOUND)


def _password_lacks() -> ValidationFailed:
    return ValidationFailed(
        {"password": ["Give the password again: host, port, encryption or user changes."]}
    )


def _check_host(wanted: dict[str, Any], known: _Known | None) -> None:
    """Refuse what must not be connected to; a name that leads nowhere yet may be saved."""
    host = wanted.get("host", known.host if known else "")
    port = wanted.get("port", known.port if known else 0)
    if "host" not in wanted and "port" not in wanted:
        return
    try:
        outbound.checked_port(port, PORTS)
        host = outbound.checked_host(host)
        outbound.checked_addresses(host, port)
    except outbound.HostRefused as error:
        remedy = "Use a public address and port 25, 465, 587 or 2525, or ask whoever runs this instance."
        raise HostNotAllowed(layer="platform", remedy=remedy) from error
    except outbound.HostUnknown:
        pass  # the test will tell
    if "host" in wanted:
        wanted["host"] = host


def _forget_test(row: TenantMailServer) -> None:
    row.saved = row.saved + 1
    row.tested_at = row.test_ok = row.test_step = row.test_error = None
    row.failures, row.last_error, row.warned_at = 0, None, None


def _sealed(password: str | None, tenant_id: int | None) -> Sealed | None:
    return seal(password, _context(tenant_id)) if password else None


def _context(tenant_id: int | None) -> str:
    return f"mail_servers:password:{tenant_id}"
