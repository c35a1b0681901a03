"""The second factor: an authenticator app and backup codes."""

import marshmallow as ma
from flask import Response

from app.domains.auth import second_step
from app.domains.twofactor import authenticators, pictures, queries
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.ids import Moment, Secret
from app.surfaces.shared.openapi import Schema
from app.surfaces.v0.dialect import blp, door
from app.surfaces.v0.people import SignedInOut, signed_in

_INTERACTIVE = "auth:interactive_session_required"


class SetUpIn(Schema):
    password = Secret(load_default=None)


class CodeIn(Schema):
    code = Secret(required=True, most=40)


class VerifyIn(CodeIn):
    temp_token = Secret(required=True)


class DisableIn(CodeIn):
    password = Secret(load_default=None)


class SetUpOut(Schema):
    """A secret to be scanned, shown this once."""

    qr_code_base64 = ma.fields.String(required=True, metadata={"description": "A PNG of the address."})
    qr_code_uri = ma.fields.String(required=True, metadata={"description": "The address with the secret."})


class BackupCodesOut(Schema):
    """Ten codes, shown this once, each good once."""

    backup_codes = ma.fields.List(ma.fields.String(), required=True)


class StatusOut(Schema):
    """How the second factor stands."""

    enabled = ma.fields.Boolean(required=True)
    enabled_at = Moment(required=True, allow_none=True)
    backup_codes_remaining = ma.fields.Integer(attribute="recovery_codes_remaining", required=True)


@blp.post("/v0/auth/totp/setup")
@door("user", limit=None, interactive=True)
@blp.refuses(
    {
        400: "auth:current_password_wrong",
        403: ("auth:step_up_required", "auth:email_unverified", _INTERACTIVE),
    }
)
@blp.arguments(SetUpIn)
@blp.response(200, SetUpOut)
def setup(body):
    """Make a secret to be confirmed, with its QR code."""
    begun = authenticators.begin(current_actor(), password=body["password"])
    return {"qr_code_base64": pictures.png(begun.address), "qr_code_uri": begun.address}


@blp.post("/v0/auth/totp/enable")
@door("user", limit=None, interactive=True)
@blp.refuses({400: "two_factor:code_invalid", 403: _INTERACTIVE, 409: "two_factor:no_setup_pending"})
@blp.arguments(CodeIn)
@blp.response(200, BackupCodesOut)
def enable(body):
    """Switch the second factor on with the first code of the new secret."""
    return authenticators.confirm(current_actor(), code=body["code"], with_codes=True)


@blp.post("/v0/auth/totp/verify")
@door("public", limit=None)
@blp.refuses({401: ("auth:login_token_invalid", "two_factor:code_invalid"), 403: "auth:account_disabled"})
@blp.arguments(VerifyIn)
@blp.response(204, description="Signed in; the cookie session_id carries the session.")
@blp.alt_response(200, schema=SignedInOut, description="Signed in with session_mode token.", success=True)
def verify(body):
    """Finish a sign-in that asked for the second factor."""
    return signed_in(
        second_step.authenticate(current_actor(), login_token=body["temp_token"], code=body["code"])
    )


@blp.get("/v0/auth/totp/status")
@door("user")
@blp.response(200, StatusOut)
def status():
    """Tell whether the second factor is on and how many backup codes are left."""
    return queries.standing(current_actor())


@blp.post("/v0/auth/totp/disable")
@door("user", limit=None, interactive=True)
@blp.refuses(
    {
        400: ("two_factor:code_invalid", "auth:current_password_wrong"),
        403: ("auth:step_up_required", _INTERACTIVE),
        409: ("two_factor:not_enabled", "two_factor:enforced"),
    }
)
@blp.arguments(DisableIn)
@blp.response(204)
def disable(body):
    """Switch the second factor off and drop its secret and backup codes."""
    authenticators.disable_with_code(current_actor(), code=body["code"], password=body["password"])
    return Response(status=204)


@blp.post("/v0/auth/totp/backup-codes/regenerate")
@door("user", limit=None, interactive=True)
@blp.refuses({400: "two_factor:code_invalid", 403: _INTERACTIVE, 409: "two_factor:not_enabled"})
@blp.arguments(CodeIn)
@blp.response(200, BackupCodesOut)
def regenerate_backup_codes(body):
    """Replace all backup codes by ten new ones."""
    return {"backup_codes": authenticators.replace_codes(current_actor(), code=body["code"])}
