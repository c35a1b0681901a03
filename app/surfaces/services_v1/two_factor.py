"""Proving again, inside a session, who is at the keyboard."""

import marshmallow as ma

from app.core import clock
from app.domains.auth import step_up
from app.surfaces.services_v1.dialect import Seconds, blp, done, door, told
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
    return done(proven, f"Verified for {minutes} minute{'' if minutes == 1 else 's'}.")
