"""Everything that keeps an account safe, on one page; the authenticator and the recovery codes."""

from typing import Any

from flask import Response, flash, redirect, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from wtforms import HiddenField, StringField
from wtforms.validators import InputRequired, Length

from app.core.access import Actor
from app.core.errors import AppError
from app.domains.accounts import queries as accounts
from app.domains.twofactor import authenticators, passkeys, pictures, queries, recovery_codes
from app.domains.twofactor.authenticators import SetUp
from app.surfaces.portal.banners import Banner, banner
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door, leads_to, page, typed
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.problems import Problem

bp = area("security")

_HERE = "/account/security"
_SETUP = f"{_HERE}/authenticator"
_CODES = f"{_HERE}/recovery-codes"
_GROUP = 4


class NothingTyped(PortalForm):
    """A button."""


class FirstCodeForm(PortalForm):
    faults = {"two_factor:code_invalid": "code"}
    code = StringField(_l("Code"), [InputRequired(_l("Type the six digits of the app.")), Length(max=40)])


class BatchForm(PortalForm):
    batch_token = HiddenField()


@banner("few_codes")
def _few_codes(actor: Actor) -> Banner | None:
    if not actor.particulars.two_factor_enabled or request.path == _CODES:
        return None  # the page that shows new ones is the answer already
    standing = queries.standing(actor)
    if not standing.few_codes:
        return None
    if standing.recovery_codes_remaining == 0:
        text = _("You have no recovery codes. Without your authenticator you could not sign in.")
    else:
        text = _("You have only few recovery codes left.")
    return Banner(text, action=_("View"), href=f"{_HERE}#recovery-codes")


def security_page() -> FormPage[NothingTyped]:
    """Return the page that all buttons of this area stand on."""
    return FormPage(NothingTyped, "account/security.html", _facts)


def _facts() -> dict[str, Any]:
    actor = current_actor()
    standing = queries.standing(actor)
    return {
        "person": accounts.me(actor),
        "standing": standing,
        "demanded_by": [tenant.name for tenant in queries.demanded_by(actor)] if standing.enabled else [],
        "passkeys": passkeys.mine(actor),
        "leads_to": leads_to,
    }


@bp.get("/account/security")
@door("user")
def index():
    return security_page().show()


# ---- The authenticator


class SetUpPage(FormPage[FirstCodeForm]):
    """Scanning and the first code; where nothing waits any more, back to the beginning."""

    def __init__(self) -> None:
        super().__init__(FirstCodeForm, "account/authenticator.html", _set_up_facts)

    def refuse(self, problem: Problem) -> Response:
        """Show the code to scan again while it can still be used."""
        try:
            return super().refuse(problem)
        except AppError:  # nothing waits any more, or the page asks for a proof first
            flash(problem.message, "danger")
            return away(_SETUP)


def _set_up_facts() -> dict[str, Any]:
    return _as_shown(authenticators.waiting(current_actor()))


def _as_shown(set_up: SetUp) -> dict[str, Any]:
    secret = set_up.secret
    return {
        "picture": Markup(pictures.svg(set_up.address)),  # noqa: S704 - drawn by ourselves, no text in it
        "address": set_up.address,
        "secret": secret,
        "groups": [secret[at : at + _GROUP] for at in range(0, len(secret), _GROUP)],
        "replaces": set_up.enabled,
        "minutes": -(-int(set_up.expires_in.total_seconds()) // 60),
    }


@bp.post("/account/security/authenticator")
@door("user")
def begin():
    security_page().take()
    authenticators.begin(current_actor())
    return away(_SETUP)


@bp.get("/account/security/authenticator")
@door("user")
def set_up_form():
    if not queries.standing(current_actor()).pending:
        return away(_HERE)
    return SetUpPage().show()


@bp.post("/account/security/authenticator/confirm")
@door("user")
def confirm():
    form = SetUpPage().take()
    authenticators.confirm(current_actor(), code=typed(form.code))
    flash(_("Your authenticator is on. Keep recovery codes for the day it is lost."), "success")
    return redirect(_CODES, 307)


@bp.post("/account/security/authenticator/cancel")
@door("user")
def cancel():
    security_page().take()
    authenticators.cancel(current_actor())
    flash(_("The set-up is dropped."), "success")
    return away(_HERE)


@bp.post("/account/security/authenticator/disable")
@door("user")
def disable():
    security_page().take()
    authenticators.disable(current_actor())
    flash(_("Your authenticator is off, and its recovery codes are gone."), "success")
    return away(_HERE)


# ---- Recovery codes


@bp.post("/account/security/recovery-codes")
@door("user")
def propose():
    security_page().take()
    proposal = recovery_codes.propose(current_actor())
    return page("account/recovery_codes.html", proposal=proposal, codes=[_spaced(c) for c in proposal.codes])


@bp.post("/account/security/recovery-codes/save")
@door("user")
def save():
    form = FormPage(BatchForm, "account/security.html", _facts).take()
    recovery_codes.save(current_actor(), batch_token=typed(form.batch_token))
    flash(_("Your recovery codes are in force."), "success")
    return away(f"{_HERE}#recovery-codes")


def _spaced(code: str) -> str:
    """Write a code as it is read best; the hyphen is not looked at when it is typed."""
    return f"{code[:_GROUP]}-{code[_GROUP:]}"
