"""The person's own account: proof of their address, their password."""

from flask import flash
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext as _n
from wtforms import PasswordField
from wtforms.validators import InputRequired, Length

from app.domains.auth import passwords, verification
from app.domains.settings import queries as settings
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door, typed
from app.surfaces.shared.actor import current_actor

bp = area("account")

LONGEST_PASSWORD = 1024


class ChangePasswordForm(PortalForm):
    faults = {"auth:current_password_wrong": "current_password", "auth:password_not_set": "current_password"}
    current_password = PasswordField(
        _l("Current password"),
        [InputRequired(_l("Give the current password.")), Length(max=LONGEST_PASSWORD)],
    )
    new_password = PasswordField(
        _l("New password"), [InputRequired(_l("Choose a password.")), Length(max=LONGEST_PASSWORD)]
    )


def _password_page() -> FormPage[ChangePasswordForm]:
    return FormPage(
        ChangePasswordForm,
        "account/password.html",
        lambda: {"password_min_length": settings.integer("auth.password_min_length")},
    )


@bp.post("/account/verification")
@door("user")
def send_verification():
    verification.request_own_link(current_actor())
    flash(_("A confirmation link is on its way."), "success")
    return away("/account")


@bp.get("/account/password")
@door("user")
def password_form():
    return _password_page().show()


@bp.post("/account/password")
@door("user")
def change_password():
    form = _password_page().take()
    changed = passwords.change(
        current_actor(),
        current_password=typed(form.current_password),
        new_password=typed(form.new_password),
        demand_set=True,
    )
    flash(_changed(changed.ended.sign_ins), "success")
    return away("/account/password")


def _changed(ended: int) -> str:
    if not ended:
        return _("Your password is changed.")
    return _n(
        "Your password is changed, and one other device was signed out.",
        "Your password is changed, and %(num)s other devices were signed out.",
        ended,
    )
