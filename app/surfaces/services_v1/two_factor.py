"""The second factor, and proving again inside a session who is at the keyboard."""

from collections.abc import Callable, Mapping
from typing import Any

import marshmallow as ma
from flask_babel import ngettext

from app.core import clock
from app.domains.auth import step_up
from app.domains.twofactor import authenticators, factors, pictures, recovery_codes
from app.surfaces.services_v1.dialect import Part, Seconds, blp, done, door, told
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.ids import Moment, Secret
from app.surfaces.shared.openapi import Schema

_INTERACTIVE = "auth:interactive_session_required"


class ProofIn(Schema):
    method = ma.fields.String(required=True, validate=ma.validate.OneOf(step_up.METHODS))
    password = Secret(load_default=None)
    code = Secret(load_default=None, most=40)


class CodeSentOut(Schema):
    sent_to = ma.fields.String()
    length = ma.fields.Integer(attribute="rules.length")
    expires_in = Seconds(attribute="rules.expires_in")
    tries = ma.fields.Integer(attribute="rules.tries")


class ProvenSessionOut(Schema):
    id = ma.fields.Integer()
    factors = ma.fields.Integer()


class SteppedUpOut(Schema):
    method = ma.fields.String()
    verified_until = Moment()
    allowed_methods = ma.fields.List(ma.fields.String())
    session = ma.fields.Nested(ProvenSessionOut)


class FactorIn(Schema):
    method = ma.fields.String(load_default="authenticator", validate=ma.validate.OneOf(factors.METHODS))
    code = Secret(required=True, most=40)


class FirstCodeIn(Schema):
    code = Secret(required=True, most=40)


class ActionIn(Schema):
    action = ma.fields.String(required=True, validate=ma.validate.OneOf(["begin", "cancel", "disable"]))


class BatchIn(Schema):
    batch_token = Secret(required=True)


class RaisedSessionOut(ProvenSessionOut):
    two_factor_at = Moment()


class FactorAddedOut(Schema):
    session = ma.fields.Nested(RaisedSessionOut)
    recovery_codes_remaining = ma.fields.Integer()


class FactorOnOut(Schema):
    enabled = ma.fields.Boolean()
    enabled_at = Moment()
    recovery_codes_remaining = ma.fields.Integer()


class SwitchedOnOut(Schema):
    two_factor = Part(FactorOnOut)
    session = ma.fields.Nested(ProvenSessionOut)
    next = ma.fields.Function(
        lambda on: None if on.recovery_codes_remaining else "recovery_codes",
        metadata={"type": ["string", "null"]},
    )


class FactorStateOut(Schema):
    enabled = ma.fields.Boolean(required=True)
    pending = ma.fields.Boolean(required=True)


class UpdatedOut(Schema):
    action = ma.fields.String(required=True)
    secret = ma.fields.String(metadata={"description": "With begin; shown this once."})
    otpauth_url = ma.fields.String(metadata={"description": "With begin."})
    qr_svg = ma.fields.String(metadata={"description": "With begin."})
    expires_in = Seconds(metadata={"description": "With begin."})
    two_factor = ma.fields.Nested(FactorStateOut, required=True)


class ProposalOut(Schema):
    codes = ma.fields.List(ma.fields.String())
    batch_token = ma.fields.String()
    expires_in = Seconds()


class SavedOut(Schema):
    recovery_codes_remaining = ma.fields.Integer(attribute="remaining")
    saved_at = Moment()


def _begin() -> dict[str, Any]:
    begun = authenticators.begin(current_actor())
    shown_once = {
        "secret": begun.secret,
        "otpauth_url": begun.address,
        "qr_svg": pictures.svg(begun.address),
        "expires_in": begun.expires_in,
    }
    state = {"enabled": begun.enabled, "pending": True}
    data = {"action": "begin", **shown_once, "two_factor": state}
    return done(data, "Scan the code and confirm with the first number.")


def _cancel() -> dict[str, Any]:
    enabled = authenticators.cancel(current_actor())
    state = {"enabled": enabled, "pending": False}
    return done({"action": "cancel", "two_factor": state}, "The set-up is dropped.")


