"""What is kept of mails to a person: that they were sent, for as long as the outbox keeps it."""

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from app.core.addresses import key_of
from app.core.db import db
from app.core.outbox import OutboxRow
from app.core.personal import Leaver, Row, exported, exported_rows, on_erasure, plain
from app.domains.email.settings_models import BouncedAddress, Delivery
from app.domains.outlines.tables import USERS


@exported("mails", about="Mails we sent you of late; their text is not kept.", tables=["outbox"])
def mails(user_id: int, after: int, limit: int) -> Sequence[Row]:
    """Read which mails were promised to the person's address, and what became of them."""
    address = db.session.scalar(sa.select(USERS.c.email).where(USERS.c.id == user_id))
    query = sa.select(OutboxRow).where(
        OutboxRow.kind == "mail", OutboxRow.payload["to"].as_string() == address, OutboxRow.id > after
    )
    return [(row.id, _told(row)) for row in db.session.scalars(query.order_by(OutboxRow.id).limit(limit))]


@exported_rows(
    "mail_deliveries",
    about="What became of mails to you, those of your organizations too; their text is not kept.",
    by=Delivery.id,
)
def kept_deliveries(user_id: int) -> sa.Select[Any]:
    """Select what became of mails to the person's address."""
    address = db.session.scalar(sa.select(USERS.c.email).where(USERS.c.id == user_id))
    return sa.select(
        Delivery.mail,
        Delivery.event.label("about"),
        Delivery.address.label("to"),
        Delivery.state,
        Delivery.reason,
        Delivery.created_at.label("asked_for_at"),
        Delivery.ended_at,
    ).where(Delivery.address_key == key_of(address or ""))


def _told(row: OutboxRow) -> dict[str, Any]:
    return {
        "mail": row.payload["mail"],
        "about": row.payload["event"],
        "to": row.payload["to"],
        "asked_for_at": plain(row.created_at),
        "sent_at": plain(row.done_at),
        "given_up_at": plain(row.dead_at),
    }


@on_erasure
def forget_mails(leaver: Leaver) -> None:
    """Delete whatever was promised to the person's address or about it, sent or not."""
    text = sa.cast(OutboxRow.payload, sa.Text)
    # With its quotes: as a whole text of the payload, not as the end of another's address.
    named = [text.contains(json.dumps(address), autoescape=True) for address in leaver.addresses]
    gone = sa.delete(OutboxRow).where(sa.or_(*named))
    db.session.execute(gone.execution_options(synchronize_session=False))
    keys = {key_of(address) for address in leaver.addresses}
    for table in (Delivery, BouncedAddress):
        traces = sa.delete(table).where(table.address_key.in_(keys))
        db.session.execute(traces.execution_options(synchronize_session=False))
