"""What an organization wants of its mail: tracking, compliance, footer, sender domain."""

from typing import Any

import marshmallow as ma

from app.core.access import Access
from app.core.buckets import DNS_LOOKUPS
from app.domains.email import compliance, footer, tracking
from app.domains.email.dns_records import POLICIES
from app.domains.email.footer import LONGEST_TEXT, MOST_LINKS
from app.domains.email.tracking import LEAST_DAYS, MOST_DAYS
from app.surfaces.api_v1.dialect import blp, door, envelope, ok
from app.surfaces.shared import sender_domains
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.ids import Moment, Word
from app.surfaces.shared.openapi import Schema
from app.surfaces.shared.transaction import has_no_transaction

_ADDRESS = 2_000


class _Switch(ma.fields.Boolean):
    """True or false, and nothing that only looks like it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(truthy={True}, falsy={False}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class _Changes(Schema):
    """The fields that change; what is left out stays, null empties."""

    @ma.validates_schema
    def check_something_is_sent(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse a body that changes nothing."""
        if not data:
            raise ma.ValidationError("Name at least one field.")


# ---- tracking


class MailTrackingIn(_Changes):
    """What is counted in optional mail."""

    open_tracking = _Switch(data_key="openTracking")
    click_tracking = _Switch(data_key="clickTracking")
    tracking_domain = Word(data_key="trackingDomain", most=253, allow_none=True)
    anonymize_ip = _Switch(data_key="anonymizeIp")
    retention_days = ma.fields.Integer(
        data_key="retentionDays", strict=True, validate=ma.validate.Range(LEAST_DAYS, MOST_DAYS)
    )


class MailTrackingOut(Schema):
    """What is counted in optional mail, and how long it is kept."""

    open_tracking = ma.fields.Boolean(data_key="openTracking")
    click_tracking = ma.fields.Boolean(data_key="clickTracking")
    tracking_domain = ma.fields.String(data_key="trackingDomain", allow_none=True)
    anonymize_ip = ma.fields.Boolean(data_key="anonymizeIp")
    retention_days = ma.fields.Integer(data_key="retentionDays")
    updated_at = Moment(data_key="updatedAt", allow_none=True)


@blp.get("/settings/email/tracking")
@door("tenant")
@blp.response(200, envelope(MailTrackingOut))
@blp.called("email_settings.tracking_get")
def tracking_get():
    """Say whether openings and clicks are counted."""
    return ok(tracking.tracking(current_actor()))


@blp.put("/settings/email/tracking")
@door("tenant", access=Access.TENANT_ADMIN)
@blp.arguments(MailTrackingIn)
@blp.response(200, envelope(MailTrackingOut))
@blp.refuses({403: "auth:role_required"})
@blp.called("email_settings.tracking_put")
def tracking_put(body):
    """Switch the counting of openings and clicks."""
    return ok(tracking.change_tracking(current_actor(), changes=body))


# ---- compliance


class PostalAddressIn(Schema):
    """Where mail reaches the organization."""

    line1 = Word(least=1, required=True)
    line2 = Word(allow_none=True, load_default=None)
    city = Word(least=1, required=True)
    region = Word(allow_none=True, load_default=None)
    postal_code = Word(data_key="postalCode", least=1, most=20, required=True)
    country = Word(least=2, most=2, required=True)


class CanSpamIn(Schema):
    """What the CAN-SPAM Act asks for."""

    enabled = _Switch()
    company_name = Word(data_key="companyName", allow_none=True)
    address = ma.fields.Nested(PostalAddressIn, allow_none=True)


class CanSpamOut(CanSpamIn):
    """The same, and whether it is complete."""

    complete = ma.fields.Boolean()


class GdprIn(Schema):
    """What the GDPR asks for."""

    enabled = _Switch()
    consent_required = _Switch(data_key="consentRequired")
    consent_text = Word(data_key="consentText", most=500, allow_none=True)
    privacy_policy_url = Word(data_key="privacyPolicyUrl", most=_ADDRESS, allow_none=True)
    contact_email = Word(data_key="contactEmail", most=320, allow_none=True)


class UnsubscribeIn(Schema):
    """The way out of optional mail."""

    enabled = _Switch()
    one_click = _Switch(data_key="oneClick")
    text = Word(most=80, allow_none=True)


class ComplianceIn(_Changes):
    """The parts that change, field by field."""

    can_spam = ma.fields.Nested(CanSpamIn, data_key="canSpam")
    gdpr = ma.fields.Nested(GdprIn)
    unsubscribe = ma.fields.Nested(UnsubscribeIn)


class ComplianceOut(Schema):
    """What is done about mail law."""

    can_spam = ma.fields.Nested(CanSpamOut, data_key="canSpam")
    gdpr = ma.fields.Nested(GdprIn)
    unsubscribe = ma.fields.Nested(UnsubscribeIn)
    updated_at = Moment(data_key="updatedAt", allow_none=True)


@blp.get("/settings/email/compliance")
@door("tenant")
@blp.response(200, envelope(ComplianceOut))
@blp.called("email_settings.compliance_get")
def compliance_get():
    """Give the settings that mail law asks for."""
    return ok(compliance.compliance(current_actor()))


