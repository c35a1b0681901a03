"""The person's own data: a copy of all of it, and leaving; the way back out of a mail."""

from typing import Any
from uuid import UUID

from flask import flash, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, StringField
from wtforms.validators import InputRequired, Length

from app.core.access import Actor
from app.domains.privacy import deletion, exports
from app.surfaces.portal.banners import Banner, banner
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door, typed
from app.surfaces.portal.dead_links import KEEP_ACCOUNT, LinkPage
from app.surfaces.portal.downloads import attached_once_proven
from app.surfaces.portal.presentation import moment
from app.surfaces.shared.actor import current_actor

bp = area("privacy")

PAGE = "/account/privacy"


class LeaveForm(PortalForm):
    email = StringField(
        _l("Your e-mail address"), [InputRequired(_l("Type your e-mail address.")), Length(max=320)]
    )


class StayForm(PortalForm):
    token = HiddenField(validators=[Length(max=400)])


@banner("leaving")
def leaving_soon(actor: Actor) -> Banner | None:
    """Say when the account is erased, and offer to keep it."""
    due = deletion.due_at(actor)
    if due is None:
        return None
    text = _("Your account will be erased on %(moment)s.", moment=moment(due))
    return Banner(text, action=_("Keep my account"), href=f"{PAGE}/stay", posts=True)


def _facts() -> dict[str, Any]:
    actor = current_actor()
    return {
        "leaving": deletion.standing(actor),
        "exports": exports.my_exports(actor),
        "address": actor.email,
    }


def _page() -> FormPage[LeaveForm]:
    return FormPage(LeaveForm, "account/privacy.html", _facts)


@bp.get("/account/privacy")
@door("user")
def index():
    return _page().show()


@bp.post("/account/privacy/exports")
@door("user")
def request_export():
    exports.request_export(current_actor())
    flash(_("Your export is being made. A mail tells you when it is ready."), "success")
    return away(PAGE)


@bp.post("/account/privacy/exports/<uuid:export_uid>/download")
@door("user")
def download(export_uid: UUID):
    return attached_once_proven(lambda: exports.fetch_export(current_actor(), uid=export_uid), page=PAGE)


@bp.post("/account/privacy/leave")
@door("user")
def leave():
    form = _page().take()
    deletion.request_deletion(current_actor(), email=typed(form.email))
    flash(_("Your account will be erased. Until then you can change your mind."), "success")
    return away(PAGE)


@bp.post("/account/privacy/stay")
@door("user")
def stay():
    deletion.cancel_deletion(current_actor())
    flash(_("Your account stays."), "success")
    return away(PAGE)


@bp.get("/keep-account")
def keep_account_form():
    door.visitor()
    return _keep_page().open(request.args.get("token", ""))


def _keep_page() -> LinkPage[StayForm]:
    return LinkPage(KEEP_ACCOUNT, StayForm, "auth/keep_account.html")


@bp.post("/keep-account")
@door("public")
def keep_account():
    form = _keep_page().take()
    deletion.cancel_by_link(current_actor(), token=typed(form.token))
    flash(_("Your account stays."), "success")
    return away(PAGE if door.visitor().is_signed_in else "/sign-in")
