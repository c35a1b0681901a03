"""The platform's console: how the instance does, what works in the background, and one box that finds all."""

from collections.abc import Mapping
from urllib.parse import quote

from flask import flash, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField

from app.core.errors import ValidationFailed
from app.domains.audit.kinds import AuditKind
from app.domains.platform import overview, restarts, search
from app.domains.platform.search import Found
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door, page, typed
from app.surfaces.portal.trail_words import told_of
from app.surfaces.shared.actor import current_actor

bp = area("platform_console")

PAGE = "/platform"

SERIES = {
    "sign_ups": _l("Sign-ups"),
    "mails": _l("Mails sent"),
    "requests": _l("API requests"),
    "violations": _l("Calls that a rule turned down"),
}
KINDS = {"workers": _l("Workers"), "daemons": _l("Daemons")}
_RESTARTED: Mapping[str, restarts.Kind] = {"workers": "workers", "daemons": "daemons"}
FOUND = {
    Found.PERSON: (_l("Person"), "user"),
    Found.ORGANIZATION: (_l("Organization"), "building-2"),
    Found.MEMBERSHIP: (_l("Membership"), "users"),
    Found.INVITATION: (_l("Invitation"), "mail"),
    Found.SUBSCRIPTION: (_l("Subscription"), "credit-card"),
    Found.INVOICE: (_l("Invoice"), "file-text"),
    Found.SERVICE_USER: (_l("Service user"), "bot"),
    Found.API_TOKEN: (_l("API token"), "key-round"),
    Found.SESSION: (_l("Session"), "monitor"),
    Found.REQUEST: (_l("Entry of the audit trail"), "history"),
}


class RestartForm(PortalForm):
    kind = HiddenField()


def _overview() -> FormPage[RestartForm]:
    return FormPage(RestartForm, "platform/overview.html", _facts)


def _facts() -> dict[str, object]:
    actor = current_actor()
    return {
        "stats": overview.stats(actor),
        "days": overview.days(actor),
        "engine": overview.engine(actor),
        "processes": restarts.living(actor),
        "series": SERIES,
        "kinds": KINDS,
    }


@bp.get("/platform")
@door("platform_admin")
def index():
    return _overview().show()


@bp.post("/platform/restart")
@door("platform_admin")
def restart():
    kind = _RESTARTED.get(typed(_overview().take().kind))
    if kind is None:
        raise ValidationFailed({"kind": [_("Choose one.")]})
    told = restarts.restart_all(current_actor(), kind=kind)
    flash(_("%(number)s were told to start anew once they are done.", number=told.signalled), "success")
    return away(PAGE)


@bp.get("/platform/search")
@door("platform_admin")
def find():
    text = request.args.get("q", "").strip()
    hits = search.anything(current_actor(), text=text)
    if len(hits) == 1 and hits[0].kind is not Found.REQUEST:
        label = FOUND[hits[0].kind][0]
        flash(_("%(kind)s: %(name)s", kind=label, name=hits[0].label), "info")
        return away(address_of(hits[0]))
    named = [(hit, _called(hit), address_of(hit)) for hit in hits]
    return page("platform/search.html", hits=named, text=text, found=FOUND)


def _called(hit: search.Hit) -> str:
    """Return a hit's name; an entry of the trail has what happened for one."""
    return told_of(AuditKind(hit.label)) if hit.kind is Found.REQUEST else hit.label


def address_of(hit: search.Hit) -> str:
    """Return the page that tells most of what was found."""
    if hit.request:
        return f"{PAGE}/audit?request_id={quote(hit.request)}"
    if hit.invoice is not None:
        return f"{PAGE}/invoices/{hit.invoice}"
    of_person = hit.kind in (Found.PERSON, Found.MEMBERSHIP, Found.API_TOKEN, Found.SESSION)
    if hit.person is not None and (of_person or hit.organization is None):
        return f"{PAGE}/people/{hit.person}"
    return f"{PAGE}/organizations/{hit.organization}" if hit.organization is not None else ""
