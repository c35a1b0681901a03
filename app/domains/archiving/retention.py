"""Letting go of rows whose time is over (``data.audit_retention_days``), from the beginning of each chain.

Only rows that are sealed go, with their links; what is left of a chain begins at the last that went. Months
that are empty by then go as a whole.
"""

from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa

from app.core import clock, partitions
from app.core.db import db, is_sqlite, rows_changed
from app.domains.audit import chain
from app.domains.audit.chain_models import OF_THE_INSTANCE, AuditChain
from app.domains.audit.models import AuditEvent
from app.domains.settings import queries as settings

SETTING = "data.audit_retention_days"
_BATCH = 2000
_MOST = 20_000
"""Rows let go of in one run; the job comes again."""


def prune() -> int:
    """Let go of rows that are older than their organization wants; returns how many."""
    gone = 0
    for one in db.session.scalars(sa.select(AuditChain).order_by(AuditChain.tenant_key)).all():
        while gone < _MOST and (ids := _prune(one)):
            gone += len(ids)
            if len(ids) < _BATCH // 2:
                break
    _drop_empty_months()
    return gone


def _prune(one: AuditChain) -> Sequence[int]:
    tenant_id = None if one.tenant_key == OF_THE_INSTANCE else one.tenant_key
    before = clock.now() - timedelta(days=settings.integer(SETTING, tenant_id=tenant_id))
    held = sa.select(AuditChain).where(AuditChain.id == one.id).with_for_update()
    ids = chain.let_go(db.session.scalars(held).one(), before=before, most=_BATCH)
    if ids:
        gone = sa.delete(AuditEvent).where(
            AuditEvent.id.in_(ids), AuditEvent.tenant_id.is_not_distinct_from(tenant_id)
        )
        rows_changed(gone.where(AuditEvent.at < before))
    db.session.flush()  # the chain's new beginning
    return ids


def _drop_empty_months() -> None:
    """Drop partitions of months that are over and in which no row is left."""
    if is_sqlite():
        return
    now = clock.now()
    this_month = partitions.name_of("audit_events", now)
    names = sorted(
        name
        for name in sa.inspect(db.session.connection()).get_table_names()
        if name.startswith("audit_events_y") and name < this_month
    )
    for name in names:
        if not db.session.scalar(sa.text(f"SELECT EXISTS (SELECT 1 FROM {name})")):  # noqa: S608 - our own name
            db.session.execute(sa.text(f"DROP TABLE {name}"))
