"""The second step of a sign-in: a code of the authenticator or a recovery code."""

from typing import Any, Literal

from flask import Response, flash, session
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, StringField
from wtforms.validators import InputRequired, Length

from app.domains.auth import passkey_ways, second_step
from app.domains.auth.login_tokens import IssuedLoginToken, LoginTokenInvalid
from app.domains.sessions.operations import Opened, Plan
from app.domains.twofactor.factors import Method
from app.surfaces.portal.base import (
    FormPage,
    PortalForm,
    area,
    away,
    door,
    leads_to,
    signed_in,
    typed,
    with_next,
)
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.problems import Problem

bp = area("second_factor")

Shown = Literal["authenticator", "recovery_code", "passkey"]

FIRST = "/sign-in/second-factor"
PLAN = Plan(kind="browser", opaque=True)
_OVER = frozenset({"auth:login_token_invalid", "auth:account_disabled"})


class FactorForm(PortalForm):
    faults = {"two_factor:code_invalid": "code"}
    code = StringField(
        _l("Code"), [InputRequired(_l("Type the code.")), Length(max=40, message=_l("That is too long."))]
    )


class PasskeyForm(PortalForm):
    code = StringField(_l("Code"))
    credential = HiddenField()


class FactorPage(FormPage[Any]):
    """A page of the second step; a sign-in that took too long, or failed too often, begins anew."""

    def __init__(self, method: Shown) -> None:
        form = PasskeyForm if method == "passkey" else FactorForm
        super().__init__(form, "auth/second_factor.html", lambda: _facts(method))

    def refuse(self, problem: Problem) -> Response:
        """Show the page again while the first step still counts."""
        if problem.code not in _OVER:
            return super().refuse(problem)
        forget()
        flash(problem.message, "danger")
        return away(with_next("/sign-in"))


def _facts(method: Shown) -> dict[str, Any]:
    return {
        "method": method,
        "has_passkey": _has_passkey(),
        "can_recover": leads_to("/recover-second-factor"),
    }


def _has_passkey() -> bool:
    try:
        return passkey_ways.serves_second_step(current_actor(), login_token=waiting())
    except LoginTokenInvalid:
        return False


def go_on(step: Opened | IssuedLoginToken) -> Response:
    """Finish a sign-in, or go to the page of the second factor."""
    if isinstance(step, Opened):
        return signed_in(step)
    session["second_step"] = step.token
    return away(with_next(FIRST))


def waiting() -> str:
    """Return the token of the sign-in that waits for its second factor, nothing where none does."""
    return str(session.get("second_step") or "")


def forget() -> None:
    """Forget the first step."""
    session.pop("second_step", None)


@bp.get("/sign-in/second-factor")
def code_form():
    door.visitor()
    return FactorPage("authenticator").show() if waiting() else away(with_next("/sign-in"))


@bp.post("/sign-in/second-factor")
@door("public")
def take_code():
    return _take("authenticator")


@bp.get("/sign-in/second-factor/recovery-code")
def recovery_code_form():
    door.visitor()
    return FactorPage("recovery_code").show() if waiting() else away(with_next("/sign-in"))


@bp.post("/sign-in/second-factor/recovery-code")
@door("public")
def take_recovery_code():
    return _take("recovery_code")


def _take(method: Method) -> Response:
    if not waiting():
        return away(with_next("/sign-in"))
    form = FactorPage(method).take()
    opened = second_step.authenticate(
        current_actor(), login_token=waiting(), code=typed(form.code).strip(), method=method, plan=PLAN
    )
    response = signed_in(opened)
    if method == "recovery_code":
        flash(_("That recovery code is used up now."), "warning")
    return response
