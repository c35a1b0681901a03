"""Writing each day of the trail to the organization's storage, once it is over (``storage.archive_audit``).

In a bucket of the organization's a day has a name of its own, audit/2026-11-21.ndjson, and a further part
audit/2026-11-21.2.ndjson; with us it is a file like any other. Written again it is the same file.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

from app.core import clock, outbox
from app.core.access import Actor
from app.core.db import db
from app.core.environments import Environment
from app.core.jobs import job
from app.core.links import public_url
from app.core.outbox import Act, Claimed, Payload
from app.core.storage import StoreFailed
from app.domains.archiving import naming
from app.domains.archiving.exports import facts_of
from app.domains.archiving.models import ArchiveState, AuditArchive, AuditArchivePart
from app.domains.audit.models import AuditEvent
from app.domains.email import audit_mails as mails
from app.domains.settings import queries as settings
from app.domains.storage import files, stores
from app.domains.storage.models import StoredFile
from app.domains.tenants import heads
from app.domains.tenants.models import Tenant, TenantStatus

SETTING = "storage.archive_audit"
_WRITE = "audit.archive"
_BATCH = 5000
_DAYS_BACK = 7
"""A storage that was away for some days gets what it missed."""


@job("audit.archive", every=timedelta(days=1))
def begin() -> int:
    """Begin to write what is over and not written yet, wherever it is wanted; returns how many days."""
    today = clock.now().astimezone(UTC).date()
    query = sa.select(Tenant.id, Tenant.created_at).where(Tenant.status != TenantStatus.ARCHIVED)
    begun = 0
    for tenant_id, created_at in db.session.execute(query.order_by(Tenant.id)).all():
        for environment in Environment:
            if settings.boolean(SETTING, tenant_id=tenant_id, environment=environment):
                first = max(today - timedelta(days=_DAYS_BACK), created_at.astimezone(UTC).date())
                begun += _begin_days(tenant_id, environment, first, today)
    return begun


def _begin_days(tenant_id: int, environment: Environment, first: date, today: date) -> int:
    query = sa.select(AuditArchive).where(
        AuditArchive.tenant_id == tenant_id, AuditArchive.environment == environment
    )
    known = {one.day: one for one in db.session.scalars(query.where(AuditArchive.day >= first))}
    # Only the day before where nothing was ever written; what failed is tried again.
    yesterday = today - timedelta(days=1)
    start = min(known, default=yesterday)
    begun, day = 0, max(first, start)
    while day < today:
        archive = known.get(day)
        if archive is None:
            archive = AuditArchive(
                tenant_id=tenant_id, environment=environment, day=day, begun_at=clock.now()
            )
            db.session.add(archive)
        if archive.state is not ArchiveState.WRITTEN:
            archive.state, archive.begun_at = ArchiveState.WAITING, clock.now()
            db.session.flush()  # generate archive.id
            _go_on(archive, part=1, after=0)
            begun += 1
        day += timedelta(days=1)
    return begun


def _go_on(archive: AuditArchive, *, part: int, after: int) -> None:
    told = {"archive_id": archive.id, "begun": archive.begun_at.isoformat(), "part": part, "after": after}
    outbox.promise(_WRITE, told)


def _waiting(claimed: Claimed) -> AuditArchive | None:
    """Return the day that a promise is of, unless it was begun anew since: then that beginning goes on."""
    archive = db.session.get(AuditArchive, claimed.payload["archive_id"])
    if archive is None or archive.state is not ArchiveState.WAITING:
        return None
    return archive if archive.begun_at == datetime.fromisoformat(claimed.payload["begun"]) else None


@outbox.handler(_WRITE)
def _write_a_part(claimed: Claimed) -> Act:
    archive = _waiting(claimed)
    if archive is None:
        return dict
    part, day = int(claimed.payload["part"]), archive.day
    events = _events_of(archive, after=int(claimed.payload["after"]))
    names = naming.names_for(Actor(kind="system"), events)
    text = "".join(json.dumps(facts_of(names.line(e)), ensure_ascii=False) + "\n" for e in events)
    kept = {**claimed.payload, "rows": len(events), "last": events[-1].id if events else 0}
    tenant_id, environment = archive.tenant_id, archive.environment
    name = f"audit/{day}.ndjson" if part == 1 else f"audit/{day}.{part}.ndjson"
    if not events and part > 1:
        return lambda: {**kept, "file": None}
    return lambda: {**kept, "file": _put(tenant_id, environment, name, text.encode())}


def _events_of(archive: AuditArchive, *, after: int) -> Sequence[AuditEvent]:
    begin = datetime.combine(archive.day, time(), UTC)
    query = sa.select(AuditEvent).where(
        AuditEvent.tenant_id == archive.tenant_id,
        AuditEvent.at >= begin,
        AuditEvent.at < begin + timedelta(days=1),
        AuditEvent.id > after,
    )
    return db.session.scalars(query.order_by(AuditEvent.id).limit(_BATCH)).all()


def _put(tenant_id: int, environment: Environment, name: str, content: bytes) -> dict[str, Any] | None:
    """Write a part; returns what is to be kept of it where it lies with us."""
    try:
        chosen = stores.chosen(tenant_id, environment)
        if chosen.place_id is None:
            return asdict(files.write(tenant_id, environment, content=content, ending="ndjson"))
        chosen.store.put(name, content)
    except StoreFailed as error:
        raise outbox.NotNow(error.why) from error
    return None


@outbox.sequel(_WRITE)
def _note(claimed: Claimed, kept: Payload) -> None:
    archive = _waiting(claimed)
    if archive is None or not kept:
        return
    number = int(kept["part"])
    if number == 1:
        archive.rows = 0
        _let_go_of_parts(archive)
    if kept["file"] is not None:
        try:
            _keep(archive, number, kept["file"])
        except files.StorageFull as error:
            _fail(archive, str(error.code))
            return
    archive.rows += int(kept["rows"])
    if int(kept["rows"]) == _BATCH:
        _go_on(archive, part=number + 1, after=int(kept["last"]))
    else:
        archive.state, archive.why, archive.written_at = ArchiveState.WRITTEN, "", clock.now()


def _let_go_of_parts(archive: AuditArchive) -> None:
    """Let go of what a former try wrote."""
    query = sa.select(AuditArchivePart, StoredFile).join(
        StoredFile, StoredFile.id == AuditArchivePart.file_id, isouter=True
    )
    for part, file in db.session.execute(query.where(AuditArchivePart.archive_id == archive.id)).all():
        db.session.delete(part)
        if file is not None:
            db.session.flush()  # the part goes before the file that it names
            files.discard(file)
    db.session.flush()  # before parts of the same numbers come


def _keep(archive: AuditArchive, number: int, written: dict[str, Any]) -> None:
    told = {**written, "environment": Environment(written["environment"])}
    file = files.keep(files.Written(**told))
    db.session.add(AuditArchivePart(archive_id=archive.id, number=number, file_id=file.id))


@outbox.on_failure(_WRITE)
def _note_failure(claimed: Claimed, error: Exception, is_given_up: bool) -> None:
    archive = _waiting(claimed)
    if archive is not None and is_given_up:
        _fail(archive, str(error)[:60] if isinstance(error, outbox.NotNow) else "internal")


def _fail(archive: AuditArchive, why: str) -> None:
    """Mark a day as not written and tell who leads the organization; the job tries it again tomorrow."""
    told_already = archive.why == why and bool(why)
    archive.state, archive.why = ArchiveState.FAILED, why
    if told_already:
        return
    tenant = db.session.get_one(Tenant, archive.tenant_id)
    for user in heads.to_tell(tenant.id):
        mails.audit_archive_failure(
            user.email,
            first_name=user.greeting,
            tenant_name=tenant.name,
            tenant_id=tenant.id,
            day=archive.day.isoformat(),
            environment=str(archive.environment),
            reason=why,
            link=public_url("/organization/storage"),
        )
