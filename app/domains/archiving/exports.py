"""Exports of the trail: asked for, made in steps in the background, fetched by who asked and may read it."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.core import clock, outbox, stepwise, storage
from app.core.access import Access, Actor, operation
from app.core.buckets import AUDIT_EXPORTS
from app.core.db import db
from app.core.environments import Environment
from app.core.errors import ValidationFailed
from app.core.links import public_url
from app.core.outbox import Act, Claimed, Payload
from app.core.paging import CursorWindow
from app.core.personal import Leaver, on_erasure
from app.core.spreadsheets import harmless
from app.core.stepwise import UNDER_WAY, ExportState, ExportUnderWay, Sheet
from app.core.storage import Store, StoreFailed
from app.domains.accounts.models import User
from app.domains.archiving import naming
from app.domains.archiving.models import AuditExport, AuditExportPart
from app.domains.archiving.naming import Line
from app.domains.archiving.trail import Reach, Scope, require_reader
from app.domains.audit.kinds import AuditKind
from app.domains.audit.models import AuditEvent
from app.domains.audit.operations import record
from app.domains.audit.search import Wanted, search
from app.domains.email import audit_mails as mails
from app.domains.settings import budgets
from app.domains.storage import files, stores
from app.domains.storage.models import StoredFile
from app.domains.tenants.models import Tenant

FORMS: Mapping[str, str] = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}
STEP = "audit.export_step"
BATCH = 2000
FOLDER = "trails"
COLUMNS = (
    *("at", "action", "result", "actor_type", "actor_id", "actor", "actor_email", "support"),
    *("subject_type", "subject_id", "subject", "tenant_id", "tenant", "way_in", "ip", "user_agent"),
    *("session_id", "request_id", "changes", "uid"),
)


@dataclass(frozen=True)
class Fetched:
    """A finished export on its way to who asked for it."""

    name: str
    media_type: str
    size: int
    parts: Sequence[tuple[Store, str]]

    def stream(self) -> Iterator[bytes]:
        """Yield the file piece by piece.

        :raises StoreFailed: in the middle of it: then less arrives than was announced
        """
        for store, key in self.parts:
            content = store.get(key)
            if content is None:
                raise StoreFailed("unreachable")
            yield content


def visible(actor: Actor, tenant_id: int | None) -> sa.Select[tuple[AuditExport]]:
    """Select the actor's own exports of an organization's trail, or of the instance's."""
    mine = (AuditExport.user_id == actor.user_id, AuditExport.tenant_id == tenant_id)
    return sa.select(AuditExport).where(*mine)


@operation(Access.SIGNED_IN)
def mine(actor: Actor, *, tenant_id: int | None) -> Sequence[Sheet[AuditExport]]:
    """Return the actor's latest exports, the newest first."""
    return stepwise.latest(AuditExport, visible(actor, tenant_id))


@operation(Access.INTERACTIVE)
def request_export(actor: Actor, *, tenant_id: int | None, wanted: Wanted, form: str) -> AuditExport:
    """Have a part of the trail made into a file; a mail says when it is there.

    :param tenant_id: whose; None for the whole instance's
    :param form: csv or ndjson
    :raises ScopeForbidden, PlatformAdminRequired: if the actor may not read it
    :raises ValidationFailed: at form
    :raises ExportUnderWay: while one of theirs is being made
    :raises StorageFull: if the organization's files lie with us and the plan has no room
    """
    if form not in FORMS:
        raise ValidationFailed({"form": ["Choose one of the forms."]})
    budgets.spend(AUDIT_EXPORTS, user=actor.user_id)
    require_reader(actor, tenant_id)
    stepwise.give_up_stuck(AuditExport, _discard, AuditExport.user_id == actor.user_id)
    db.session.execute(
        sa.select(User.id).where(User.id == actor.user_id).with_for_update()
    )  # of two at once one
    if db.session.scalar(visible(actor, tenant_id).where(AuditExport.state.in_(UNDER_WAY)).limit(1)):
        raise ExportUnderWay
    if tenant_id is not None:
        files.require_room(tenant_id, actor.environment)
    now = clock.now()
    wanted = replace(wanted, before=min(wanted.before or now, now))
    export = AuditExport(
        user_id=actor.user_id,
        tenant_id=tenant_id,
        environment=actor.environment if tenant_id is not None else Environment.PROD,
        form=form,
        wanted=wanted.kept(),
        requested_at=now,
    )
    db.session.add(export)
    db.session.flush()  # generate export.id, which the step names
    stepwise.begin(STEP, export)
    told = {name: value for name, value in wanted.kept().items() if value not in (None, "", False)}
    record(
        actor,
        AuditKind.AUDIT_EXPORT_REQUESTED,
        subject=("audit_export", export.id),
        tenant_id=tenant_id,
        changes={"form": form, "filter": told},
    )
    return export


