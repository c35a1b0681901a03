"""Mail of a suspended organization waits until it is opened again; what nothing may hold back leaves."""

from datetime import UTC, datetime

import sqlalchemy as sa

from app.core import clock
from app.core.db import db, read
from app.core.outbox import GIVE_UP_AFTER, OutboxRow
from app.core.outbox_rows import pending
from app.domains.email.weight import mandatory_events, weight_of
from app.domains.outlines.tables import TENANTS

UNTIL_OPENED = datetime(9000, 1, 1, tzinfo=UTC)


def due_of(event: str, tenant_id: int | None) -> datetime | None:
    """Return when a mail of an organization may leave: None for at once."""
    if tenant_id is None or weight_of(event).mandatory:
        return None
    rows = read(sa.select(TENANTS.c.status).where(TENANTS.c.id == tenant_id))
    return UNTIL_OPENED if rows and rows[0].status == "suspended" else None


def hold(tenant_id: int) -> None:
    """Let what an organization has promised, and nobody has in hand, wait until it is opened again."""
    held = OutboxRow.payload["event"].as_string().not_in(mandatory_events())
    _put(tenant_id, held, due_at=UNTIL_OPENED, give_up_at=UNTIL_OPENED)


def release(tenant_id: int) -> None:
    """Let what waited leave now."""
    now = clock.now()
    _put(tenant_id, OutboxRow.due_at == UNTIL_OPENED, due_at=now, give_up_at=now + GIVE_UP_AFTER)


def _put(tenant_id: int, which: sa.ColumnElement[bool], **values: datetime) -> None:
    rows = sa.update(OutboxRow).where(
        OutboxRow.kind == "mail",
        pending(),
        OutboxRow.lease_token.is_(None),
        OutboxRow.payload["tenant_id"].as_integer() == tenant_id,
        which,
    )
    db.session.execute(rows.values(**values).execution_options(synchronize_session=False))
