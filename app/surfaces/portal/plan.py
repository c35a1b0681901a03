"""The organization's plan: what it holds, what is used of it, choosing another, and what was invoiced."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import flash, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.validators import Length

from app.core.buckets import CHECKOUTS
from app.core.errors import BadCursor, NotFound
from app.core.money import Money
from app.core.paging import CursorWindow
from app.domains.billing import invoice_queries, operations
from app.domains.billing.models import InvoiceStatus, SubscriptionStatus
from app.domains.billing.plans import PLANS
from app.domains.permissions.roles import HEADS
from app.domains.settings import operations as settings
from app.domains.tenants import queries as tenants
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door, page, typed
from app.surfaces.portal.dead_links import INVOICE, over
from app.surfaces.portal.i18n import manner
from app.surfaces.shared.actor import current_actor

bp = area("plan")

PAGE = "/organization/plan"
PER_PAGE = 20

LIMITS: Mapping[str, Any] = {
    "seats": _l("Seats"),
    "api_tokens": _l("API tokens in an environment"),
    "requests_per_month": _l("Calls by machines in a month"),
    "log_retention_days": _l("Days that logs are kept"),
    "projects": _l("Projects"),
    "service_users": _l("Service users in an environment"),
    "client_accounts": _l("Client accounts in an environment"),
    "local_storage_mb": _l("Megabytes of files with us"),
}
STATUS: Mapping[InvoiceStatus, tuple[Any, str]] = {
    InvoiceStatus.OPEN: (_l("Open"), "warning"),
    InvoiceStatus.PAID: (_l("Paid"), "success"),
    InvoiceStatus.VOID: (_l("Void"), ""),
    InvoiceStatus.WRITTEN_OFF: (_l("Written off"), ""),
}
STANDING: Mapping[SubscriptionStatus, tuple[Any, str]] = {
    SubscriptionStatus.TRIALING: (_l("On trial"), "info"),
    SubscriptionStatus.PAST_DUE: (_l("Payment overdue"), "danger"),
    SubscriptionStatus.CANCELLED: (_l("Ends with its period"), "warning"),
}


class BillingEmailForm(PortalForm):
    value = StringField(_l("Address for invoices"), [Length(max=254)])


@bp.app_template_filter("money")
def money(amount: Money) -> str:
    """Write an amount as its reader does."""
    return amount.written(manner())


@bp.app_template_filter("plan_name")
def plan_name(code: str) -> str:
    """Return what a plan is called; a former one keeps its code."""
    return PLANS[code].name if code in PLANS else code


def _page() -> FormPage[BillingEmailForm]:
    return FormPage(BillingEmailForm, "organizations/plan.html", _facts)


def _facts() -> dict[str, Any]:
    actor = current_actor()
    window = CursorWindow(limit=PER_PAGE, cursor=request.args.get("cursor"))
    try:
        found = invoice_queries.invoices(actor, window=window)
    except BadCursor:
        window = CursorWindow(limit=PER_PAGE)
        found = invoice_queries.invoices(actor, window=window)
    return {
        "overview": invoice_queries.overview(actor),
        "invoices": found,
        "is_first": not window.cursor,
        "limits": LIMITS,
        "status": STATUS,
        "standing": STANDING,
        "may_choose": actor.role in HEADS,
    }


@bp.get(PAGE)
@door("user", while_suspended=True)
def index():
    shown = _page()
    shown.form.value.data = tenants.sheet(current_actor()).tenant.billing_email
    return shown.show()


@bp.post(f"{PAGE}/billing-email")
@door("user")
def billing_email():
    form = _page().take()
    settings.set_value(current_actor(), key="billing.billing_email", value=typed(form.value).strip() or None)
    flash(_("Invoices go there from now on."), "success")
    return away(PAGE)


@bp.get(f"{PAGE}/<string:code>")
@door("user")
def choose_form(code: str):
    return _choice(code).show()


@bp.post(f"{PAGE}/<string:code>")
@door("user", limit=CHECKOUTS)
def choose(code: str):
    _choice(code).take()
    running = operations.subscribe(current_actor(), plan_code=code)
    flash(_("You are on %(plan)s now.", plan=running.plan.name), "success")
    return away(PAGE)


def _choice(code: str) -> FormPage[PortalForm]:
    def facts() -> dict[str, Any]:
        return {"preview": invoice_queries.preview(current_actor(), plan_code=code), "limits": LIMITS}

    return FormPage(PortalForm, "organizations/plan_choice.html", facts)


@bp.get("/organization/invoices/<uuid:invoice_uid>")
@door("user", while_suspended=True)
def invoice(invoice_uid: UUID):
    shown = invoice_queries.one(current_actor(), invoice_uid=invoice_uid)
    return page("organizations/invoice.html", shown=shown, status=STATUS)


@bp.get("/invoices/<string:token>")
@door("public")
def mailed_invoice(token: str):
    try:
        shown = invoice_queries.by_link(current_actor(), token=token)
    except NotFound:
        return over(INVOICE, "unknown")
    return page("auth/invoice.html", shown=shown, status=STATUS)