@operation(Access.INTERACTIVE)
def fetch_export(actor: Actor, *, tenant_id: int | None, uid: UUID) -> Fetched:
    """Hand an export out to who asked for it, and keep in the trail that it was.

    :raises ExportNotFound: if it is another's, not finished, or has run out
    :raises ScopeForbidden, PlatformAdminRequired: if the actor may not read the trail any more
    """
    require_reader(actor, tenant_id)
    export = stepwise.finished(AuditExport, visible(actor, tenant_id), uid)
    record(
        actor,
        AuditKind.AUDIT_EXPORT_DOWNLOADED,
        subject=("audit_export", export.id),
        tenant_id=tenant_id,
        changes={"export": str(uid), "rows": export.rows},
    )
    name = f"audit-{export.requested_at:%Y-%m-%d}.{export.form}"
    return Fetched(name, FORMS[export.form], export.size or 0, _parts(export))


def _parts(export: AuditExport) -> Sequence[tuple[Store, str]]:
    query = sa.select(AuditExportPart.key, StoredFile.key, StoredFile.place_id).outerjoin(
        StoredFile, StoredFile.id == AuditExportPart.file_id
    )
    query = query.where(AuditExportPart.export_id == export.id).order_by(AuditExportPart.number)
    rows = db.session.execute(query).all()
    known = {place: stores.at(place) for place in {row[2] for row in rows}}
    return [(known[row[2]], row[1] or row[0]) for row in rows]


# ---- Making it


@outbox.handler(STEP)
def make_a_step(claimed: Claimed) -> Act:
    """Read the next rows, and say how they are written."""
    export = stepwise.current(AuditExport, claimed)
    if export is None:
        return dict  # erased, given up, or this step was taken by another promise
    position = export.position
    reach = _reach_of(export)
    wanted = Wanted.read(export.wanted)
    window = CursorWindow(limit=BATCH, cursor=position.get("cursor"))
    found = search(reach.conditions, wanted, window, name=f"audit.export.{export.id}")
    reader = Actor(kind="system", user_id=export.user_id)
    names = naming.names_for(reader, found.events, everybody=export.tenant_id is None)
    lines = [names.line(event) for event in found.events]
    content = _written_as(export.form, lines, begins=not position)
    last = found.searched_until or (found.events[-1].at if found.events else None)
    kept = {
        "cursor": found.next_cursor,
        "rows": len(lines),
        "progress": _progress(reach, export.requested_at, last),
    }
    tenant_id, environment, form = export.tenant_id, export.environment, export.form
    return lambda: {**kept, "file": _put(tenant_id, environment, content, form) if content else None}


def _put(tenant_id: int | None, environment: Environment, content: bytes, form: str) -> dict[str, Any]:
    try:
        if tenant_id is not None:
            return asdict(files.write(tenant_id, environment, content=content, ending=form))
        key = storage.new_key(FOLDER, form)
        storage.store().put(key, content)
        return {"key": key, "size": len(content)}
    except StoreFailed as error:
        raise outbox.NotNow(error.why) from error


@outbox.sequel(STEP)
def write_progress_down(claimed: Claimed, kept: Payload) -> None:
    """Keep what was written and promise the next step, or tell the person that it is ready."""
    export = stepwise.current(AuditExport, claimed)
    if export is None or not kept:
        return
    number = export.position.get("parts", 0)
    if kept["file"] is not None:
        try:
            _keep(export, number, kept["file"])
        except files.StorageFull as error:
            export.why = str(error.code)
            stepwise.give_up(export)
            _discard(export)
            return
        number += 1
        export.size = (export.size or 0) + int(kept["file"]["size"])
    export.rows += int(kept["rows"])
    if kept["cursor"] is None:
        _finish(export)
        return
    export.state, export.progress = ExportState.MAKING, max(export.progress, int(kept["progress"]))
    export.position = {"cursor": kept["cursor"], "parts": number}
    stepwise.begin(STEP, export)


