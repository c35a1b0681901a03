"""Signing up, in and out, and getting back in."""

from typing import Any

import marshmallow as ma

from app.domains.accounts import policies
from app.domains.auth import passwords, registration, second_step, sign_in, verification
from app.domains.auth.newcomers import Newcomer
from app.domains.auth.sign_in import LoginStep
from app.domains.sessions import operations as sessions
from app.domains.sessions.operations import Opened, Plan
from app.domains.twofactor import factors
from app.surfaces.services_v1.dialect import Confirmed, Flag, Line, Seconds, blp, done, door, shown, told
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.cookies import forgotten_cookie, session_cookie
from app.surfaces.shared.ids import Moment, Secret, Word
from app.surfaces.shared.openapi import Schema
from app.surfaces.shared.problems import fields_called

_SAYS = {
    "authenticate": "The password is right. Sign in with the login token.",
    "two_factor": "Enter the code from your authenticator.",
    "verify_email": "Confirm your e-mail address first. We have sent you a code.",
}


class EmailIn(Schema):
    email = Word(required=True, most=320)


class TokenIn(Schema):
    token = Secret(required=True)


class LoginIn(EmailIn):
    password = Secret(required=True)
    remember = Flag(load_default=False)


class AuthenticateIn(Schema):
    login_token = Secret(required=True)
    method = ma.fields.String(load_default="authenticator", validate=ma.validate.OneOf(factors.METHODS))
    code = Secret(load_default=None, most=40)
    carrier = ma.fields.String(load_default="bearer", validate=ma.validate.OneOf(("bearer", "cookie")))
    device_name = Line(load_default=None, most=100)


class AccountIn(Confirmed, EmailIn):
    first_name = Word(required=True)
    last_name = Word(required=True)
    accept_policies = Flag(required=True)
    language = Word(load_default=None, most=35)
    timezone = Word(load_default=None, most=64)


class ResendIn(EmailIn):
    verification_token = Secret(required=True)


class CodeIn(ResendIn):
    otp = Word(required=True, most=40)


class ResetIn(Confirmed, TokenIn):
    """A new password and the token that allows it."""


class PolicyQuery(Schema):
    type = Word(load_default="terms", most=20, metadata={"enum": ["terms", "privacy", "cookies"]})
    language = Word(load_default=None, most=35)


class FactorOut(Schema):
    required = ma.fields.Boolean()
    methods = ma.fields.List(ma.fields.String())


class LoginStepOut(Schema):
    next = ma.fields.String()
    login_token = ma.fields.String(allow_none=True)
    expires_in = Seconds()
    two_factor = ma.fields.Nested(FactorOut)
    verification_token = ma.fields.String(allow_none=True)


class OpenedSessionOut(Schema):
    id = ma.fields.Integer()
    kind = ma.fields.String()
    factors = ma.fields.Integer()
    expires_at = Moment()


class SignedInPersonOut(Schema):
    id = ma.fields.Integer()
    uid = ma.fields.UUID()
    email = ma.fields.String()
    first_name = ma.fields.String()
    last_name = ma.fields.String()
    selected_project_id = ma.fields.Constant(None)  # nobody can have a project yet


class SignedInOut(Schema):
    access_token = ma.fields.String(allow_none=True)
    token_type = ma.fields.String(allow_none=True)
    expires_in = Seconds()
    csrf_token = ma.fields.String(allow_none=True)
    session = ma.fields.Nested(OpenedSessionOut)
    user = ma.fields.Nested(SignedInPersonOut)


class OtpOut(Schema):
    length = ma.fields.Integer()
    expires_in = Seconds()
    tries = ma.fields.Integer()


class ResentOut(Schema):
    email = ma.fields.String()
    otp = ma.fields.Nested(OtpOut, attribute="rules")
    resend_in = Seconds()


class SignUpOut(Schema):
    email = ma.fields.String()
    verification_token = ma.fields.String()
    otp = ma.fields.Nested(OtpOut, attribute="rules")
    resend_in = Seconds()


class ProvenOut(Schema):
    email = ma.fields.String(attribute="user.email")
    email_verified_at = Moment(attribute="user.email_verified_at")
    next = ma.fields.Function(
        lambda proven: "two_factor" if proven.login_token.needs_factor else "authenticate"
    )
    login_token = ma.fields.String(attribute="login_token.token")
    expires_in = Seconds(attribute="login_token.expires_in")


class ExpiryOut(Schema):
    expires_in = Seconds()


class LinkSentOut(Schema):
    email = ma.fields.String()
    expires_in = Seconds()


class ConfirmedOut(Schema):
    email = ma.fields.String()
    email_verified_at = Moment(attribute="verified_at")


class ResetOut(Schema):
    email = ma.fields.String()
    sessions_revoked = ma.fields.Integer(attribute="ended.sign_ins")


class PolicyOut(Schema):
    type = ma.fields.String()
    version = ma.fields.String()
    title = ma.fields.String()
    language = ma.fields.String()
    content_html = ma.fields.String()
    sha256 = ma.fields.String()
    effective_at = Moment()


class NothingOut(Schema):
    """Nothing to tell."""


def _step(step: LoginStep) -> dict[str, Any]:
    """Return what must come after the password; exactly one of the two tokens is there."""
    token, sign_up = step.login_token, step.sign_up
    needed = step.next == "two_factor"
    return {
        "next": step.next,
        "login_token": token and token.token,
        "expires_in": token.expires_in if token else sign_up and sign_up.rules.expires_in,
        "two_factor": {"required": needed, "methods": factors.METHODS if needed else ()},
        "verification_token": sign_up and sign_up.verification_token,
    }


