"""Support in somebody's name: the person's answer, the banner above every page, and the end of it."""

from typing import Any
from uuid import UUID

from flask import Response, flash
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import RadioField
from wtforms.validators import InputRequired

from app.core.access import Actor
from app.domains.platform import support
from app.surfaces.portal.banners import Banner, banner, signs_for_page
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door
from app.surfaces.portal.doors import SUPPORT_COOKIE
from app.surfaces.portal.presentation import moment
from app.surfaces.shared.actor import current_actor

bp = area("support_access")

PAGE = support.PAGE
OUTCOMES = {
    "declined": _l("Declined"),
    "withdrawn": _l("Taken back"),
    "finished": _l("Finished"),
    "lapsed": _l("Ran out"),
}


class GrantForm(PortalForm):
    minutes = RadioField(_l("For how long"), [InputRequired(_l("Choose one."))])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.minutes.choices = [(str(minutes), str(minutes)) for minutes in support.MINUTES]


class NothingTyped(PortalForm):
    """A button."""


def _page(form: type[PortalForm] = GrantForm) -> FormPage[PortalForm]:
    return FormPage(form, "account/support_access.html", _facts)


def _facts() -> dict[str, object]:
    return {"accesses": support.mine(current_actor()), "outcomes": OUTCOMES, "choices": support.MINUTES}


@bp.get("/account/support-access")
@door("user")
def index():
    return _page().show()


@bp.post("/account/support-access/<uuid:access_uid>/grant")
@door("user")
def grant(access_uid: UUID):
    form = _page().take()
    granted = support.grant(current_actor(), access=access_uid, minutes=int(form["minutes"].data))
    flash(_("Support may act in your name until %(until)s.", until=moment(granted.expires_at)), "success")
    return away(PAGE)


@bp.post("/account/support-access/<uuid:access_uid>/stop")
@door("user")
def stop(access_uid: UUID):
    _page(NothingTyped).take()
    support.stop(current_actor(), access=access_uid)
    flash(_("Support has no access to your account."), "success")
    return away(PAGE)


@bp.post("/support-access/end")
@door("user")
def end():
    return end_support()


def end_support() -> Response:
    """End what the admin does in somebody's name, and go back to that person's page."""
    actor = current_actor()
    support.leave(actor)
    answer = away(f"/platform/people/{actor.user_uid}" if actor.impersonator else "/dashboard")
    answer.delete_cookie(SUPPORT_COOKIE, path="/")
    flash(_("You act as yourself again."), "success")
    return answer


def acting(actor: Actor) -> Banner | None:
    """Say in whose name support acts, on whatever page; it asks the database nothing."""
    if actor.impersonator is None:
        return None
    told = {"name": actor.name or actor.email, "until": moment(actor.impersonator.until)}
    text = _("You act in the name of %(name)s until %(until)s. All of it is written down.", **told)
    return Banner(text, "danger", _("End it"), "/support-access/end", posts=True)


@banner()
def _in_whose_name(actor: Actor) -> Banner | None:
    """Say in whose name support acts, to support; and to everybody else, what support asks or does."""
    if actor.impersonator is not None:
        return acting(actor)
    found = support.open_to_me(actor) if signs_for_page()["support"] else None
    if found is None:
        return None
    if found.granted_at is None:
        text = _("%(name)s of support asks to act in your name.", name=found.admin.name)
        return Banner(text, "warning", _("Answer"), PAGE)
    told = {"name": found.admin.name, "until": moment(found.expires_at)}
    text = _("%(name)s of support may act in your name until %(until)s.", **told)
    return Banner(text, "warning", _("View"), PAGE)
