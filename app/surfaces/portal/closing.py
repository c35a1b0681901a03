"""A copy of all that is the organization's, and the way out: open to its heads while it is suspended too."""

from typing import Any
from uuid import UUID

from flask import flash
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from app.core.access import Actor
from app.domains.organizations import closing, exports
from app.domains.organizations import jobs as _jobs  # noqa: F401 - and all that follows by itself
from app.domains.organizations import person_data as _person_data  # noqa: F401 - part of a person's export
from app.domains.organizations.exports import PAGE
from app.domains.permissions.roles import Role
from app.surfaces.portal.banners import Banner, banner
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door, typed
from app.surfaces.portal.downloads import attached_once_proven
from app.surfaces.portal.presentation import moment
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.transaction import has_no_transaction, writing

bp = area("closing")


class CloseForm(PortalForm):
    name = StringField(
        _l("The organization's name"), [InputRequired(_l("Type the organization's name.")), Length(max=200)]
    )


@banner("closing")
def closing_soon(actor: Actor) -> Banner | None:
    """Tell every member when the organization is erased, and let its owner keep it."""
    due = closing.due_at(actor) if actor.tenant_id is not None else None
    if due is None:
        return None
    text = _(
        "%(organization)s will be closed and erased on %(moment)s.",
        organization=actor.tenant_name,
        moment=moment(due),
    )
    if actor.role == Role.OWNER:
        return Banner(text, action=_("Keep it"), href=f"{PAGE}/keep", posts=True)
    return Banner(text)


def _facts() -> dict[str, Any]:
    actor = current_actor()
    return {
        "closing": closing.standing(actor),
        "exports": exports.latest(actor),
        "name": actor.tenant_name,
    }


def _page() -> FormPage[CloseForm]:
    return FormPage(CloseForm, "organizations/closing.html", _facts)


@bp.get(PAGE)
@door("user", while_suspended=True)
def index():
    return _page().show()


@bp.post(f"{PAGE}/exports")
@door("user", while_suspended=True)
def request_export():
    exports.request(current_actor())
    flash(_("The export is being made. A mail tells you when it is ready."), "success")
    return away(PAGE)


@bp.post(f"{PAGE}/exports/<uuid:export_uid>/download")
@has_no_transaction  # the file may come from a slow storage
@door("user", while_suspended=True)
def download(export_uid: UUID):
    actor = current_actor()
    return attached_once_proven(lambda: writing(lambda: exports.fetch(actor, uid=export_uid)), page=PAGE)


@bp.post(f"{PAGE}/close")
@door("user", while_suspended=True)
def close():
    form = _page().take()
    due = closing.request(current_actor(), name=typed(form.name))
    flash(_("It will be closed on %(moment)s. Until then you can keep it.", moment=moment(due)), "info")
    return away(PAGE)


@bp.post(f"{PAGE}/keep")
@door("user", while_suspended=True)
def keep():
    closing.keep(current_actor())
    flash(_("%(name)s stays.", name=current_actor().tenant_name), "success")
    return away(PAGE)