@outbox.on_failure(STEP)
def _note_failure(claimed: Claimed, error: Exception, is_given_up: bool) -> None:
    export = stepwise.current(AuditExport, claimed)
    if export is not None and is_given_up:
        export.why = "storage:unreachable" if isinstance(error, outbox.NotNow) else "internal"
        stepwise.give_up(export)
        _discard(export)


def _keep(export: AuditExport, number: int, written: Mapping[str, Any]) -> None:
    part = AuditExportPart(export_id=export.id, number=number)
    if export.tenant_id is None:
        part.key = written["key"]
    else:
        told = {**written, "environment": Environment(written["environment"])}
        part.file_id = files.keep(files.Written(**told)).id
    db.session.add(part)


def _finish(export: AuditExport) -> None:
    until = stepwise.finish(export, size=export.size or 0)
    user = db.session.get_one(User, export.user_id)
    tenant = db.session.get(Tenant, export.tenant_id) if export.tenant_id is not None else None
    mails.audit_export_ready(
        user.email,
        first_name=user.greeting,
        tenant_name=tenant.name if tenant else None,
        tenant_id=export.tenant_id,
        row_count=export.rows,
        expires_at=until,
        link=public_url("/organization/audit" if tenant else "/platform/audit"),
    )


def _reach_of(export: AuditExport) -> Reach:
    if export.tenant_id is None:
        return Reach(Scope.ALL, None, [sa.true()])
    return Reach(Scope.TENANT, export.tenant_id, [AuditEvent.tenant_id == export.tenant_id])


def _progress(reach: Reach, begun: datetime, last: datetime | None) -> int:
    oldest = db.session.scalar(sa.select(sa.func.min(AuditEvent.at)).where(*reach.conditions))
    if last is None or oldest is None or oldest >= begun:
        return 99
    return max(1, min(99, round(100 * (begun - last) / (begun - oldest))))


def _written_as(form: str, lines: Sequence[Line], *, begins: bool) -> bytes:
    rows = [facts_of(line) for line in lines]
    if form == "ndjson":
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\r\n")
    if begins:
        text.write("\ufeff")  # by which spreadsheets know UTF-8
        writer.writeheader()
    writer.writerows({name: harmless(value) for name, value in row.items()} for row in rows)
    return text.getvalue().encode()


def facts_of(line: Line) -> dict[str, Any]:
    """Return a row of the trail as files have it."""
    event = line.event
    return {
        "at": event.at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "action": str(event.kind),
        "result": "ok" if event.ok else "refused",
        "actor_type": line.actor.type,
        "actor_id": line.actor.id,
        "actor": line.actor.name,
        "actor_email": line.actor.email,
        "support": line.support.name if line.support else None,
        "subject_type": line.subject.type,
        "subject_id": line.subject.id,
        "subject": line.subject.label,
        "tenant_id": event.tenant_id,
        "tenant": line.tenant_name,
        "way_in": event.dialect,
        "ip": event.ip,
        "user_agent": event.user_agent,
        "session_id": event.session_id,
        "request_id": event.request_id,
        "changes": line.changes,
        "uid": str(event.uid),
    }


# ---- Its end


def prune() -> int:
    """Let go of exports that nobody goes on with and of those that have run out; returns how many."""
    return stepwise.give_up_stuck(AuditExport, _discard) + stepwise.expire(AuditExport, _discard)


def _discard(export: AuditExport) -> None:
    query = sa.select(AuditExportPart, StoredFile).outerjoin(
        StoredFile, StoredFile.id == AuditExportPart.file_id
    )
    for part, file in db.session.execute(query.where(AuditExportPart.export_id == export.id)).all():
        if file is not None:
            files.discard(file)
        elif part.key:
            storage.delete_after_commit(part.key)
        db.session.delete(part)


@on_erasure
def let_go_of_exports(leaver: Leaver) -> None:
    """Delete the person's exports with their files."""
    for export in db.session.scalars(sa.select(AuditExport).where(AuditExport.user_id == leaver.user_id)):
        _discard(export)
