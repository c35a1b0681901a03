"""An organization's own mail server and sender, and whether its mail works."""

from typing import Any

import marshmallow as ma

from app.core.access import Access
from app.core.buckets import SMTP_TESTS
from app.domains.email import senders, smtp_settings, standing
from app.domains.email.settings_models import TenantMailServer
from app.domains.email.smtp_settings import SECRET_LENGTH, SECURITIES, TIMEOUTS
from app.domains.email.smtp_test import Outcome
from app.domains.email.standing import Standing
from app.surfaces.api_v1.dialect import blp, door, envelope, ok
from app.surfaces.shared import mail_servers
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.ids import Moment, Secret, Word
from app.surfaces.shared.openapi import Schema
from app.surfaces.shared.transaction import has_no_transaction

_ADDRESS, _NAME, _HOST = 320, 200, 253


class SmtpIn(Schema):
    """The fields that change; what is left out stays, null empties user and password."""

    host = Word(most=_HOST)
    port = ma.fields.Integer(strict=True, validate=ma.validate.Range(1, 65535))
    security = ma.fields.String(validate=ma.validate.OneOf(SECURITIES))
    username = Word(most=_ADDRESS, allow_none=True)
    password = Secret(most=SECRET_LENGTH, allow_none=True)
    timeout_seconds = ma.fields.Integer(
        data_key="timeoutSeconds", strict=True, validate=ma.validate.Range(*TIMEOUTS)
    )
    enabled = ma.fields.Boolean(truthy={True}, falsy={False})

    @ma.validates_schema
    def check_something_is_sent(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse a body that changes nothing."""
        if not data:
            raise ma.ValidationError("Name at least one field.")


class SmtpErrorOut(Schema):
    """The step that failed, and a sentence about it."""

    step = ma.fields.String()
    message = ma.fields.String()


class SmtpLastTestOut(Schema):
    """The last test of what is saved."""

    ok = ma.fields.Boolean()
    tested_at = Moment(data_key="testedAt")
    error = ma.fields.Nested(SmtpErrorOut, allow_none=True)


class SmtpOut(Schema):
    """The mail server, without its password."""

    configured = ma.fields.Boolean()
    enabled = ma.fields.Boolean(allow_none=True)
    host = ma.fields.String(allow_none=True)
    port = ma.fields.Integer(allow_none=True)
    security = ma.fields.String(allow_none=True)
    username = ma.fields.String(allow_none=True)
    password_set = ma.fields.Boolean(data_key="passwordSet")
    timeout_seconds = ma.fields.Integer(data_key="timeoutSeconds", allow_none=True)
    uses_instance_server = ma.fields.Boolean(data_key="usesInstanceServer")
    last_test = ma.fields.Nested(SmtpLastTestOut, data_key="lastTest", allow_none=True)
    updated_at = Moment(data_key="updatedAt", allow_none=True)


class SmtpTestIn(Schema):
    """Whom the message goes to: a member, or the caller."""

    to = Word(most=_ADDRESS)


class SmtpStepOut(Schema):
    """One step of the conversation."""

    name = ma.fields.String()
    ok = ma.fields.Boolean()
    ms = ma.fields.Integer()
    detail = ma.fields.String(allow_none=True)


class SmtpTestOut(Schema):
    """How the test went."""

    ok = ma.fields.Boolean()
    steps = ma.fields.List(ma.fields.Nested(SmtpStepOut))
    error = ma.fields.Nested(SmtpErrorOut, allow_none=True)
    sent_to = ma.fields.String(data_key="sentTo", allow_none=True)
    tested_at = Moment(data_key="testedAt")


class SenderIn(Schema):
    """The fields that change; what is left out stays, null empties."""

    from_name = Word(data_key="fromName", most=_NAME, allow_none=True)
    from_email = Word(data_key="fromEmail", most=_ADDRESS, allow_none=True)
    reply_to = Word(data_key="replyTo", most=_ADDRESS, allow_none=True)


class SenderOut(Schema):
    """Under whom messages go out."""

    from_name = ma.fields.String(data_key="fromName", allow_none=True)
    from_email = ma.fields.String(data_key="fromEmail", allow_none=True)
    reply_to = ma.fields.String(data_key="replyTo", allow_none=True)
    effective_from = ma.fields.String(data_key="effectiveFrom")
    updated_at = Moment(data_key="updatedAt", allow_none=True)


class MailCheckOut(Schema):
    """One thing to look at."""

    code = ma.fields.String()
    ok = ma.fields.Boolean()
    severity = ma.fields.String()
    message = ma.fields.String()
    link = ma.fields.String()


class MailFiguresOut(Schema):
    """How the mails of the last 24 hours ended."""

    sent = ma.fields.Integer(metadata={"description": "All that were sent off."})
    delivered = ma.fields.Integer(metadata={"description": "Those that a mail server took."})
    failed = ma.fields.Integer()
    bounced = ma.fields.Integer()
    suppressed = ma.fields.Integer()


class MailStandingOut(Schema):
    """Whether mail is set up and working."""

    ready = ma.fields.Boolean()
    sends_through = ma.fields.String(data_key="sendsThrough")
    checks = ma.fields.List(ma.fields.Nested(MailCheckOut))
    last24_hours = ma.fields.Nested(MailFiguresOut, data_key="last24Hours")


def _error(step: str | None, message: str | None) -> dict[str, Any] | None:
    return {"step": step, "message": message} if step else None


def _smtp(server: TenantMailServer | None) -> dict[str, Any]:
    if server is None:
        names = (
            "enabled",
            "host",
            "port",
            "security",
            "username",
            "timeout_seconds",
            "last_test",
            "updated_at",
        )
        unset = dict.fromkeys(names)
        return {**unset, "configured": False, "password_set": False, "uses_instance_server": True}
    last = None
    if server.tested_at is not None:
        error = _error(server.test_step, server.test_error)
        last = {"ok": server.test_ok, "tested_at": server.tested_at, "error": error}
    return {
        "configured": True,
        "enabled": server.enabled,
        "host": server.host,
        "port": server.port,
        "security": server.security,
        "username": server.username,
        "password_set": server.password is not None,
        "timeout_seconds": server.timeout_seconds,
        "uses_instance_server": not server.is_used,
        "last_test": last,
        "updated_at": server.updated_at,
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "ok": outcome.ok,
        "steps": outcome.steps,
        "error": _error(outcome.failed_at, outcome.message),
        "sent_to": outcome.sent_to,
        "tested_at": outcome.tested_at,
    }


def _standing(found: Standing) -> dict[str, Any]:
    return {
        "ready": found.ready,
        "sends_through": found.sends_through,
        "checks": found.checks,
        "last24_hours": found.last_day,
    }


@blp.get("/settings/email/smtp")
@door("tenant", access=Access.TENANT_ADMIN)
@blp.response(200, envelope(SmtpOut))
@blp.refuses({403: "auth:role_required"})
@blp.called("email_settings.smtp_get")
def smtp_get():
    """Give the SMTP configuration without its password."""
    return ok(_smtp(smtp_settings.smtp(current_actor())))


@blp.put("/settings/email/smtp")
@door("tenant", access=Access.TENANT_ADMIN)
@blp.arguments(SmtpIn)
@blp.response(200, envelope(SmtpOut))
@blp.refuses({400: "email:host_not_allowed", 403: "auth:role_required"})
@blp.called("email_settings.smtp_put")
def smtp_put(body):
    """Save the SMTP configuration; whatever was tested before has to be tested anew."""
    return ok(_smtp(smtp_settings.save_smtp(current_actor(), changes=body)))


@blp.post("/settings/email/smtp/test")
@has_no_transaction
@door("tenant", access=Access.TENANT_ADMIN, limit=SMTP_TESTS)
@blp.arguments(SmtpTestIn)
@blp.response(200, envelope(SmtpTestOut))
@blp.refuses(
    {
        400: ("email:recipient_not_member", "email:host_not_allowed"),
        403: "auth:role_required",
        409: "email:smtp_not_configured",
    }
)
@blp.called("email_settings.smtp_test")
def smtp_test(body):
    """Connect with the saved configuration, sign in and send one message."""
    return ok(_outcome(mail_servers.try_server(to=body.get("to"))))


@blp.get("/settings/email/sender")
@door("tenant")
@blp.response(200, envelope(SenderOut))
@blp.called("email_settings.sender_get")
def sender_get():
    """Give the sender that messages go out under."""
    return ok(senders.sender(current_actor()))


@blp.put("/settings/email/sender")
@door("tenant", access=Access.TENANT_ADMIN)
@blp.arguments(SenderIn)
@blp.response(200, envelope(SenderOut))
@blp.refuses({403: "auth:role_required"})
@blp.called("email_settings.sender_put")
def sender_put(body):
    """Change the sender."""
    return ok(senders.change_sender(current_actor(), changes=body))


@blp.get("/settings/email/status")
@door("tenant")
@blp.response(200, envelope(MailStandingOut))
@blp.called("email_settings.status")
def status():
    """Sum up whether mail is set up and working."""
    return ok(_standing(standing.standing(current_actor())))
