"""What mail law asks of an organization: CAN-SPAM's postal address, the GDPR's consent, a way out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.core.access import Access, Actor, operation
from app.core.errors import ValidationFailed
from app.core.languages import Sentence
from app.domains.email.rule_values import country_of, email_of, link_of
from app.domains.email.rules import changed_at, held_rules, keep, rules_of
from app.domains.email.rules_models import MailRules

_ADDRESS = ("line1", "line2", "city", "region", "postal_code", "country")
_NEEDED = ("line1", "city", "postal_code", "country")
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "can_spam": {"enabled": False, "company_name": None, "address": None},
    "gdpr": {
        "enabled": False,
        "consent_required": False,
        "consent_text": None,
        "privacy_policy_url": None,
        "contact_email": None,
    },
    "unsubscribe": {"enabled": True, "one_click": True, "text": None},
}
Check = Callable[[str], str]


@dataclass(frozen=True, kw_only=True)
class Compliance:
    """The three parts as they stand, defaults filled in."""

    can_spam: Mapping[str, Any] = field(default_factory=dict)
    gdpr: Mapping[str, Any] = field(default_factory=dict)
    unsubscribe: Mapping[str, Any] = field(default_factory=dict)
    updated_at: datetime | None = None

    @property
    def complete(self) -> bool:
        """Say whether the sender is named with an address that mail reaches."""
        address = self.can_spam["address"] or {}
        return bool(self.can_spam["company_name"]) and all(address.get(name) for name in _NEEDED)


def compliance_in(rules: MailRules) -> Compliance:
    """Return what a row of rules says of compliance."""
    parts = {name: {**usual, **rules.compliance.get(name, {})} for name, usual in _DEFAULTS.items()}
    made = Compliance(**parts, updated_at=changed_at(rules, "compliance"))
    return Compliance(
        can_spam={**made.can_spam, "complete": made.complete},
        gdpr=made.gdpr,
        unsubscribe=made.unsubscribe,
        updated_at=made.updated_at,
    )


def is_complete(tenant_id: int) -> bool:
    """Say whether an organization's postal address is complete."""
    return compliance_in(rules_of(tenant_id)).complete


@operation(Access.TENANT)
def compliance(actor: Actor) -> Compliance:
    """Return what the actor's organization does about mail law."""
    return compliance_in(rules_of(actor.tenant_id))


@operation(Access.TENANT_ADMIN)
def change_compliance(actor: Actor, *, changes: Mapping[str, Mapping[str, Any]]) -> Compliance:
    """Change fields of the parts that are named, and leave the others; an address is replaced whole.

    :raises ValidationFailed: for a value that is none, or a duty without the way out that it asks for
    """
    rules = held_rules(actor)
    kept = compliance_in(rules)
    before = {"can_spam": kept.can_spam, "gdpr": kept.gdpr, "unsubscribe": kept.unsubscribe}
    after = {
        name: {field: {**part, **_checked(name, changes.get(name, {}))}[field] for field in _DEFAULTS[name]}
        for name, part in before.items()
    }
    if after["can_spam"]["enabled"] and not after["unsubscribe"]["enabled"]:
        text = Sentence("CAN-SPAM asks for a way to unsubscribe: switch this on, or that off.")
        raise ValidationFailed({"unsubscribe.enabled": [text]})
    keep(actor, rules, "compliance", after)
    return compliance_in(rules)


def _checked(part: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of one part as they are kept; an empty text is none."""
    checked = {name: _text(value) for name, value in changes.items()}
    if part == "can_spam" and checked.get("address") is not None:
        checked["address"] = _address(checked["address"])
    rules: Mapping[str, Check] = {"privacy_policy_url": link_of, "contact_email": email_of}
    for name, rule in rules.items():
        if part == "gdpr" and checked.get(name):
            checked[name] = _asked(f"gdpr.{name}", rule, checked[name])
    for name in ("company_name", "text"):
        if checked.get(name) and not checked[name].isprintable():
            raise ValidationFailed({f"{part}.{name}": [Sentence("Use one line.")]})
    return checked


def _address(given: Mapping[str, Any]) -> dict[str, str | None]:
    address = {name: _text(given.get(name)) for name in _ADDRESS}
    lacking = [name for name in _NEEDED if not address[name]]
    if lacking:
        said = [Sentence("An address needs this.")]
        raise ValidationFailed({f"can_spam.address.{name}": said for name in lacking})
    odd = [name for name, value in address.items() if value and not value.isprintable()]
    if odd:
        raise ValidationFailed({f"can_spam.address.{name}": [Sentence("Use one line.")] for name in odd})
    address["country"] = _asked("can_spam.address.country", country_of, str(address["country"]))
    return address


def _asked(name: str, rule: Check, value: str) -> str:
    try:
        return rule(value)
    except ValueError as error:
        raise ValidationFailed({name: [error.args[0]]}) from error


def _text(value: Any) -> Any:
    return (value.strip() or None) if isinstance(value, str) else value