def _disable() -> dict[str, Any]:
    authenticators.disable(current_actor())
    state = {"enabled": False, "pending": False}
    return done({"action": "disable", "two_factor": state}, "Two-factor authentication is off.")


_ACTIONS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "begin": _begin,
    "cancel": _cancel,
    "disable": _disable,
}


@blp.post("/services/platforms/v1/user/get-security-email-code")
@door("user", limit=None, interactive=True)
@blp.refuses({403: _INTERACTIVE, 409: "two_factor:authenticator_in_use"})
@blp.response(200, told(CodeSentOut))
def email_code():
    """Mail the caller a code for the step-up."""
    return done(step_up.request_code(current_actor()), "We have sent a code to your e-mail address.")


@blp.post("/services/platforms/v1/user/security-verification")
@door("user", limit=None, interactive=True)
@blp.refuses(
    {
        403: _INTERACTIVE,
        422: [
            "auth:current_password_wrong",
            "auth:otp_invalid",
            "two_factor:code_invalid",
            "two_factor:method_not_allowed",
        ],
    }
)
@blp.arguments(ProofIn)
@blp.response(200, told(SteppedUpOut))
def security_verification(body):
    """Prove again who is at the keyboard and open sensitive calls for a while."""
    proven = step_up.prove(current_actor(), **body)
    minutes = round((proven.verified_until - clock.now()).total_seconds() / 60)
    return done(proven, ngettext("Verified for %(num)s minute.", "Verified for %(num)s minutes.", minutes))


@blp.post("/services/platforms/v1/user/security-two-factor-validate-auth")
@door("user", limit=None, interactive=True)
@blp.refuses({403: _INTERACTIVE, 409: "two_factor:not_enabled", 422: "two_factor:code_invalid"})
@blp.arguments(FactorIn)
@blp.response(200, told(FactorAddedOut))
def validate_auth(body):
    """Add the second factor to a session that began with one."""
    return done(step_up.add_second_factor(current_actor(), **body), "Second factor accepted.")


@blp.post("/services/platforms/v1/user/verify-two-factor-code")
@door("user", limit=None, interactive=True)
@blp.refuses({403: _INTERACTIVE, 409: "two_factor:no_setup_pending", 422: "two_factor:code_invalid"})
@blp.arguments(FirstCodeIn)
@blp.response(200, told(SwitchedOnOut))
def verify_code(body):
    """Confirm the authenticator being set up with its first code and turn it on."""
    switched = authenticators.confirm(current_actor(), code=body["code"])
    if switched.recovery_codes_remaining:
        return done(switched, "Your new authenticator is in use.")
    return done(switched, "Two-factor authentication is on. Save your recovery codes next.")


@blp.post("/services/platforms/v1/user/security-authenticator-update")
@door("user", limit=None, interactive=True)
@blp.refuses(
    {
        403: ["auth:step_up_required", _INTERACTIVE, "auth:email_unverified"],
        409: ["two_factor:not_enabled", "two_factor:enforced", "two_factor:no_setup_pending"],
    }
)
@blp.arguments(ActionIn)
@blp.response(200, told(UpdatedOut))
def authenticator_update(body):
    """Begin setting up an authenticator app, drop a set-up, or turn the second factor off."""
    return _ACTIONS[body["action"]]()


@blp.post("/services/platforms/v1/user/regenerate-new-recovery-codes")
@door("user", limit=None, interactive=True)
@blp.refuses({403: ["auth:step_up_required", _INTERACTIVE], 409: "two_factor:not_enabled"})
@blp.response(200, told(ProposalOut))
def recovery_regenerate():
    """Propose ten new recovery codes, shown this once and not yet in force."""
    return done(recovery_codes.propose(current_actor()), "Store these codes, then save them.")


@blp.post("/services/platforms/v1/user/save-new-recovery-codes")
@door("user", limit=None, interactive=True)
@blp.refuses(
    {
        403: ["auth:step_up_required", _INTERACTIVE],
        409: "two_factor:not_enabled",
        422: "two_factor:batch_invalid",
    }
)
@blp.arguments(BatchIn)
@blp.response(200, told(SavedOut))
def recovery_save(body):
    """Put the proposed recovery codes in force and end the old ones."""
    return done(recovery_codes.save(current_actor(), **body), "Recovery codes saved.")