def _signed_in(opened: Opened) -> dict[str, Any]:
    """Return what carries a new session: an access token, or beside the cookie what its calls must show."""
    by_cookie = opened.token is not None
    return {
        "access_token": None if by_cookie else opened.access_token(),
        "token_type": None if by_cookie else "Bearer",
        "expires_in": opened.life,
        "csrf_token": opened.csrf_token() if by_cookie else None,
        "session": opened.session,
        "user": opened.user,
    }


@blp.post("/v1/login")
@door("public", limit=None)
@blp.refuses({401: "auth:invalid_credentials", 403: "auth:account_disabled"})
@blp.arguments(LoginIn)
@blp.response(200, told(LoginStepOut))
def login(body):
    """Check e-mail and password and say what must come next."""
    step = sign_in.begin(current_actor(), **body)
    return done(_step(step), _SAYS[step.next])


@blp.post("/v1/authenticate")
@door("public", limit=None)
@blp.refuses(
    {
        401: ["auth:login_token_invalid", "auth:two_factor_required"],
        403: "auth:account_disabled",
        422: "two_factor:code_invalid",
    }
)
@blp.arguments(AuthenticateIn)
@blp.response(200, told(SignedInOut))
def authenticate(body):
    """Turn a login token into a session."""
    by_cookie = body["carrier"] == "cookie"
    plan = Plan(
        kind="browser" if by_cookie else "app", opaque=by_cookie, device_name=body["device_name"] or None
    )
    opened = second_step.authenticate(
        current_actor(),
        login_token=body["login_token"],
        plan=plan,
        code=body["code"],
        method=body["method"],
    )
    return done(_signed_in(opened), "Signed in."), 200, session_cookie(opened) if by_cookie else {}


@blp.post("/v1/create-account")
@door("public", limit=None)
@blp.refuses({403: "auth:registration_closed"})
@blp.arguments(AccountIn)
@blp.response(202, told(SignUpOut))
def create_account(body):
    """Take a sign-up and mail a code to prove the address."""
    del body["password_confirmation"]
    accepts, language = body.pop("accept_policies"), body.pop("language")
    with fields_called(locale="language"):
        started = registration.sign_up(
            current_actor(), newcomer=Newcomer(**body, locale=language), accept_policies=accepts
        )
    return done(started, "We have sent a code to your e-mail address.")


@blp.post("/v1/verify-email-otp")
@door("public", limit=None)
@blp.refuses({422: "auth:otp_invalid"})
@blp.arguments(CodeIn)
@blp.response(200, told(ProvenOut))
def verify_email_otp(body):
    """Prove an address with the mailed code and get a login token."""
    proven = registration.verify_code(current_actor(), **body)
    return done(proven, "Your e-mail address is verified.")


@blp.post("/v1/resend-email-otp")
@door("public", limit=None)
@blp.arguments(ResendIn)
@blp.response(200, told(ResentOut))
def resend_email_otp(body):
    """Mail a new sign-up code and end the one before."""
    started = registration.resend_code(current_actor(), **body)
    return done(started, "If the sign-up is still open, a new code is on its way.")


@blp.post("/v1/send-verification-email")
@door("public", limit=None)
@blp.arguments(EmailIn)
@blp.response(200, told(ExpiryOut))
def send_verification_email(body):
    """Mail a verification link to an address that waits for one."""
    life = verification.request_link(current_actor(), **body)
    return done({"expires_in": life}, "If that address waits for verification, a link is on its way.")


@blp.post("/v1/confirm-email")
@door("public", limit=None)
@blp.refuses({422: "auth:verification_token_invalid"})
@blp.arguments(TokenIn)
@blp.response(200, told(ConfirmedOut))
def confirm_email(body):
    """Prove an address with the token out of the verification link."""
    confirmed = verification.confirm(current_actor(), **body)
    return done(confirmed, "Your e-mail address is verified.")


@blp.post("/v1/forgot-password")
@door("public", limit=None)
@blp.arguments(EmailIn)
@blp.response(200, told(ExpiryOut))
def forgot_password(body):
    """Mail a link for a new password to a known address."""
    life = passwords.forgot(current_actor(), **body)
    return done({"expires_in": life}, "If that address is known, a reset link is on its way.")


@blp.post("/v1/reset-password")
@door("public", limit=None)
@blp.refuses({422: "auth:reset_token_invalid"})
@blp.arguments(ResetIn)
@blp.response(200, told(ResetOut))
def reset_password(body):
    """Set a new password with the mailed token and end the person's sign-ins."""
    changed = passwords.reset(current_actor(), token=body["token"], password=body["password"])
    return done(changed, "Your password is changed. Please sign in.")


@blp.get("/v1/get-policy")
@door("public")
@blp.refuses({404: "policy:not_found"})
@blp.arguments(PolicyQuery, location="query")
@blp.response(200, shown(PolicyOut))
def get_policy(query):
    """Show the legal policy in force."""
    return {"data": policies.policy_in_force(current_actor(), **query)}


@blp.post("/v1/logout")
@door("user", interactive=True, way_out=True)
@blp.refuses({403: "auth:interactive_session_required"})
@blp.response(200, told(NothingOut))
def logout():
    """End the session that makes the call."""
    sessions.sign_out(current_actor())
    return done(None, "Signed out."), 200, forgotten_cookie()


@blp.post("/services/platforms/v1/send-verification-email")
@door("user", limit=None)
@blp.refuses({409: "auth:email_already_verified"})
@blp.response(200, told(LinkSentOut))
def send_verification_email_signed_in():
    """Mail the signed-in person a link to prove their own address."""
    actor = current_actor()
    life = verification.request_own_link(actor)
    return done({"email": actor.email, "expires_in": life}, "A verification link is on its way.")
