"""Under whose name and address an organization's mail leaves, and where answers to it go."""

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.utils import parseaddr
from typing import Any

import sqlalchemy as sa

from app.core import addresses
from app.core.access import Access, Actor, operation
from app.core.db import db
from app.core.errors import ValidationFailed
from app.core.languages import Sentence
from app.core.mail import as_header
from app.core.settings import current_settings
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.email.settings_models import TenantMailServer, TenantSender
from app.domains.outlines.tables import TENANTS

NAME_LENGTH = 100
FIELDS = ("from_name", "from_email", "reply_to")


@dataclass(frozen=True, kw_only=True)
class Sender:
    """What an organization chose, and what a message would carry now."""

    from_name: str | None
    from_email: str | None
    reply_to: str | None
    effective_from: str
    updated_at: datetime | None


@operation(Access.TENANT)
def sender(actor: Actor) -> Sender:
    """Return under whom the organization's messages go out."""
    return _shown(actor.tenant_id)


@operation(Access.TENANT_ADMIN)
def change_sender(actor: Actor, *, changes: dict[str, str | None]) -> Sender:
    """Change name, address or where answers go; what is not named stays, None and nothing clear it.

    :raises ValidationFailed: at the fields that cannot be sent under
    """
    wanted = {name: _checked(name, changes[name]) for name in FIELDS if name in changes}
    row = db.session.get(TenantSender, actor.tenant_id, with_for_update=True)
    if row is None:
        row = TenantSender(tenant_id=actor.tenant_id)
        db.session.add(row)
    changed = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    audited: dict[str, Any] = {name: [getattr(row, name), value] for name, value in changed.items()}
    for name, value in changed.items():
        setattr(row, name, value)
    record(
        actor, AuditKind.EMAIL_SETTINGS_SENDER_UPDATED, subject=("tenant", actor.tenant_id), changes=audited
    )
    db.session.flush()  # sets updated_at
    return _shown(actor.tenant_id)


def headers_of(tenant_id: int, *, own_server: bool) -> tuple[str, str | None]:
    """Return the From and Reply-To that an organization's message carries.

    On the instance's own server that is the instance's address with the organization's name: it must
    not write under addresses of others.
    """
    row, name = _row(tenant_id)
    from_name = (row.from_name if row else None) or name
    own = parseaddr(current_settings().mail_from)[1]
    address = (row.from_email if row and own_server else None) or own
    return _header(from_name, address), row.reply_to if row else None


def _shown(tenant_id: int | None) -> Sender:
    row, _ = _row(tenant_id)
    server = db.session.get(TenantMailServer, tenant_id)
    effective, _ = headers_of(tenant_id or 0, own_server=server is not None and server.is_used)
    return Sender(
        from_name=row.from_name if row else None,
        from_email=row.from_email if row else None,
        reply_to=row.reply_to if row else None,
        effective_from=effective,
        updated_at=row.updated_at if row else None,
    )


def _row(tenant_id: int | None) -> tuple[TenantSender | None, str]:
    row = db.session.get(TenantSender, tenant_id)
    return row, db.session.scalar(sa.select(TENANTS.c.name).where(TENANTS.c.id == tenant_id)) or ""


def _header(name: str, address: str) -> str:
    """Write name and address as one header; a name that needs quotes has them."""
    local, _, domain = address.rpartition("@")
    return str(Address(display_name=as_header(name), username=local, domain=domain))


def _checked(field: str, value: str | None) -> str | None:
    text = (value or "").strip()
    if not text:
        return None
    if field != "from_name":
        address = addresses.checked(text, field=field)
        if not address.isascii():  # a sender that every server takes
            raise ValidationFailed({field: ["Use an address of plain letters."]})
        return address
    if len(text) > NAME_LENGTH or not text.isprintable():
        raise ValidationFailed(
            {field: [Sentence("Give at most %(most)s characters on one line.", most=NAME_LENGTH)]}
        )
    return text
