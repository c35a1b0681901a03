"""Another e-mail address: asked for on the account's page, confirmed, stopped and undone by mailed links."""

from typing import Any

from flask import Response, flash, request, session
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import EmailField, HiddenField
from wtforms.validators import InputRequired, Length

from app.domains.accounts import queries
from app.domains.auth import email_change, email_undo, verification
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door, page, typed
from app.surfaces.portal.dead_links import EMAIL_CONFIRM, EMAIL_STOP, EMAIL_UNDO, LinkPage
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.cookies import clear_session_cookie

bp = area("email_change")


class NewEmailForm(PortalForm):
    email = EmailField(
        _l("New e-mail address"), [InputRequired(_l("Give the new address.")), Length(max=320)]
    )


class TokenForm(PortalForm):
    token = HiddenField()


def _email_page() -> FormPage[NewEmailForm]:
    return FormPage(NewEmailForm, "account/email.html", lambda: {"person": queries.me(current_actor())})


@bp.get("/account/email")
@door("user")
def email_form():
    return _email_page().show()


@bp.post("/account/email")
@door("user")
def ask():
    form = _email_page().take()
    asked = email_change.request(current_actor(), email=typed(form.email))
    flash(_("If %(address)s can be used, a link is on its way to it.", address=asked.email), "success")
    return away("/account/email")


@bp.post("/account/email/resend")
@door("user")
def resend():
    verification.request_own_link(current_actor())
    flash(_("A confirmation link is on its way."), "success")
    return away("/account/email")


@bp.post("/account/email/cancel")
@door("user")
def cancel():
    email_change.cancel(current_actor())
    flash(_("The change is cancelled. Your address stays as it is."), "success")
    return away("/account/email")


# ---- Mailed links: the page offers, the button acts


_KINDS = {"email_confirm": EMAIL_CONFIRM, "email_stop": EMAIL_STOP, "email_undo": EMAIL_UNDO}


def _token_page(template: str, **facts: Any) -> LinkPage[TokenForm]:
    shown = LinkPage(_KINDS[template], TokenForm, f"account/{template}.html", lambda: facts)
    shown.offers = None not in facts.values()
    return shown


def _offered(template: str, **facts: Any) -> str | Response:
    return _token_page(template, **facts).open(request.args.get("token", ""))


@bp.get("/email/confirm")
def confirm_form():
    door.visitor()
    return _offered("email_confirm")


@bp.post("/email/confirm")
@door("public")
def confirm():
    form, visitor = _token_page("email_confirm").take(), door.visitor()
    changed = email_change.confirm(visitor, token=typed(form.token))
    flash(_("Your e-mail address is %(address)s now.", address=changed.email), "success")
    return away("/account/email" if visitor.is_signed_in else "/sign-in")


@bp.get("/email/stop")
def stop_form():
    door.visitor()
    return _offered("email_stop")


@bp.post("/email/stop")
@door("public")
def stop():
    form = _token_page("email_stop").take()
    email_undo.stop(current_actor(), token=typed(form.token))
    session.clear()
    return clear_session_cookie(Response(page("account/email_stopped.html")))


@bp.get("/email/undo")
def undo_form():
    way_back = email_undo.look(door.visitor(), token=request.args.get("token", ""))
    return _offered("email_undo", way_back=way_back)


@bp.post("/email/undo")
@door("public")
def undo():
    looked_at = email_undo.look(current_actor(), token=request.form.get("token", ""))
    form = _token_page("email_undo", way_back=looked_at).take()
    address = email_undo.undo(current_actor(), token=typed(form.token))
    session.clear()
    return clear_session_cookie(Response(page("account/email_undone.html", address=address)))
