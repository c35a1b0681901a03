"""Every invoice of the instance, for the platform's admins, who mark them paid; and plans by agreement."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from flask import flash, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField, DecimalField, RadioField, SelectField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from app.core.errors import BadCursor
from app.core.ids import Ref
from app.core.paging import CursorWindow
from app.domains.billing.invoices import money
from app.domains.billing.models import InvoiceStatus
from app.domains.billing.plans import IN_ORDER
from app.domains.platform import invoices
from app.domains.tenants import administration, plans
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door, page, typed
from app.surfaces.portal.plan import STATUS
from app.surfaces.portal.platform_organizations import chosen
from app.surfaces.shared.actor import current_actor

bp = area("platform_invoices")

PAGE = "/platform/invoices"
PER_PAGE = 25
_ENDS: Mapping[InvoiceStatus, Any] = {
    InvoiceStatus.PAID: _l("It is paid"),
    InvoiceStatus.VOID: _l("It was written by mistake: void it"),
    InvoiceStatus.WRITTEN_OFF: _l("It will not be paid: write it off"),
}


class SettleForm(PortalForm):
    status = RadioField(_l("What became of it"), [InputRequired(_l("Choose one."))])
    reason = StringField(_l("Reference or reason"), [Length(max=invoices.REASON_LENGTH)])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.status.choices = [(str(status), text) for status, text in _ENDS.items()]


class PlanForm(PortalForm):
    faults = {"plan:over_limit": "plan_id", "plan:not_found": "plan_id"}
    plan_id = SelectField(_l("Plan"))
    price = DecimalField(_l("Price for each month"), [Optional(), NumberRange(0, 10_000_000)], places=None)
    end_date = DateField(_l("Agreed until"), [Optional()])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.plan_id.choices = [(plan.code, plan.name) for plan in IN_ORDER]


@bp.get(PAGE)
@door("platform_admin")
def index():
    status, text = chosen("status", InvoiceStatus), request.args.get("q", "").strip()[:100]
    window = CursorWindow(limit=PER_PAGE, cursor=request.args.get("cursor"))
    try:
        found = invoices.find(current_actor(), window=window, status=status, search=text)
    except BadCursor:
        return away(PAGE)
    asked = {name: value for name, value in (("q", text), ("status", status)) if value}
    shown = {"found": found, "asked": asked, "status": STATUS, "window": window, "money": money}
    return page("platform/invoices.html", **shown)


def _one(invoice_uid: UUID) -> FormPage[SettleForm]:
    def facts() -> dict[str, Any]:
        shown, tenant = invoices.one(current_actor(), invoice_uid=invoice_uid)
        return {"shown": shown, "tenant": tenant, "status": STATUS}

    return FormPage(SettleForm, "platform/invoice.html", facts)


@bp.get(f"{PAGE}/<uuid:invoice_uid>")
@door("platform_admin")
def one(invoice_uid: UUID):
    return _one(invoice_uid).show()


@bp.post(f"{PAGE}/<uuid:invoice_uid>")
@door("platform_admin")
def settle(invoice_uid: UUID):
    form = _one(invoice_uid).take()
    status, reason = InvoiceStatus(typed(form.status)), typed(form.reason)
    invoice = invoices.settle(current_actor(), invoice_uid=invoice_uid, status=status, reason=reason)
    told = {"number": invoice.number, "status": STATUS[invoice.status][0]}
    flash(_("%(number)s: %(status)s", **told), "success")
    return away(f"{PAGE}/{invoice_uid}")


def _plan_page(tenant_uid: UUID) -> FormPage[PlanForm]:
    def facts() -> dict[str, Any]:
        return {"sheet": administration.sheet(current_actor(), tenant=Ref(uid=tenant_uid))}

    return FormPage(PlanForm, "platform/plan.html", facts)


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), UTC)


@bp.get("/platform/organizations/<uuid:tenant_uid>/plan")
@door("platform_admin")
def plan_form(tenant_uid: UUID):
    shown = _plan_page(tenant_uid)
    shown.form.plan_id.data = shown.facts()["sheet"].row.standing.plan.code
    return shown.show()


@bp.post("/platform/organizations/<uuid:tenant_uid>/plan")
@door("platform_admin")
def plan(tenant_uid: UUID):
    form = _plan_page(tenant_uid).take()
    running = plans.set_plan(
        current_actor(),
        tenant=Ref(uid=tenant_uid),
        plan_code=typed(form.plan_id),
        price=form.price.data,
        end_date=_midnight(form.end_date.data),
    )
    flash(_("The organization is on %(plan)s now.", plan=running.plan.name), "success")
    return away(f"/platform/organizations/{tenant_uid}")
