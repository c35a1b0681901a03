"""The organizations a person works in: choosing one, founding one."""

import re
import unicodedata
from uuid import UUID

from flask import flash
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.validators import InputRequired

from app.core.ids import Ref
from app.core.paging import Window
from app.domains.auth import selection
from app.domains.organizations import joining
from app.domains.settings import queries as settings
from app.domains.tenants import operations, queries
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door, typed
from app.surfaces.shared.actor import current_actor

bp = area("organizations")

_MOST = 100


class NewOrganizationForm(PortalForm):
    faults = {"tenant:slug_taken": "slug"}
    name = StringField(_l("Name"), [InputRequired(_l("Give the organization a name."))])
    slug = StringField(_l("Short name in addresses"))


def slug_from(name: str) -> str:
    """Return a slug for a name: its letters and digits without accents, joined by hyphens."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall(r"[a-z0-9]+", plain))[:50].strip("-")


def _slug_for(form: NewOrganizationForm) -> str:
    """Return the slug that was typed, else one made from the name that nobody has."""
    if wanted := typed(form.slug).strip().lower():
        return wanted
    answer = queries.slug_availability(current_actor(), slug=slug_from(typed(form.name)))
    return answer.suggestions[0] if answer.suggestions else answer.slug


def _page() -> FormPage[NewOrganizationForm]:
    return FormPage(
        NewOrganizationForm,
        "organizations/list.html",
        lambda: {
            "memberships": queries.mine(current_actor(), window=Window(limit=_MOST)).items,
            "open_to": joining.open_to(current_actor()),
            "trial_days": settings.integer("billing.trial_days"),
        },
    )


@bp.get("/organizations")
@door("user")
def index():
    return _page().show()


@bp.post("/organizations")
@door("user")
def create():
    form = _page().take()
    tenant = operations.create(current_actor(), name=typed(form.name), slug=_slug_for(form))
    selection.work_in(current_actor(), tenant=Ref(id=tenant.id))
    flash(_("%(name)s is founded, and you are its owner.", name=tenant.name), "success")
    return away("/dashboard")


@bp.post("/organizations/<uuid:tenant_uid>/select")
@door("user")
def select(tenant_uid: UUID):
    membership = selection.work_in(current_actor(), tenant=Ref(uid=tenant_uid))
    if not membership.tenant.is_active:  # its owner and admins: a few pages about it stay open
        return away("/organization")
    flash(_("You work in %(name)s now.", name=membership.tenant.name), "success")
    return away("/dashboard")
