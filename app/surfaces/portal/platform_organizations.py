"""Every organization of the instance, for the platform's admins, and what state each is in."""

from typing import Any
from uuid import UUID

from flask import flash, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import RadioField, StringField
from wtforms.validators import InputRequired, Length

from app.core.errors import BadCursor, ValidationFailed
from app.core.ids import Ref
from app.core.paging import CursorWindow
from app.domains.tenants import administration
from app.domains.tenants.models import TenantStatus
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door, leads_to, page, typed
from app.surfaces.shared.actor import current_actor

bp = area("platform_organizations")

PAGE = "/platform/organizations"
PER_PAGE = 25

STATUS = {
    TenantStatus.ACTIVE: _l("Active"),
    TenantStatus.SUSPENDED: _l("Suspended"),
    TenantStatus.ARCHIVED: _l("Archived"),
}


class StatusForm(PortalForm):
    status = RadioField(_l("Status"), [InputRequired(_l("Choose one."))])
    reason = StringField(_l("Reason"), [Length(max=administration.REASON_LENGTH)])
    name = StringField(_l("Name of the organization"), [Length(max=200)])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.status.choices = [(str(status), text) for status, text in STATUS.items()]


def chosen(name: str, kind: Any) -> Any:
    """Return what a list is narrowed to, None where the address says nothing of the kind."""
    named = request.args.get(name, "")
    return kind(named) if named in list(kind) else None


@bp.get("/platform/organizations")
@door("platform_admin")
def index():
    status, text = chosen("status", TenantStatus), request.args.get("q", "").strip()[:200]
    window = CursorWindow(limit=PER_PAGE, cursor=request.args.get("cursor"))
    try:
        found = administration.find(current_actor(), window=window, status=status, search=text)
    except BadCursor:
        return away(PAGE)
    asked = {name: value for name, value in (("q", text), ("status", status)) if value}
    return page("platform/organizations.html", found=found, asked=asked, status=STATUS, window=window)


def _one(tenant_uid: UUID) -> FormPage[StatusForm]:
    def facts() -> dict[str, Any]:
        sheet = administration.sheet(current_actor(), tenant=Ref(uid=tenant_uid))
        return {"sheet": sheet, "status": STATUS, "leads_to": leads_to}

    return FormPage(StatusForm, "platform/organization.html", facts)


@bp.get("/platform/organizations/<uuid:tenant_uid>")
@door("platform_admin")
def one(tenant_uid: UUID):
    return _one(tenant_uid).show()


@bp.post("/platform/organizations/<uuid:tenant_uid>/status")
@door("platform_admin")
def set_status(tenant_uid: UUID):
    shown = _one(tenant_uid)
    form, status = shown.take(), TenantStatus(typed(shown.form.status))
    _confirmed(tenant_uid, form, status)
    reason = typed(form.reason).strip() or None
    row = administration.set_status(current_actor(), tenant=Ref(uid=tenant_uid), status=status, reason=reason)
    told = {"name": row.tenant.name, "status": STATUS[row.tenant.status]}
    flash(_("%(name)s: %(status)s", **told), "success")
    return away(f"{PAGE}/{tenant_uid}")


def _confirmed(tenant_uid: UUID, form: StatusForm, status: TenantStatus) -> None:
    """Ask for the name where people are shut out by it."""
    tenant = administration.sheet(current_actor(), tenant=Ref(uid=tenant_uid)).row.tenant
    if status is not TenantStatus.ACTIVE and typed(form.name).strip() != tenant.name:
        raise ValidationFailed({"name": [_("Type %(name)s to confirm.", name=tenant.name)]})
