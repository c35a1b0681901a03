"""The organization itself: what it is called, who owns it, how it stands, and where the rest is."""

from flask import g
from flask_babel import gettext as _

from app.core.access import Actor
from app.domains.sessions.identify import Caller, TenantSuspended
from app.domains.tenants import queries
from app.domains.tenants.models import TenantStatus
from app.surfaces.portal.banners import Banner, banner
from app.surfaces.portal.base import area, door, leads_to, page
from app.surfaces.portal.permissions import ROLES
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.languages import said

bp = area("organization")

PAGE = "/organization"
PLAN = "/organization/plan"


@banner
def suspended(_actor: Actor) -> Banner | None:
    """Tell a member that their organization is suspended, why, and who can lift it."""
    caller: Caller | None = g.get("caller")
    kept = caller.kept_from if caller else None
    if caller is None or kept is None or not isinstance(caller.kept_out, TenantSuspended):
        return None
    why = said(caller.kept_out.remedy or "")
    text = _("%(organization)s is suspended. %(why)s", organization=kept.name, why=why)
    return Banner(text, action=_("What stays open"), href=PAGE) if kept.is_head else Banner(text)


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
