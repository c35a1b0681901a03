"""Whether openings and clicks of an organization's optional mail are counted, and how long that is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from app.core import outbox
from app.core.access import Access, Actor, operation
from app.core.dns import Answer, Question
from app.core.errors import ValidationFailed
from app.core.languages import Sentence
from app.core.settings import current_settings
from app.domains.email.rule_values import domain_of
from app.domains.email.rules import changed_at, held_rules, keep, rules_of
from app.domains.email.rules_models import MailRules

LEAST_DAYS, MOST_DAYS = 1, 730
DOMAIN_CHECK = "domain_check"
"""The promise to look an organization's domains up (``domain_checks``)."""
_DEFAULTS: Mapping[str, Any] = {
    "open_tracking": False,
    "click_tracking": False,
    "tracking_domain": None,
    "anonymize_ip": True,
    "retention_days": 90,
}


@dataclass(frozen=True, kw_only=True)
class Tracking:
    """What is counted, and where links lead through."""

    open_tracking: bool
    click_tracking: bool
    tracking_domain: str | None
    anonymize_ip: bool
    retention_days: int
    updated_at: datetime | None
    domain_seen: bool
    """Whether the domain's CNAME points here; until then links lead through our own address."""

    @property
    def points_to(self) -> str:
        """Return what the domain's CNAME has to name."""
        return own_host()

    @property
    def home(self) -> str:
        """Return what the addresses of pictures and links begin with."""
        own = current_settings().public_url
        if not (self.tracking_domain and self.domain_seen):
            return own
        return f"{urlsplit(own).scheme}://{self.tracking_domain}"


def tracking_in(rules: MailRules) -> Tracking:
    """Return what a row of rules says of tracking."""
    return Tracking(
        **{**_DEFAULTS, **rules.tracking},
        updated_at=changed_at(rules, "tracking"),
        domain_seen=rules.tracking_domain_seen_at is not None,
    )


@operation(Access.TENANT)
def tracking(actor: Actor) -> Tracking:
    """Return whether openings and clicks are counted; both are off until switched on."""
    return tracking_in(rules_of(actor.tenant_id))


@operation(Access.TENANT_ADMIN)
def change_tracking(actor: Actor, *, changes: Mapping[str, Any]) -> Tracking:
    """Change what is counted in optional mail sent from now on; a new domain is looked up at once.

    :param changes: fields of ``Tracking`` that change
    :raises ValidationFailed: for a domain that is none, or is our own
    """
    rules = held_rules(actor)
    values = {**_DEFAULTS, **rules.tracking, **changes}
    if changes.get("tracking_domain") is not None:
        values["tracking_domain"] = _domain(str(changes["tracking_domain"]))
    if values["tracking_domain"] != rules.tracking.get("tracking_domain"):
        rules.tracking_domain_seen_at = None
        if values["tracking_domain"]:
            outbox.promise(DOMAIN_CHECK, {"tenant_id": actor.tenant_id})
    keep(actor, rules, "tracking", values)
    return tracking_in(rules)


def _domain(text: str) -> str | None:
    if not text.strip():
        return None
    try:
        name = domain_of(text)
    except ValueError as error:
        raise ValidationFailed({"tracking_domain": [error.args[0]]}) from error
    if name == own_host():
        text = Sentence("This is our own address, which is used where no domain is named.")
        raise ValidationFailed({"tracking_domain": [text]})
    return name


def own_host() -> str:
    """Return the host that a domain's CNAME has to name."""
    return urlsplit(current_settings().public_url).hostname or ""


def question_of(rules: MailRules) -> Question | None:
    """Return what the DNS is asked about an organization's domain for links."""
    name = rules.tracking.get("tracking_domain")
    return (str(name), "CNAME") if name else None


def points_here(answer: Answer) -> bool:
    """Say whether a CNAME leads to this instance."""
    return own_host() in answer.texts
