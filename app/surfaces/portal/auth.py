"""Signing up, in and out, and getting back in."""

from typing import Any

from flask import flash, request, session
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, EmailField, HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from app.domains.auth import disowning, passwords, registration, verification
from app.domains.auth import sign_in as ways_in
from app.domains.auth.codes import rules as code_rules
from app.domains.auth.newcomers import Newcomer
from app.domains.auth.registration import SignUpStarted
from app.domains.sessions import operations as sessions
from app.domains.sessions.operations import Plan
from app.domains.settings import queries as settings
from app.domains.tenants import slugs
from app.surfaces.portal.base import (
    SIGN_IN_PAGE_OF,
    FormPage,
    PortalForm,
    area,
    away,
    door,
    internal,
    page,
    typed,
    with_next,
)
from app.surfaces.portal.brand import pictures, sign_in_face
from app.surfaces.portal.dead_links import RESET, VERIFY, LinkPage
from app.surfaces.portal.i18n import visitors_choice
from app.surfaces.portal.second_factor import go_on
from app.surfaces.portal.support_access import end_support
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.cookies import clear_session_cookie

bp = area("auth")

LONGEST_PASSWORD = 1024


def _short(most: int) -> Length:
    return Length(max=most, message=_l("That is too long."))


def _email() -> EmailField:
    return EmailField(_l("E-mail"), [InputRequired(_l("Give your e-mail address.")), _short(320)])


def _password(label: Any, asked: Any) -> PasswordField:
    return PasswordField(label, [InputRequired(asked), _short(LONGEST_PASSWORD)])


class SignUpForm(PortalForm):
    first_name = StringField(_l("First name"), [InputRequired(_l("Give your first name."))])
    last_name = StringField(_l("Last name"), [InputRequired(_l("Give your last name."))])
    email = _email()
    password = _password(_l("Password"), _l("Choose a password."))
    accept_policies = BooleanField(_l("I accept"), [InputRequired(_l("Accept both to go on."))])


class SignInForm(PortalForm):
    email = _email()
    password = _password(_l("Password"), _l("Give your password."))
    remember = BooleanField(_l("Keep me signed in"))


class EmailForm(PortalForm):
    email = _email()


class CodeRequestForm(EmailForm):
    password = PasswordField(_l("Password"))
    remember = BooleanField(_l("Keep me signed in"))


class CodeForm(PortalForm):
    faults = {"auth:otp_invalid": "code"}
    code = StringField(_l("Code"), [InputRequired(_l("Type the six digits of the mail.")), _short(40)])

    @property
    def digits(self) -> str:
        return "".join(c for c in self.code.data or "" if not c.isspace() and c != "-")


class NewPasswordForm(PortalForm):
    token = HiddenField()
    password = _password(_l("New password"), _l("Choose a password."))


class ConfirmForm(PortalForm):
    token = HiddenField()


def _plan(*, remember: bool) -> Plan:
    return Plan(kind="browser", opaque=True, remember=remember)


def _password_facts() -> dict[str, Any]:
    return {"password_min_length": settings.integer("auth.password_min_length")}


# ---- Signing up


def _sign_up_page() -> FormPage[SignUpForm]:
    return FormPage(SignUpForm, "auth/sign_up.html", _password_facts)


def _sign_up_code_page(email: str) -> FormPage[CodeForm]:
    def facts() -> dict[str, Any]:
        return {
            "heading": _("Confirm your address"),
            "sent": _("We have sent six digits to"),
            "action_label": _("Confirm and go on"),
            "resend_action": "/sign-up/code/send",
            "back": with_next("/sign-up"),
            "email": email,
            "minutes": code_rules().expires_in.seconds // 60,
        }

    return FormPage(CodeForm, "auth/code.html", facts)


@bp.get("/sign-up")
def sign_up_form():
    if door.visitor().is_signed_in:
        return away("/dashboard")
    return _sign_up_page().show()


@bp.post("/sign-up")
@door("public")
def sign_up():
    form = _sign_up_page().take()
    newcomer = Newcomer(
        email=typed(form.email),
        password=typed(form.password),
        first_name=typed(form.first_name),
        last_name=typed(form.last_name),
        locale=visitors_choice(),
    )
    accepted = bool(form.accept_policies.data)
    _wait_for_code(registration.sign_up(current_actor(), newcomer=newcomer, accept_policies=accepted))
    return away(with_next("/sign-up/code"))


def _wait_for_code(started: SignUpStarted) -> None:
    session["sign_up"] = {"email": started.email, "token": started.verification_token}


@bp.get("/sign-up/code")
def sign_up_code_form():
    door.visitor()
    waiting = session.get("sign_up")
    return _sign_up_code_page(waiting["email"]).show() if waiting else away(with_next("/sign-up"))


@bp.post("/sign-up/code")
@door("public")
def sign_up_code():
    waiting = session.get("sign_up")
    if not waiting:
        return away(with_next("/sign-up"))
    form = _sign_up_code_page(waiting["email"]).take()
    step = ways_in.finish_sign_up(
        current_actor(),
        email=waiting["email"],
        otp=form.digits,
        verification_token=waiting["token"],
        plan=_plan(remember=False),
    )
    return go_on(step)


@bp.post("/sign-up/code/send")
@door("public")
def send_sign_up_code():
    waiting = session.get("sign_up")
    if not waiting:
        return away(with_next("/sign-up"))
    registration.resend_code(current_actor(), email=waiting["email"], verification_token=waiting["token"])
    flash(_("If the sign-up is still open, a new code is on its way."), "success")
    return away(with_next("/sign-up/code"))


# ---- Signing in