@blp.put("/settings/email/compliance")
@door("tenant", access=Access.TENANT_ADMIN)
@blp.arguments(ComplianceIn)
@blp.response(200, envelope(ComplianceOut))
@blp.refuses({403: "auth:role_required"})
@blp.called("email_settings.compliance_put")
def compliance_put(body):
    """Change postal address, consent and unsubscribe settings."""
    return ok(compliance.change_compliance(current_actor(), changes=body))


# ---- footer


class FooterLinkIn(Schema):
    """One link."""

    label = Word(least=1, most=80, required=True)
    url = Word(least=1, most=_ADDRESS, required=True)


class FooterIn(_Changes):
    """What stands below each message."""

    enabled = _Switch()
    text = Word(most=LONGEST_TEXT, allow_none=True)
    include_logo = _Switch(data_key="includeLogo")
    include_address = _Switch(data_key="includeAddress")
    include_unsubscribe = _Switch(data_key="includeUnsubscribe")
    links = ma.fields.List(ma.fields.Nested(FooterLinkIn), validate=ma.validate.Length(max=MOST_LINKS))


class FooterOut(Schema):
    """The same, with what we make of the text."""

    enabled = ma.fields.Boolean()
    text = ma.fields.String(allow_none=True)
    html = ma.fields.String()
    include_logo = ma.fields.Boolean(data_key="includeLogo")
    include_address = ma.fields.Boolean(data_key="includeAddress")
    include_unsubscribe = ma.fields.Boolean(data_key="includeUnsubscribe")
    links = ma.fields.List(ma.fields.Nested(FooterLinkIn))
    updated_at = Moment(data_key="updatedAt", allow_none=True)


@blp.get("/settings/email/footer")
@door("tenant")
@blp.response(200, envelope(FooterOut))
@blp.called("email_settings.footer_get")
def footer_get():
    """Give what stands below each message."""
    return ok(footer.footer(current_actor()))


@blp.put("/settings/email/footer")
@door("tenant", access=Access.TENANT_ADMIN)
@blp.arguments(FooterIn)
@blp.response(200, envelope(FooterOut))
@blp.refuses({403: "auth:role_required"})
@blp.called("email_settings.footer_put")
def footer_put(body):
    """Change what stands below each message."""
    return ok(footer.change_footer(current_actor(), changes=body))


# ---- sender domain


class RefreshIn(Schema):
    """Whether to ask the DNS anew."""

    refresh = ma.fields.Boolean(load_default=False)

    class Meta:
        unknown = ma.EXCLUDE


class DeliverabilityIn(_Changes):
    """The sender domain and how it is to be proven."""

    domain = Word(most=253, allow_none=True)
    dkim_selector = Word(data_key="dkimSelector", least=1, most=63)
    dmarc_policy = ma.fields.String(data_key="dmarcPolicy", validate=ma.validate.OneOf(POLICIES))
    report_email = Word(data_key="reportEmail", most=320, allow_none=True)
    rotate_dkim_key = _Switch(data_key="rotateDkimKey")


class DnsRecordOut(Schema):
    """One record: what it is to say, what was found, what to do."""

    type = ma.fields.String()
    host = ma.fields.String()
    record_type = ma.fields.String(data_key="recordType")
    expected = ma.fields.String()
    found = ma.fields.List(ma.fields.String())
    status = ma.fields.String()
    guidance = ma.fields.String(allow_none=True)


class DeliverabilityOut(Schema):
    """How the sender domain stands."""

    domain = ma.fields.String(allow_none=True)
    dkim_selector = ma.fields.String(data_key="dkimSelector")
    dmarc_policy = ma.fields.String(data_key="dmarcPolicy")
    report_email = ma.fields.String(data_key="reportEmail", allow_none=True)
    status = ma.fields.String()
    records = ma.fields.List(ma.fields.Nested(DnsRecordOut))
    checked_at = Moment(data_key="checkedAt", allow_none=True)
    updated_at = Moment(data_key="updatedAt", allow_none=True)


@blp.get("/settings/email/deliverability")
@has_no_transaction
@door("tenant", limit=DNS_LOOKUPS)
@blp.arguments(RefreshIn, location="query")
@blp.response(200, envelope(DeliverabilityOut))
@blp.called("email_settings.deliverability_get")
def deliverability_get(query):
    """Tell which DNS records the sender domain needs, which were found and what to do."""
    return ok(sender_domains.standing(refresh=query["refresh"]))


@blp.put("/settings/email/deliverability")
@has_no_transaction
@door("tenant", access=Access.TENANT_ADMIN)
@blp.arguments(DeliverabilityIn)
@blp.response(200, envelope(DeliverabilityOut))
@blp.refuses({403: "auth:role_required"})
@blp.called("email_settings.deliverability_put")
def deliverability_put(body):
    """Set the sender domain and how it is to be proven."""
    rotate = body.pop("rotate_dkim_key", False)
    return ok(sender_domains.change(body, rotate=rotate))
