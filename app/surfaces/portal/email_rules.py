"""An organization's mail as its owner and admins set it: counting, the law, footer, sender domain."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import flash
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import Length, NumberRange, Optional

from app.core.access import Access, check
from app.core.buckets import DNS_LOOKUPS
from app.core.errors import AppError, ValidationFailed
from app.domains.email import compliance, deliverability, footer, obeying, tracking
from app.domains.email.dns_records import POLICIES
from app.domains.email.footer import LONGEST_LABEL, LONGEST_TEXT, MOST_LINKS
from app.domains.email.rule_values import countries
from app.domains.email.tracking import LEAST_DAYS, MOST_DAYS
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door, typed
from app.surfaces.shared import sender_domains
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.languages import language
from app.surfaces.shared.problems import fields_called
from app.surfaces.shared.transaction import has_no_transaction

bp = area("email_rules")

_HOME = "/organization/email"
TRACKING, COMPLIANCE, FOOTER, DOMAIN = (
    f"{_HOME}/{name}" for name in ("tracking", "compliance", "footer", "domain")
)
_MOST_OF_LINKS = MOST_LINKS * (LONGEST_LABEL + 2_010)


def _may_change() -> bool:
    try:
        check(current_actor(), Access.TENANT_ADMIN)
    except AppError:
        return False
    return True


def _facts(**more: Callable[[], Any]) -> Callable[[], dict[str, Any]]:
    """Return what a page shows besides its form, read when it is shown."""
    return lambda: {"may_change": _may_change(), **{name: read() for name, read in more.items()}}


def _filled(shown: FormPage[Any], values: Mapping[str, Any]) -> str:
    for name, value in values.items():
        if name in shown.form:
            shown.form[name].data = value
    return shown.show()


# ---- tracking


class TrackingForm(PortalForm):
    open_tracking = BooleanField(_l("Count openings"))
    click_tracking = BooleanField(_l("Count clicks on links"))
    tracking_domain = StringField(_l("Domain for links"), [Optional(), Length(max=253)])
    anonymize_ip = BooleanField(_l("Keep only the network of an address, not the address"))
    retention_days = IntegerField(
        _l("Days until what was counted is deleted"), [NumberRange(LEAST_DAYS, MOST_DAYS)]
    )


def _tracking_page() -> FormPage[TrackingForm]:
    facts = _facts(found=lambda: tracking.tracking(current_actor()))
    return FormPage(TrackingForm, "organizations/email_tracking.html", facts)


@bp.get(TRACKING)
@door("user")
def tracking_form():
    found = tracking.tracking(current_actor())
    return _filled(
        _tracking_page(),
        {name: getattr(found, name) for name in TrackingForm()._fields if hasattr(found, name)},
    )


@bp.post(TRACKING)
@door("user")
def change_tracking():
    form = _tracking_page().take()
    values = {name: value for name, value in form.data.items() if name != "csrf_token"}
    tracking.change_tracking(
        current_actor(), changes={**values, "tracking_domain": typed(form.tracking_domain)}
    )
    flash(_("Saved. It counts for mail sent from now on."), "success")
    return away(TRACKING)


# ---- compliance


class ComplianceForm(PortalForm):
    can_spam = BooleanField(_l("Name the sender with a postal address (CAN-SPAM)"))
    company_name = StringField(_l("Company"), [Length(max=200)])
    line1 = StringField(_l("Street and number"), [Length(max=200)])
    line2 = StringField(_l("Second line"), [Length(max=200)])
    city = StringField(_l("Town"), [Length(max=200)])
    region = StringField(_l("State or region"), [Length(max=200)])
    postal_code = StringField(_l("Postal code"), [Length(max=20)])
    country = SelectField(_l("Country"), validate_choice=False)
    gdpr = BooleanField(_l("Tell of privacy (GDPR)"))
    consent_required = BooleanField(_l("Send optional mail only to people who agreed to it"))
    consent_text = StringField(_l("What they agreed to"), [Length(max=500)])
    privacy_policy_url = StringField(_l("Address of the privacy policy"), [Length(max=2000)])
    contact_email = StringField(_l("Address for questions about privacy"), [Length(max=320)])
    unsubscribe = BooleanField(_l("Let people unsubscribe from optional mail"))
    one_click = BooleanField(_l("With one click in their mail program"))
    unsubscribe_text = StringField(_l("Words of the link"), [Length(max=80)])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.country.choices = [("", _("Choose a country")), *countries(language()).items()]


_ADDRESS = ("line1", "line2", "city", "region", "postal_code", "country")
_CALLED = {
    **{f"can_spam.address.{name}": name for name in _ADDRESS},
    "can_spam.company_name": "company_name",
    "gdpr.privacy_policy_url": "privacy_policy_url",
    "gdpr.contact_email": "contact_email",
    "unsubscribe.enabled": "unsubscribe",
    "unsubscribe.text": "unsubscribe_text",
}


def _compliance_page() -> FormPage[ComplianceForm]:
    facts = _facts(found=lambda: compliance.compliance(current_actor()))
    return FormPage(ComplianceForm, "organizations/email_compliance.html", facts)


@bp.get(COMPLIANCE)
@door("user")
def compliance_form():
    found = compliance.compliance(current_actor())
    values = {
        **found.gdpr,
        **(found.can_spam["address"] or {}),
        "company_name": found.can_spam["company_name"],
        "can_spam": found.can_spam["enabled"],
        "gdpr": found.gdpr["enabled"],
        "unsubscribe": found.unsubscribe["enabled"],
        "one_click": found.unsubscribe["one_click"],
        "unsubscribe_text": found.unsubscribe["text"],
    }
    return _filled(_compliance_page(), values)


@bp.post(COMPLIANCE)
@door("user")
def change_compliance():
    form = _compliance_page().take()
    with fields_called(**_CALLED):
        compliance.change_compliance(current_actor(), changes=_law(form))
    flash(_("Saved."), "success")
    return away(COMPLIANCE)


def _law(form: ComplianceForm) -> dict[str, dict[str, Any]]:
    address = {name: typed(form[name]).strip() for name in _ADDRESS}
    return {
        "can_spam": {
            "enabled": form.can_spam.data,
            "company_name": typed(form.company_name),
            "address": address if any(address.values()) else None,
        },
        "gdpr": {
            "enabled": form.gdpr.data,
            **{name: typed(form[name]) for name in ("consent_text", "privacy_policy_url", "contact_email")},
            "consent_required": form.consent_required.data,
        },
        "unsubscribe": {
            "enabled": form.unsubscribe.data,
            "one_click": form.one_click.data,
            "text": typed(form.unsubscribe_text),
        },
    }


# ---- footer


class FooterForm(PortalForm):
    enabled = BooleanField(_l("Put this below each mail"))
    text = TextAreaField(_l("Text"), [Length(max=LONGEST_TEXT + 200)])
    include_logo = BooleanField(_l("The logo"))
    include_address = BooleanField(_l("The postal address"))
    include_unsubscribe = BooleanField(_l("The link to unsubscribe, in optional mail"))
    links = TextAreaField(_l("Links"), [Length(max=_MOST_OF_LINKS)])


def _footer_page() -> FormPage[FooterForm]:
    facts = _facts(dress=lambda: obeying.preview(current_actor()))
    return FormPage(FooterForm, "organizations/email_footer.html", facts)


@bp.get(FOOTER)
@door("user")
def footer_form():
    found = footer.footer(current_actor())
    names = ("enabled", "text", "include_logo", "include_address", "include_unsubscribe")
    links = "\n".join(f"{link['label']} | {link['url']}" for link in found.links)
    return _filled(_footer_page(), {**{name: getattr(found, name) for name in names}, "links": links})


@bp.post(FOOTER)
@door("user")
def change_footer():
    form = _footer_page().take()
    values = {name: value for name, value in form.data.items() if name != "csrf_token"}
    try:
        footer.change_footer(current_actor(), changes={**values, "links": _links(typed(form.links))})
    except ValidationFailed as error:
        raise ValidationFailed(_at_fields(error)) from error
    flash(_("Saved. It stands below mail sent from now on."), "success")
    return away(FOOTER)


def _links(text: str) -> list[dict[str, str]]:
    """Read one link a line: its name, a line, its address."""
    lines = [line.rpartition("|") for line in text.splitlines() if line.strip()]
    return [{"label": label.strip(), "url": url.strip()} for label, _line, url in lines]


def _at_fields(error: ValidationFailed) -> dict[str, list[str]]:
    """Name the field of the form for a fault of a single link, with the line it is on."""
    fields: dict[str, list[str]] = {}
    for name, texts in error.fields.items():
        field, _dot, rest = name.partition(".")
        number = rest.partition(".")[0]
        told = [f"{int(number) + 1}: {text}" for text in texts] if number.isdigit() else list(texts)
        fields.setdefault(field, []).extend(told)
    return fields


# ---- sender domain


class DomainForm(PortalForm):
    domain = StringField(_l("Domain"), [Length(max=253)])
    dkim_selector = StringField(_l("DKIM selector"), [Length(max=63)])
    dmarc_policy = SelectField(_l("What others do with mail that fails"), choices=[])
    report_email = StringField(_l("Address for reports"), [Length(max=320)])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        words = (_("Nothing, only report"), _("Put it into spam"), _("Refuse it"))
        self.dmarc_policy.choices = list(zip(POLICIES, words, strict=True))


def _domain_page() -> FormPage[DomainForm]:
    facts = _facts(found=lambda: deliverability.deliverability(current_actor()))
    return FormPage(DomainForm, "organizations/email_domain.html", facts)


@bp.get(DOMAIN)
@door("user")
def domain_form():
    found = deliverability.deliverability(current_actor())
    names = ("domain", "dkim_selector", "dmarc_policy", "report_email")
    return _filled(_domain_page(), {name: getattr(found, name) for name in names})


@bp.post(DOMAIN)
@has_no_transaction
@door("user", limit=DNS_LOOKUPS)
def change_domain():
    form = _domain_page().take()
    values = {name: typed(form[name]) for name in form.data if name != "csrf_token"}
    sender_domains.change({**values, "dkim_selector": values["dkim_selector"] or "mail"})
    flash(_("Saved, and looked up."), "success")
    return away(DOMAIN)


@bp.post(f"{DOMAIN}/check")
@has_no_transaction
@door("user", limit=DNS_LOOKUPS)
def check_domain():
    sender_domains.standing(refresh=True)
    flash(_("Looked up just now."), "success")
    return away(DOMAIN)


@bp.post(f"{DOMAIN}/rotate")
@has_no_transaction
@door("user", limit=DNS_LOOKUPS)
def rotate_key():
    sender_domains.change({}, rotate=True)
    flash(_("There is a new key. The old one signs until the new record is seen."), "success")
    return away(DOMAIN)
