"""Reading the trail of what happened."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import marshmallow as ma

from app.core.paging import CursorWindow
from app.domains.archiving import trail
from app.domains.archiving.naming import Line, Who
from app.domains.archiving.trail import MOST, Scope, TrailPage
from app.domains.audit.search import Wanted
from app.surfaces.services_v1.dialect import blp, door
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.ids import Moment, Word
from app.surfaces.shared.openapi import Schema

_LARGEST = 2**63 - 1


class Instant(ma.fields.Field[datetime]):
    """A moment as RFC 3339 writes it, or a day in UTC."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"type": "string", "format": "date-time"}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        try:
            found = datetime.fromisoformat(str(value).replace(" ", "+"))
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise ma.ValidationError("Not a valid datetime.") from error


def _number(**more: Any) -> ma.fields.Integer:
    return ma.fields.Integer(load_default=None, validate=ma.validate.Range(1, _LARGEST), **more)


class TrailQuery(Schema):
    scope = ma.fields.String(load_default="mine", validate=ma.validate.OneOf([str(s) for s in Scope]))
    project_id = _number()
    tenant_id = _number()
    action = Word(load_default="", most=60)
    actor_id = _number()
    subject_type = Word(load_default="", most=40)
    subject_id = Word(load_default="", most=40)
    ip = Word(load_default="", most=45)
    since = Instant(data_key="from", load_default=None)
    before = Instant(data_key="to", load_default=None)
    search = Word(load_default="")
    smart_filter_id = _number()
    cursor = ma.fields.String(load_default=None, validate=ma.validate.Length(max=400))
    per_page = ma.fields.Integer(load_default=50, validate=ma.validate.Range(1))


class WhoOut(Schema):
    id = ma.fields.Integer(allow_none=True)
    type = ma.fields.String()
    name = ma.fields.String(allow_none=True)
    email = ma.fields.String(allow_none=True)


class WhatOut(Schema):
    type = ma.fields.String()
    id = ma.fields.String(allow_none=True)
    label = ma.fields.String(allow_none=True)


class EventOut(Schema):
    id = ma.fields.Integer()
    uid = ma.fields.UUID()
    action = ma.fields.String()
    actor = ma.fields.Nested(WhoOut)
    subject = ma.fields.Nested(WhatOut)
    tenant_id = ma.fields.Integer(allow_none=True)
    project_id = ma.fields.Integer(allow_none=True)
    dialect = ma.fields.String()
    session_id = ma.fields.Integer(allow_none=True)
    ip = ma.fields.String(allow_none=True)
    user_agent = ma.fields.String(allow_none=True)
    changes = ma.fields.Dict()
    created_at = Moment()


class CursorMetaOut(Schema):
    per_page = ma.fields.Integer()
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


class TrailOut(Schema):
    data = ma.fields.List(ma.fields.Nested(EventOut))
    meta = ma.fields.Nested(CursorMetaOut)


@blp.get("/services/platforms/v1/audit-logs/list")
@door("user")
@blp.refuses(
    {
        403: ("audit:scope_forbidden", "auth:platform_admin_required"),
        404: ("project:not_found", "tenant:not_found", "smart_filter:not_found"),
        422: "pagination:bad_cursor",
    }
)
@blp.arguments(TrailQuery, location="query")
@blp.response(200, TrailOut)
def list_(query):
    """Read the audit trail, newest first, in the scope the caller may see."""
    window = CursorWindow(limit=min(query["per_page"], MOST), cursor=query["cursor"])
    page = trail.read_trail(
        current_actor(),
        window=window,
        wanted=_wanted(query),
        scope=Scope(query["scope"]),
        tenant_id=query["tenant_id"],
        smart_filter_id=query["smart_filter_id"],
    )
    return _shown(page)


def _wanted(query: Mapping[str, Any]) -> Wanted:
    subject_id = query["subject_id"]
    is_number = subject_id.isascii() and subject_id.isdecimal() and len(subject_id) < 19
    return Wanted(
        action=query["action"],
        actor_id=query["actor_id"],
        subject_type=query["subject_type"],
        subject_id=int(subject_id) if is_number else None,
        nothing=bool(subject_id) and not is_number,
        ip=query["ip"],
        since=query["since"],
        before=query["before"],
        text=query["search"],
    )


def _shown(page: TrailPage) -> dict[str, Any]:
    meta = {"per_page": page.window.limit, "next_cursor": page.next_cursor, "has_more": page.has_more}
    return {"data": [_event(line) for line in page.lines], "meta": meta}


def _event(line: Line) -> dict[str, Any]:
    event, subject, shows = line.event, line.subject, line.shows_origin
    return {
        "id": event.id,
        "uid": event.uid,
        "action": str(event.kind),
        "actor": _who(line.actor),
        "subject": {"type": subject.type, "id": _text(subject.id), "label": subject.label},
        "tenant_id": event.tenant_id,
        "project_id": event.subject_id if event.subject_type == "project" else None,
        "dialect": event.dialect,
        "session_id": event.session_id if shows else None,
        "ip": event.ip if shows else None,
        "user_agent": event.user_agent if shows else None,
        "changes": line.changes,
        "created_at": event.at,
    }


def _who(who: Who) -> dict[str, Any]:
    return {"id": who.id, "type": who.type, "name": who.name, "email": who.email}


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
