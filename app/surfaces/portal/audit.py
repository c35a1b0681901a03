"""The audit trail: an organization's for those who may read it, all of it for the platform's admins."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Response, flash, request
from flask_babel import gettext as _
from wtforms import HiddenField
from wtforms.validators import Length

from app.core.errors import BadCursor
from app.core.paging import CursorWindow
from app.domains.archiving import exports, trail
from app.domains.archiving.naming import Line
from app.domains.archiving.trail import Scope, TrailPage
from app.domains.audit import verifying
from app.domains.audit.search import Wanted
from app.domains.settings.registry import DEFINITIONS
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door, typed
from app.surfaces.portal.downloads import attached
from app.surfaces.portal.happenings import icon_of
from app.surfaces.portal.presentation import day
from app.surfaces.portal.spans import offered
from app.surfaces.portal.trail_words import ACTIONS, told
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.languages import said

bp = area("audit")

PAGE, PLATFORM_PAGE = "/organization/audit", "/platform/audit"
PER_PAGE = 50
_YEARS = range(2000, 2200)
_FIELDS = (
    *("q", "action", "from", "to", "ip", "request_id", "result", "support"),
    *("actor_id", "service", "subject_type", "subject_id", "tenant_id"),
)


class ExportForm(PortalForm):
    form = HiddenField(validators=[Length(max=10)])
    asked = HiddenField(validators=[Length(max=2000)])


Asked = dict[str, str]


def _asked(given: Mapping[str, str]) -> Asked:
    """Return what narrows the trail as it stands in the address, for links and fields."""
    found = {name: given.get(name, "").replace("\0", "").strip()[:200] for name in _FIELDS}
    return {name: value for name, value in found.items() if value}


def _wanted(asked: Asked) -> Wanted:
    zone = ZoneInfo(current_actor().particulars.timezone or "UTC")
    first, last = _day(asked, "from"), _day(asked, "to")
    return Wanted(
        action=asked.get("action", ""),
        actor_id=_number(asked, "actor_id"),
        service_user=_uuid(asked.get("service", "")),
        by_support=asked.get("support") == "1",
        subject_type=asked.get("subject_type", "")[:40],
        subject_id=_number(asked, "subject_id"),
        ip=asked.get("ip", ""),
        request_id=asked.get("request_id", ""),
        since=_midnight(first, zone) if first else None,
        before=_midnight(last + timedelta(days=1), zone) if last else None,
        ok={"ok": True, "refused": False}.get(asked.get("result", "")),
        text=asked.get("q", ""),
    )


def _midnight(at: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(at, time(tzinfo=zone)).astimezone(UTC)


def _day(asked: Asked, name: str) -> date | None:
    try:
        found = date.fromisoformat(asked.get(name, ""))
    except ValueError:
        return None
    return found if found.year in _YEARS else None


def _number(asked: Asked, name: str) -> int | None:
    text = asked.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


# ---- What both pages show


def _facts(scope: Scope, base: str, tenant_id: int | None) -> dict[str, Any]:
    asked = _asked(request.args)
    cursor = request.args.get("cursor") if request.method == "GET" else None
    chosen = tenant_id if scope is Scope.TENANT else _number(asked, "tenant_id")
    actor, window = current_actor(), CursorWindow(limit=PER_PAGE, cursor=cursor)
    found = trail.read_trail(actor, window=window, wanted=_wanted(asked), scope=scope, tenant_id=chosen)
    return {
        "base": base,
        "days": _by_day(found),
        "found": found,
        "asked": asked,
        "is_first": not cursor,
        "spans": offered(tenant_id),
        "actions": _actions(asked),
        "exports": exports.mine(actor, tenant_id=tenant_id),
        "all_over": scope is Scope.ALL,
        "standing": verifying.standing(actor) if scope is Scope.ALL else None,
    }


def _by_day(found: TrailPage) -> list[tuple[str, list[dict[str, Any]]]]:
    grouped = groupby(found.lines, key=lambda line: day(line.event.at))
    return [(on, [_shown(line) for line in lines]) for on, lines in grouped]


def _shown(line: Line) -> dict[str, Any]:
    return {"line": line, "said": told(line.event), "about": _about(line), "icon": icon_of(line.event)}


def _about(line: Line) -> str:
    """Return what it was done to as people call it: a setting by its label, not by its key."""
    label = line.subject.label or ""
    definition = DEFINITIONS.get(label) if line.subject.type == "setting" else None
    return said(definition.label) if definition else label


def _actions(asked: Asked) -> Mapping[str, Any]:
    """Return the choices of actions, with the one that the address names where it is none of them."""
    named = asked.get("action", "")
    return ACTIONS if not named or named in ACTIONS else {**ACTIONS, named: named}


def _page(scope: Scope, base: str, tenant_id: int | None) -> FormPage[ExportForm]:
    template = "platform/audit.html" if scope is Scope.ALL else "organizations/audit.html"
    return FormPage(ExportForm, template, lambda: _facts(scope, base, tenant_id))


def _organization() -> FormPage[ExportForm]:
    return _page(Scope.TENANT, PAGE, current_actor().tenant_id)


def _platform() -> FormPage[ExportForm]:
    return _page(Scope.ALL, PLATFORM_PAGE, None)


def _show(shown: FormPage[ExportForm], base: str) -> Any:
    try:
        return shown.show()
    except BadCursor:
        return away(base)


def _export(take: Callable[[], FormPage[ExportForm]], base: str, tenant_id: int | None) -> Response:
    form = take().take()
    asked = _asked(dict(parse_qsl(typed(form.asked))))
    exports.request_export(
        current_actor(), tenant_id=tenant_id, wanted=_wanted(asked), form=typed(form.form) or "csv"
    )
    flash(_("The export is being made. A mail tells you when it is ready."), "success")
    return away(f"{base}#exports")


# ---- The pages


@bp.get("/organization/audit")
@door("tenant")
def index():
    return _show(_organization(), PAGE)


@bp.post("/organization/audit/exports")
@door("tenant")
def request_export():
    return _export(_organization, PAGE, current_actor().tenant_id)


@bp.post("/organization/audit/exports/<uuid:export_uid>/download")
@door("tenant")
def download(export_uid: UUID):
    actor = current_actor()
    return attached(exports.fetch_export(actor, tenant_id=actor.tenant_id, uid=export_uid))


@bp.get("/platform/audit")
@door("platform_admin")
def platform():
    return _show(_platform(), PLATFORM_PAGE)


@bp.post("/platform/audit/exports")
@door("platform_admin")
def request_platform_export():
    return _export(_platform, PLATFORM_PAGE, None)


@bp.post("/platform/audit/exports/<uuid:export_uid>/download")
@door("platform_admin")
def download_platform_export(export_uid: UUID):
    return attached(exports.fetch_export(current_actor(), tenant_id=None, uid=export_uid))
