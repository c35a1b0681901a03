"""The person's security log: what happened to their account, narrowed, paged, and to take away."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypedDict
from zoneinfo import ZoneInfo

from flask import Response, request
from flask_babel import lazy_gettext as _l

from app.core.errors import BadCursor
from app.core.paging import CursorPage, CursorWindow
from app.core.spreadsheets import harmless
from app.domains.audit.groups import Group
from app.domains.sessions import security_log as logs
from app.domains.sessions.security_log import LogLine
from app.surfaces.portal.base import area, away, door, page
from app.surfaces.portal.happenings import detail, icon_of, sentence
from app.surfaces.portal.spans import offered
from app.surfaces.shared.actor import current_actor

bp = area("security_log")

PAGE = "/account/security-log"
PER_PAGE = 25
_YEARS = range(2000, 2200)

GROUPS: Mapping[Group, Any] = {
    Group.SIGN_IN: _l("Signing in and out"),
    Group.PROOF: _l("Password and factors"),
    Group.EMAIL: _l("E-mail"),
    Group.TOKEN: _l("API tokens"),
    Group.DATA: _l("Account and data"),
    Group.SUPPORT: _l("Support in your name"),
    Group.PROFILE: _l("Profile"),
}


class Narrowed(TypedDict):
    """What part of the log is asked for."""

    group: Group | None
    since: datetime | None
    before: datetime | None


def _day(name: str) -> date | None:
    try:
        found = date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None
    return found if found.year in _YEARS else None


def _group() -> Group | None:
    named = request.args.get("group", "")
    return Group(named) if named in list(Group) else None


def _asked_for() -> Narrowed:
    """Return the part that the address names; days are the reader's own, and the last one belongs to it."""
    zone = ZoneInfo(current_actor().particulars.timezone or "UTC")
    first, last, midnight = _day("from"), _day("to"), time(tzinfo=zone)
    return {
        "group": _group(),
        "since": datetime.combine(first, midnight).astimezone(UTC) if first else None,
        "before": datetime.combine(last + timedelta(days=1), midnight).astimezone(UTC) if last else None,
    }


def _typed() -> dict[str, str]:
    """Return what narrows the log as it stands in the address, for links and fields."""
    asked = {"group": _group(), "from": _day("from"), "to": _day("to")}
    return {name: str(value) for name, value in asked.items() if value}


@bp.get("/account/security-log")
@door("user")
def index():
    window = CursorWindow(limit=PER_PAGE, cursor=request.args.get("cursor"))
    try:
        found = logs.security_log(current_actor(), window=window, **_asked_for())
    except BadCursor:
        return away(PAGE)
    return _page(found, is_first=window.cursor is None)


def _page(found: CursorPage[LogLine], *, is_first: bool) -> Any:
    return page(
        "account/security_log.html",
        lines=[_shown(line) for line in found.items],
        next_cursor=found.next_cursor,
        is_first=is_first,
        groups=GROUPS,
        asked=_typed(),
        spans=offered(current_actor().tenant_id),
    )


def _shown(line: LogLine) -> dict[str, Any]:
    event = line.event
    return {"line": line, "said": sentence(event), "icon": icon_of(event), "detail": detail(event)}


@bp.get("/account/security-log/csv")
@door("user")
def as_csv():
    found = logs.whole_log(current_actor(), **_asked_for())
    text = io.StringIO()
    rows = [_taken_away(line) for line in found.items]
    writer = csv.DictWriter(text, fieldnames=list(_COLUMNS), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: harmless(str(value)) for name, value in row.items()} for row in rows)
    return _file(text.getvalue().encode("utf-8-sig"), "text/csv; charset=utf-8", "csv")


@bp.get("/account/security-log/json")
@door("user")
def as_json():
    found = logs.whole_log(current_actor(), **_asked_for())
    rows: Sequence[dict[str, Any]] = [_taken_away(line) for line in found.items]
    body = {"events": rows, "complete": not found.has_more}
    return _file(json.dumps(body, ensure_ascii=False, indent=1).encode(), "application/json", "json")


_COLUMNS = ("at", "kind", "what", "detail", "ok", "by", "device", "ip", "country", "way_in", "id")


def _taken_away(line: LogLine) -> dict[str, Any]:
    event = line.event
    return {
        "at": event.at.astimezone(UTC).isoformat(timespec="seconds"),
        "kind": str(event.kind),
        "what": sentence(event),
        "detail": detail(event),
        "ok": event.ok,
        "by": _whoever(line),
        "device": line.device,
        "ip": line.ip or "",
        "country": line.country or "",
        "way_in": event.dialect,
        "id": str(event.uid),
    }


def _whoever(line: LogLine) -> str:
    """Say who did it; a failed sign-in is nobody's until a later one succeeds."""
    if line.by_support:
        return "support, in your name"
    if line.by_somebody_else:
        return "somebody else"
    return "you" if line.event.actor_user_id is not None else "unknown"


def _file(content: bytes, mimetype: str, ending: str) -> Response:
    response = Response(content, content_type=mimetype)
    response.headers["Content-Disposition"] = f'attachment; filename="security-log.{ending}"'
    return response