def _sign_in_page(form: type[Any] = SignInForm) -> FormPage[Any]:
    def facts() -> dict[str, Any]:
        face = sign_in_face(request.values.get("organization", ""))
        look = {"face": face, "pictures": pictures(face) if face else {}}
        return {"remember_days": settings.integer("auth.remember_days"), **look}

    return FormPage(form, "auth/sign_in.html", facts)


def _sign_in_code_page(email: str) -> FormPage[CodeForm]:
    def facts() -> dict[str, Any]:
        return {
            "heading": _("Type the code"),
            "sent": _("If it has an account, six digits are on their way to"),
            "action_label": _("Sign in"),
            "resend_action": "/sign-in/code/send",
            "back": with_next("/sign-in"),
            "email": email,
            "minutes": code_rules().expires_in.seconds // 60,
        }

    return FormPage(CodeForm, "auth/code.html", facts)


@bp.get("/sign-in")
def sign_in_form():
    if door.visitor().is_signed_in:
        return away(internal(request.args.get("next")) or "/dashboard")
    _remember_whose_page()
    return _sign_in_page().show()


def _remember_whose_page() -> None:
    """Keep whose page it is for the end of the sign-in, which may take several steps."""
    slug = request.args.get("organization", "")
    if 0 < len(slug) <= slugs.LONGEST:
        session[SIGN_IN_PAGE_OF] = slug
    else:
        session.pop(SIGN_IN_PAGE_OF, None)


@bp.post("/sign-in")
@door("public")
def sign_in():
    form = _sign_in_page().take()
    step = ways_in.sign_in(
        current_actor(),
        email=typed(form.email),
        password=typed(form.password),
        plan=_plan(remember=form.remember.data),
    )
    return go_on(step)


@bp.post("/sign-in/code/send")
@door("public")
def send_sign_in_code():
    waiting = session.get("sign_in") or {}
    if "email" in request.form or not waiting:
        form = _sign_in_page(CodeRequestForm).take()
        waiting = {"email": typed(form.email), "remember": form.remember.data}
    ways_in.request_code(current_actor(), email=waiting["email"])
    session["sign_in"] = waiting
    flash(_("If that address has an account, a code is on its way."), "success")
    return away(with_next("/sign-in/code"))


@bp.get("/sign-in/code")
def sign_in_code_form():
    door.visitor()
    waiting = session.get("sign_in")
    return _sign_in_code_page(waiting["email"]).show() if waiting else away("/sign-in")


@bp.post("/sign-in/code")
@door("public")
def sign_in_code():
    waiting = session.get("sign_in")
    if not waiting:
        return away(with_next("/sign-in"))
    form = _sign_in_code_page(waiting["email"]).take()
    plan = _plan(remember=waiting["remember"])
    return go_on(ways_in.begin_by_code(current_actor(), email=waiting["email"], code=form.digits, plan=plan))


@bp.post("/sign-out")
@door("user")
def sign_out():
    if current_actor().impersonator is not None:
        return end_support()
    sessions.sign_out(current_actor())
    session.clear()
    flash(_("You are signed out."), "success")
    return clear_session_cookie(away("/sign-in"))


# ---- Getting back in


@bp.get("/forgot-password")
def forgot_password_form():
    door.visitor()
    return FormPage(EmailForm, "auth/forgot_password.html").show()


@bp.post("/forgot-password")
@door("public")
def forgot_password():
    form = FormPage(EmailForm, "auth/forgot_password.html").take()
    life = passwords.forgot(current_actor(), email=typed(form.email))
    return page("auth/forgot_password_sent.html", minutes=int(life.total_seconds() // 60))


def _reset_page() -> LinkPage[NewPasswordForm]:
    return LinkPage(RESET, NewPasswordForm, "auth/reset_password.html", _password_facts)


@bp.get("/reset-password")
@bp.get("/reset-password/<string:token>")
def reset_password_form(token: str = ""):
    door.visitor()
    token = token or request.args.get("token", "")
    return _reset_page().open(token) if token else away("/forgot-password")


@bp.post("/reset-password")
@bp.post("/reset-password/<string:token>")
@door("public")
def reset_password(token: str = ""):
    form = _reset_page().take()
    passwords.reset(current_actor(), token=form.token.data or token, password=typed(form.password))
    session.clear()
    flash(_("Your password is changed. Sign in with the new one."), "success")
    return clear_session_cookie(away("/sign-in"))


@bp.get("/verify-email")
@bp.get("/verify-email/<string:token>")
def verify_email_form(token: str = ""):
    door.visitor()
    token = token or request.args.get("token", "")
    if not token:
        return FormPage(EmailForm, "auth/verification_request.html").show()
    return _verify_page().open(token)


def _verify_page() -> LinkPage[ConfirmForm]:
    return LinkPage(VERIFY, ConfirmForm, "auth/verify_email.html")


@bp.post("/verify-email")
@bp.post("/verify-email/<string:token>")
@door("public")
def verify_email(token: str = ""):
    form = _verify_page().take()
    confirmed = verification.confirm(current_actor(), token=form.token.data or token)
    flash(_("%(email)s is confirmed.", email=confirmed.email), "success")
    return away("/dashboard" if door.visitor().is_signed_in else "/sign-in")


@bp.post("/verify-email/not-me")
@door("public")
def disown():
    form = _verify_page().take()
    disowning.disown(current_actor(), token=form.token.data or "")
    flash(_("The account that somebody made with your address is gone."), "success")
    return away("/sign-in")


@bp.post("/verify-email/send")
@door("public")
def send_verification():
    form = FormPage(EmailForm, "auth/verification_request.html").take()
    verification.request_link(current_actor(), email=typed(form.email))
    flash(_("If that address waits for confirmation, a link is on its way."), "success")
    return away("/sign-in")
