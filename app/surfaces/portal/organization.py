"""The organization itself: what it is called, who owns it, how it stands, and where the rest is."""

from flask import g
from flask_babel import gettext as _

from app.core.access import Actor, SessionTooWeak
from app.domains.sessions.identify import Caller, TenantArchived, TenantSuspended, TwoFactorSetupRequired
from app.domains.tenants import queries
from app.domains.tenants.models import TenantStatus
from app.surfaces.portal.banners import Banner, banner
from app.surfaces.portal.base import area, door, leads_to, page
from app.surfaces.portal.roles import ROLES
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.languages import said

bp = area("organization")

PAGE = "/organization"
PLAN = "/organization/plan"


_TOLD_ELSEWHERE = (TwoFactorSetupRequired, SessionTooWeak)
"""What the demand for a second factor says by itself, with the way to meet it."""


@banner()
def kept_out(_actor: Actor) -> Banner | None:
    """Tell a member what keeps them out of the organization that they chose, and who can change it."""
    caller: Caller | None = g.get("caller")
    if caller is None or caller.kept_from is None or isinstance(caller.kept_out, _TOLD_ELSEWHERE):
        return None
    kept, remedy = caller.kept_from, caller.kept_out.remedy if caller.kept_out else None
    why = said(remedy) if remedy else ""
    if isinstance(caller.kept_out, TenantSuspended):
        text = _("%(organization)s is suspended. %(why)s", organization=kept.name, why=why)
        return Banner(text, action=_("What stays open"), href=PAGE) if kept.is_head else Banner(text)
    if isinstance(caller.kept_out, TenantArchived):
        text = _("%(organization)s is closed. %(why)s", organization=kept.name, why=why)
    else:
        text = _("%(organization)s does not take this sign-in. %(why)s", organization=kept.name, why=why)
    return Banner(text, action=_("Your organizations"), href="/organizations")


@bp.get(PAGE)
@door("user", while_suspended=True)
def index():
    sheet = queries.sheet(current_actor())
    return page(
        "organizations/organization.html",
        sheet=sheet,
        roles=ROLES,
        is_suspended=sheet.tenant.status is TenantStatus.SUSPENDED,
        plan=PLAN if leads_to(PLAN) else "",
    )
