"""Getting a lost second factor removed: asked for at the sign-in, led on by mails, stopped anywhere."""

from datetime import datetime, timedelta
from typing import Any

from flask import Response, flash, request, session
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import EmailField, HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from app.core.access import Actor
from app.domains.auth import assisted_recovery
from app.surfaces.portal.banners import Banner, banner
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door, page, typed
from app.surfaces.portal.dead_links import RECOVERY, LinkPage
from app.surfaces.portal.i18n import manner
from app.surfaces.portal.second_factor import forget, waiting
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.cookies import clear_session_cookie
from app.surfaces.shared.problems import Problem

bp = area("recovery")

START = assisted_recovery.PATH
STOP = "/account/second-factor-recovery/stop"


class StartForm(PortalForm):
    """Nothing to type: the first step of the sign-in is remembered."""


class LinkForm(PortalForm):
    token = HiddenField(validators=[Length(max=400)])


class FinishForm(LinkForm):
    faults = {"auth:current_password_wrong": "password"}
    password = PasswordField(_l("Password"), [InputRequired(_l("Give your password.")), Length(max=1024)])


class StopForm(PortalForm):
    email = EmailField(_l("E-mail"), [InputRequired(_l("Give your e-mail address.")), Length(max=320)])
    code = StringField(_l("Code"), [InputRequired(_l("Type the code.")), Length(max=40)])


class StartPage(FormPage[StartForm]):
    """The explanation; who has waited too long after the first step begins the sign-in anew."""

    def __init__(self) -> None:
        super().__init__(StartForm, "auth/recover_second_factor.html", lambda: {"can_ask": bool(waiting())})

    def refuse(self, problem: Problem) -> Response:
        """Show the page again while the first step still counts."""
        if problem.code != "auth:login_token_invalid":
            return super().refuse(problem)
        forget()
        flash(problem.message, "danger")
        return away("/sign-in")


# ---- Asking


@bp.get("/recover-second-factor")
def explanation():
    door.visitor()
    return StartPage().show()


@bp.post("/recover-second-factor")
@door("public")
def ask():
    if not waiting():
        return away("/sign-in")
    StartPage().take()
    asked = assisted_recovery.request(current_actor(), login_token=waiting())
    return page("auth/recover_second_factor_sent.html", sent_to=asked.sent_to, waits=_spelled(asked.waits))


def _spelled(waits: timedelta) -> str:
    whole_days = waits % timedelta(days=1) == timedelta(0)
    unit = timedelta(days=1) if whole_days else timedelta(hours=1)
    return manner().span(waits // unit, "day" if whole_days else "hour")


def _written(moment: datetime) -> str:
    return _("%(day)s at %(time)s", day=manner().day(moment), time=manner().minute(moment))


# ---- Mailed links: the page offers, the button acts


def _link_page(step: str, form: type[Any] = LinkForm) -> LinkPage[Any]:
    return LinkPage(RECOVERY, form, f"auth/recovery_{step}.html")


def _offered(step: str, form: type[Any] = LinkForm) -> str | Response:
    door.visitor()
    return _link_page(step, form).open(request.args.get("token", ""))


@bp.get("/recover-second-factor/confirm")
def confirm_form():
    return _offered("confirm")


@bp.post("/recover-second-factor/confirm")
@door("public")
def confirm():
    form = _link_page("confirm").take()
    due_at = assisted_recovery.confirm(current_actor(), token=typed(form.token))
    return page("auth/recovery_waiting.html", due=_written(due_at))


@bp.get("/recover-second-factor/cancel")
def cancel_form():
    return _offered("cancel")


@bp.post("/recover-second-factor/cancel")
@door("public")
def cancel():
    form = _link_page("cancel").take()
    assisted_recovery.cancel(current_actor(), token=typed(form.token))
    flash(_("It is stopped. Was it not you? Then choose a new password."), "success")
    return away("/forgot-password")


def _stop_page() -> FormPage[StopForm]:
    return FormPage(StopForm, "auth/recovery_stop.html")


@bp.get("/recover-second-factor/stop")
def stop_form():
    door.visitor()
    return _stop_page().show()


@bp.post("/recover-second-factor/stop")
@door("public")
def stop_with_code():
    form = _stop_page().take()
    assisted_recovery.stop_with_code(
        current_actor(), email=typed(form.email).strip(), code=typed(form.code).strip()
    )
    flash(_("It is stopped. Was it not you? Then choose a new password."), "success")
    return away("/forgot-password")


@bp.get("/recover-second-factor/finish")
def finish_form():
    return _offered("finish", FinishForm)


@bp.post("/recover-second-factor/finish")
@door("public")
def finish():
    form = _link_page("finish", FinishForm).take()
    assisted_recovery.finish(current_actor(), token=typed(form.token), password=typed(form.password))
    session.clear()
    flash(_("Your second factor is removed and every device is signed out. Sign in anew."), "success")
    return clear_session_cookie(away("/sign-in"))


# ---- In every session


@bp.post("/account/second-factor-recovery/stop")
@door("user")
def stop():
    assisted_recovery.stop(current_actor())
    flash(_("It is stopped. Was it not you? Then choose a new password."), "success")
    return away("/account/security")


@banner("removal")
def _removal_asked_for(actor: Actor) -> Banner | None:
    """Tell every session that the second factor is about to go, with one press to stop it."""
    found = assisted_recovery.under_way(actor)
    if found is None:
        return None
    if found.due_at is None:
        text = _("Somebody who knows your password asked to remove your second factor.")
    else:
        text = _(
            "Removal of your second factor was asked for. It can be removed from %(moment)s on.",
            moment=_written(found.due_at),
        )
    return Banner(text, "danger", _("Stop it"), STOP, posts=True)
