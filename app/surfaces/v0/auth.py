"""Ways in and out, and the password."""

import marshmallow as ma
from flask import Response, g

from app.domains.auth import email_change, passwords, sign_in, verification
from app.domains.sessions import operations as sessions
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.cookies import clear_session_cookie
from app.surfaces.shared.ids import Moment, Secret, Word
from app.surfaces.shared.openapi import Schema
from app.surfaces.shared.problems import fields_called
from app.surfaces.v0.dialect import MessageOut, blp, door
from app.surfaces.v0.people import CarrierIn, SignedInOut, TempTokenOut, plan_of, signed_in


class LoginIn(CarrierIn):
    email = Word(required=True, most=254)
    password = Secret(required=True)


class TokenIn(Schema):
    token = Secret(required=True)


class EmailIn(Schema):
    email = Word(required=True, most=254)


class ResetIn(TokenIn):
    new_password = Secret(required=True)


class ChangePasswordIn(Schema):
    current_password = Secret()
    new_password = Secret(required=True)


class ChangeEmailIn(Schema):
    new_email = Word(required=True, most=254)
    password = Secret(load_default=None)


class ChangeAskedOut(MessageOut):
    pending_email = ma.fields.Email(required=True)
    expires_at = Moment(required=True)


class ConfirmedOut(Schema):
    email = ma.fields.Email(required=True)
    email_verified = ma.fields.Boolean(required=True)


@blp.post("/v0/auth/login")
@door("public", limit=None)
@blp.refuses({401: "auth:invalid_credentials", 403: ("auth:account_disabled", "auth:email_unverified")})
@blp.arguments(LoginIn)
@blp.response(204, description="Signed in; the cookie session_id carries the session.")
@blp.alt_response(200, schema=SignedInOut, description="Signed in with session_mode token.", success=True)
@blp.alt_response(202, schema=TempTokenOut, description="The second factor is asked for.", success=True)
def login(body):
    """Sign a person in by e-mail and password, or ask for the second factor."""
    return signed_in(
        sign_in.sign_in(
            current_actor(),
            email=body["email"],
            password=body["password"],
            plan=plan_of(body),
            carrier=body["session_mode"],
        )
    )


@blp.post("/v0/auth/logout")
@door("user", way_out=True)
@blp.refuses({403: "auth:interactive_session_required"})
@blp.response(204)
def logout():
    """End the session of this call and clear its cookie."""
    sessions.sign_out(current_actor())
    response = Response(status=204)
    return clear_session_cookie(response) if g.caller.rests_on_cookie else response


@blp.post("/v0/auth/verify-email")
@door("public", limit=None)
@blp.refuses({400: "auth:verification_token_invalid"})
@blp.arguments(TokenIn)
@blp.response(200, ConfirmedOut)
def verify_email(body):
    """Take the mailed token and mark the e-mail as proven."""
    confirmed = verification.confirm(current_actor(), token=body["token"])
    return {"email": confirmed.email, "email_verified": True}


@blp.post("/v0/auth/resend-verification-email")
@door("user", limit=None)
@blp.refuses({409: "auth:email_already_verified"})
@blp.response(202, MessageOut)
def resend_verification():
    """Mail the signed-in person a new verification token."""
    verification.request_own_link(current_actor())
    return {"message": "A verification e-mail is on its way."}


@blp.post("/v0/auth/forgot-password")
@door("public", limit=None)
@blp.arguments(EmailIn)
@blp.response(202, MessageOut)
def forgot_password(body):
    """Mail a reset token if the e-mail belongs to somebody."""
    passwords.forgot(current_actor(), email=body["email"])
    return {"message": "If that e-mail address is known, a reset link is on its way."}


@blp.post("/v0/auth/reset-password")
@door("public", limit=None)
@blp.refuses({400: "auth:reset_token_invalid"})
@blp.arguments(ResetIn)
@blp.response(204)
def reset_password(body):
    """Set a new password with the mailed token and end the person's sign-ins."""
    with fields_called(password="new_password"):
        passwords.reset(current_actor(), token=body["token"], password=body["new_password"])
    return Response(status=204)


@blp.post("/v0/auth/change-password")
@door("user", limit=None)
@blp.refuses(
    {
        400: "auth:current_password_wrong",
        403: ("auth:step_up_required", "auth:interactive_session_required"),
    }
)
@blp.arguments(ChangePasswordIn)
@blp.response(204)
def change_password(body):
    """Change, or set for the first time, the person's password."""
    passwords.change(
        current_actor(),
        current_password=body.get("current_password"),
        new_password=body["new_password"],
    )
    return Response(status=204)


@blp.post("/v0/auth/change-email")
@door("user", limit=None)
@blp.refuses(
    {
        400: "auth:current_password_wrong",
        403: ("auth:step_up_required", "auth:interactive_session_required"),
    }
)
@blp.arguments(ChangeEmailIn)
@blp.response(202, ChangeAskedOut)
def change_email(body):
    """Ask for another e-mail, which counts once its mailbox has confirmed."""
    with fields_called(email="new_email"):
        asked = email_change.request(current_actor(), email=body["new_email"], password=body["password"])
    said = "If that address can be used, a token is on its way to it."
    return {"message": said, "pending_email": asked.email, "expires_at": asked.expires_at}


@blp.post("/v0/auth/confirm-email-change")
@door("public", limit=None)
@blp.refuses({400: "auth:email_change_token_invalid", 409: "user:email_taken"})
@blp.arguments(TokenIn)
@blp.response(200, ConfirmedOut)
def confirm_email_change(body):
    """Take the token mailed to the new address and make that address the person's e-mail."""
    changed = email_change.confirm(current_actor(), token=body["token"])
    return {"email": changed.email, "email_verified": True}
