"""What became of each mail.

A delivery follows its promise: queued, then sent, failed, bounced or suppressed, in the transaction that says
so in the outbox. What a server that took a mail does with it later (a returned mail) is beyond our sight.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.core import addresses, clock, lanes, outbox
from app.core.db import db, rows_changed
from app.core.jobs import job
from app.core.mail import NoSuchAddress, cleaned
from app.domains.email import bounces
from app.domains.email.settings_models import Delivery, DeliveryState, TenantMailServer

KEPT_DAYS = 90
"""How long it is known what became of the instance's own mails; of an organization's its plan decides."""
_CHUNK = 500
_AT_ONCE = 5000
"""Rows that one statement deletes, well within the time that the database gives it."""
_DAY = timedelta(days=1)
_LEFT = (DeliveryState.SENT, DeliveryState.DELIVERED)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """How an organization's mails of some time ended; ``sent`` counts all that were sent off."""

    sent: int
    delivered: int
    """A mail server took them."""
    failed: int
    bounced: int
    suppressed: int


def begin(uid: UUID, *, tenant_id: int | None, mail: str, event: str, to: str, own_server: bool) -> None:
    """Note a mail that was promised."""
    db.session.add(
        Delivery(
            uid=uid,
            tenant_id=tenant_id,
            mail=mail,
            event=event,
            address=to,
            address_key=addresses.key_of(to),
            own_server=own_server,
        )
    )


def last_day(tenant_id: int) -> Figures:
    """Return how the organization's mails of the last 24 hours ended."""
    counted = dict(
        db.session.execute(
            sa.select(Delivery.state, sa.func.count())
            .where(Delivery.tenant_id == tenant_id, Delivery.ended_at > clock.now() - _DAY)
            .group_by(Delivery.state)
        )
        .tuples()
        .all()
    )
    left = sum(counted.get(state, 0) for state in _LEFT)
    failed, bounced = counted.get(DeliveryState.FAILED, 0), counted.get(DeliveryState.BOUNCED, 0)
    return Figures(
        sent=left + failed + bounced,
        delivered=left,
        failed=failed,
        bounced=bounced,
        suppressed=counted.get(DeliveryState.SUPPRESSED, 0),
    )


@outbox.sequel("mail")
def _ended(row: outbox.Claimed, kept: outbox.Payload) -> None:
    """Write down that a mail left, or why it does not."""
    reason = kept.get("suppressed")
    state = DeliveryState.SUPPRESSED if reason else DeliveryState.SENT
    settle([row.uid], state=state, reason=reason, own_server=row.lane != outbox.MAIN_LANE)
    if reason or not row.payload.get("to"):
        return
    if row.lane != outbox.MAIN_LANE:
        _server_works(row.payload["tenant_id"])
    bounces.forget(row.payload["to"], tenant_id=_scope(row))


@outbox.on_failure("mail")
def _failed(row: outbox.Claimed, error: Exception, given_up: bool) -> None:
    """Write down a try that failed, and whose fault it was."""
    reason = cleaned(str(error))
    bounced = isinstance(error, NoSuchAddress)
    if given_up:
        settle([row.uid], state=DeliveryState.BOUNCED if bounced else DeliveryState.FAILED, reason=reason)
    else:
        _note(row.uid, reason)
    if bounced and row.payload.get("to"):
        bounces.mark(row.payload["to"], reason, tenant_id=_scope(row))
    elif row.lane != outbox.MAIN_LANE and not bounced:
        _server_failed(row.payload["tenant_id"], reason)


def _scope(row: outbox.Claimed) -> int | None:
    """Return for whom it counts what this server says: an organization's own could say it of anybody."""
    return None if row.lane == outbox.MAIN_LANE else int(row.payload["tenant_id"])


def settle(uids: Sequence[UUID], **values: Any) -> None:
    """Write down how mails ended."""
    for at in range(0, len(uids), _CHUNK):
        chosen = Delivery.uid.in_(uids[at : at + _CHUNK])
        db.session.execute(
            sa.update(Delivery)
            .where(chosen)
            .values(ended_at=clock.now(), **values)
            .execution_options(synchronize_session=False)
        )


def _note(uid: UUID, reason: str) -> None:
    db.session.execute(
        sa.update(Delivery)
        .where(Delivery.uid == uid)
        .values(reason=reason)
        .execution_options(synchronize_session=False)
    )


def _server_works(tenant_id: int) -> None:
    db.session.execute(
        sa.update(TenantMailServer)
        .where(TenantMailServer.tenant_id == tenant_id, TenantMailServer.failures > 0)
        .values(failures=0, last_error=None, warned_at=None, updated_at=TenantMailServer.updated_at)
        .execution_options(synchronize_session=False)
    )


def _server_failed(tenant_id: int, reason: str) -> None:
    db.session.execute(
        sa.update(TenantMailServer)
        .where(TenantMailServer.tenant_id == tenant_id)
        .values(
            failures=TenantMailServer.failures + 1,
            last_error=reason,
            updated_at=TenantMailServer.updated_at,
        )
        .execution_options(synchronize_session=False)
    )


# ---- Looking after


@job("smtp.watch", every=timedelta(minutes=5))
def _give_up_late() -> int:
    """Give up what waited too long for servers that never answered."""
    late = lanes.bury_late()
    settle(late, state=DeliveryState.FAILED, reason="the mail server did not answer for too long")
    return len(late)


@job("retention.prune", every=_DAY)
def _prune() -> int:
    return forget([None], before=clock.now() - timedelta(days=KEPT_DAYS))


def forget(tenant_ids: Sequence[int | None], *, before: datetime, most: int = 50_000) -> int:
    """Delete what is known of mails promised before a moment, some at a time; returns how many.

    :param tenant_ids: whose; None alone for the instance's own
    """
    theirs = Delivery.tenant_id.is_(None) if tenant_ids == [None] else Delivery.tenant_id.in_(tenant_ids)
    old = sa.select(Delivery.id).where(theirs, Delivery.created_at < before)
    gone = 0
    while gone < most:
        some = old.limit(min(_AT_ONCE, most - gone))
        met = rows_changed(sa.delete(Delivery).where(Delivery.id.in_(some)))
        gone += met
        if met < _AT_ONCE:
            break
    return gone
