"""Asking once more who is at the keyboard, and finishing what was asked for without anything typed again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from flask import Response, flash, g, make_response, redirect, request, session
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import Length

from app.core.errors import ValidationFailed
from app.domains.auth import passkey_ways, step_up
from app.domains.twofactor import passkeys
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door, internal, leads_to, page, typed
from app.surfaces.shared.actor import SAFE_METHODS, current_actor
from app.surfaces.shared.problems import Problem
from app.surfaces.shared.transaction import reading

bp = area("step_up")

OWN = "step_up_"
"""How the names of the dialog's own fields begin; all others belong to the form that waits."""
_HOME = "/account/security"
_SAME_METHOD = 307


class StepUpForm(PortalForm):
    faults = {
        "auth:current_password_wrong": "step_up_password",
        "auth:otp_invalid": "step_up_code",
        "two_factor:code_invalid": "step_up_code",
    }
    step_up_show = HiddenField()
    step_up_method = HiddenField()
    step_up_password = PasswordField(_l("Password"), [Length(max=1024)])
    step_up_code = StringField(_l("Code"), [Length(max=40)])
    step_up_passkey = HiddenField()


@dataclass(frozen=True)
class Asked:
    """What the dialog shows."""

    form: StepUpForm
    methods: Sequence[str]
    method: str
    then: str
    """The form that is sent again afterwards; empty where none waits."""
    following: str
    """The page to go to where no form waits."""
    kept: Sequence[tuple[str, str]]
    """What the waiting form sent, but for passwords and files."""
    code_sent: bool
    has_passkey: bool

    def address(self, path: str) -> str:
        """Return an address of ours that remembers what comes afterwards."""
        known = {name: value for name, value in (("then", self.then), ("next", self.following)) if value}
        return f"{path}?{urlencode(known, safe='/', quote_via=quote)}" if known else path


# ---- Asking


def ask(problem: Problem, refusable: FormPage[Any] | None) -> Response:
    """Ask for a proof on the page that was refused it, else on a page of its own."""
    if request.method in SAFE_METHODS:
        return away(f"/step-up?next={quote(request.full_path.rstrip('?'), safe='/')}")
    waits = not request.files and request.mimetype != "multipart/form-data"
    then = request.full_path.rstrip("?") if waits else ""
    following = "" if waits else _page_of(request.path)
    g.step_up = reading(lambda: _asked(then, following, _kept(refusable) if waits else ()))
    _blame(g.step_up)
    from_part = request.headers.get("HX-Request") == "true"
    shown = reading(refusable.show) if refusable and not from_part else page("account/step_up.html")
    response = make_response(shown, 200 if from_part else problem.status)
    if from_part:
        response.headers.update({"HX-Retarget": "#content", "HX-Reselect": "#content"})
    return response


def _asked(then: str, following: str, kept: Sequence[tuple[str, str]]) -> Asked:
    methods = step_up.methods(current_actor())
    wanted = request.form.get("step_up_show") or request.form.get("step_up_method", "")
    method = wanted if wanted in methods else methods[0]
    form = StepUpForm(formdata=MultiDict())
    has_passkey = passkeys.has_any(current_actor())
    return Asked(form, methods, method, then, following, kept, wanted == "email_code", has_passkey)


def _kept(refusable: FormPage[Any] | None) -> Sequence[tuple[str, str]]:
    form = refusable.form if refusable is not None else ()
    secret = {field.name for field in form if isinstance(field, PasswordField)}
    return [
        (name, value)
        for name, value in request.form.items(multi=True)
        if not name.startswith(OWN)
        and name not in secret
        and "password" not in name
        and name not in ("csrf_token", "shown_for")  # the question has its own
    ]


def _blame(asked: Asked) -> None:
    """Put the refusal of the last proof at its field."""
    fault = session.pop("step_up_fault", None)
    if fault is not None:
        asked.form.refuse(Problem(kind="refused", **fault))


def _page_of(path: str) -> str:
    return path if leads_to(path) else _HOME


def _waiting_form(address: str | None) -> str:
    """Return an address if a form of ours is sent there, nothing for anything else."""
    path = internal(address)
    endpoint = leads_to(urlsplit(path).path, "POST") if path else ""
    return path if endpoint.startswith("portal_") and not endpoint.startswith(f"{bp.name}.") else ""


# ---- Answering


class StepUpPage(FormPage[StepUpForm]):
    """The question on a page of its own, or over the page whose form waits."""

    def __init__(self) -> None:
        super().__init__(StepUpForm, "account/step_up.html")
        self.then = _waiting_form(request.args.get("then"))
        self.following = internal(request.args.get("next")) or _HOME

    def show(self) -> str:
        """Return the page that asks."""
        g.step_up = _asked("", self.following, ())
        for field in self.form:
            if field.name in g.step_up.form:
                g.step_up.form[field.name].errors = field.errors
        g.step_up.form.form_errors = self.form.form_errors
        return page(self.template)

    def refuse(self, problem: Problem) -> Response:
        """Ask again, where the person was, and say what was wrong."""
        if not self.then:
            return super().refuse(problem)
        session["step_up_fault"] = {
            "code": problem.code,
            "message": problem.message,
            "fields": {name: list(said) for name, said in problem.fields.items()},
            "retry_after": problem.retry_after,
            "remedy": problem.remedy,
        }
        return self.go_on()

    def go_on(self) -> Response:
        """Send the browser on: to the waiting form with all that it sent, else to the page wanted."""
        if self.then:
            return make_response(redirect(self.then, _SAME_METHOD))
        return away(self.following)


@bp.get("/step-up")
@door("user")
def question():
    return StepUpPage().show()


@bp.post("/step-up")
@door("user")
def answer():
    asked = StepUpPage()
    form = asked.take()
    if form.step_up_show.data:
        return asked.go_on() if asked.then else asked.show()
    _prove(form)
    if not asked.then:
        flash(_("Thank you, it is you."), "success")
    return asked.go_on()


@bp.post("/step-up/code")
@door("user")
def send_code():
    asked = StepUpPage()
    asked.take()
    step_up.request_code(current_actor())
    return asked.go_on() if asked.then else asked.show()


def _prove(form: StepUpForm) -> None:
    if form.step_up_passkey.data:
        passkey_ways.prove(current_actor(), credential=typed(form.step_up_passkey))
        return
    field = form.step_up_password if form.step_up_method.data == "password" else form.step_up_code
    if not field.data:
        raise ValidationFailed({field.name: [_("This is needed to go on.")]})
    step_up.prove(
        current_actor(),
        method=typed(form.step_up_method),
        password=typed(form.step_up_password) or None,
        code=typed(form.step_up_code).strip() or None,
    )
