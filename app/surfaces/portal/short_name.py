"""The organization's short name in addresses: what goes by it, and another one."""

from typing import Any

from flask import flash
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from app.core.links import public_url
from app.domains.tenants import renaming
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door, typed
from app.surfaces.shared.actor import current_actor

bp = area("short_name")

PAGE = "/organization/short-name"


class ShortNameForm(PortalForm):
    faults = {"tenant:slug_taken": "slug"}
    slug = StringField(_l("New short name"), [InputRequired(_l("Give a short name.")), Length(max=50)])
    confirmation = StringField(
        _l("Short name that is given up"),
        [InputRequired(_l("Type the short name it has now.")), Length(max=50)],
    )


def _page() -> FormPage[ShortNameForm]:
    def facts() -> dict[str, Any]:
        actor = current_actor()
        return {
            "former": renaming.former(actor),
            "most": renaming.MOST_KEPT,
            "sign_in": public_url("/sign-in", organization=actor.tenant_slug),
        }

    return FormPage(ShortNameForm, "organizations/short_name.html", facts)


@bp.get(PAGE)
@door("user")
def index():
    return _page().show()


@bp.post(PAGE)
@door("user")
def change():
    form = _page().take()
    tenant = renaming.change_slug(
        current_actor(), slug=typed(form.slug), confirmation=typed(form.confirmation)
    )
    flash(_("The short name is %(name)s from now on.", name=tenant.slug), "success")
    return away("/organization")
