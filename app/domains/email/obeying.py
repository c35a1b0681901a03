"""An organization's rules at work on each of its mails: what holds it back, dresses, counts and signs it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from email.utils import parseaddr
from html import escape, unescape
from typing import Any

from babel import Locale
from markupsafe import Markup

from app.core.access import Access, Actor, operation
from app.core.languages import said
from app.core.settings import current_settings
from app.domains.email.compliance import Compliance, compliance_in
from app.domains.email.deliverability import domain_row
from app.domains.email.dkim_keys import signed
from app.domains.email.dress import Dress, Occasion, dresses
from app.domains.email.following import link_path, picture_path
from app.domains.email.footer import Footer, footer_in
from app.domains.email.outgoing import Outgoing, Sign, holds_back, shapes_mail, signs
from app.domains.email.readers import reader_of
from app.domains.email.recipients import recipient_of
from app.domains.email.rule_values import is_link
from app.domains.email.rules import rules_of
from app.domains.email.tracking import tracking_in
from app.domains.email.unsubscribing import unsubscribe_url, wants
from app.domains.email.weight import Weight
from app.domains.email.wording import harmless
from app.domains.settings import queries as settings

_FACE = (
    "branding.logo_url",
    "branding.primary_color",
    "general.website",
    "general.phone",
    "general.support_email",
)
_LINK = re.compile(r'(<a\b[^>]*?\bhref=")([^"]+)(")')
_BODY_END = "</body>"


# ---- held back


@holds_back
def without_address(outgoing: Outgoing) -> str | None:
    """Keep optional mail back until the sender is named as CAN-SPAM asks."""
    rules = compliance_in(rules_of(outgoing.tenant_id))
    return "no_postal_address" if rules.can_spam["enabled"] and not rules.complete else None


@holds_back
def switched_off(outgoing: Outgoing) -> str | None:
    """Keep optional mail back where the organization sends no notices by e-mail."""
    sends = settings.boolean("notifications.email_enabled", tenant_id=outgoing.tenant_id)
    return None if sends else "preference"


@holds_back
def unwanted(outgoing: Outgoing) -> str | None:
    """Keep optional mail back from whoever switched it off, or did not agree to it where that is needed."""
    person = recipient_of(outgoing.to)
    if person is not None:
        if not person.email_enabled:
            return "preference"
        if wants(outgoing.tenant_id or 0, person.user_id, outgoing.event) is False:
            return "unsubscribed"
    rules = compliance_in(rules_of(outgoing.tenant_id))
    consented = person is not None and person.email_consent
    return "no_consent" if rules.gdpr["consent_required"] and not consented else None


# ---- dressed


@dresses
def in_their_colours(occasion: Occasion) -> Dress:
    """Dress a mail as the organization that writes wants it, with what the law demands in any case."""
    rules = rules_of(occasion.tenant_id)
    footer, law = footer_in(rules), compliance_in(rules)
    face = settings.values(_FACE, tenant_id=occasion.tenant_id)
    logo = _https(face["branding.logo_url"])
    default = settings.default_of("branding.primary_color")
    colour = str(face["branding.primary_color"] or default)
    optional = occasion.weight.optional
    wanted = footer.enabled and footer.include_unsubscribe
    unsubscribes = optional and (law.unsubscribe["enabled"] or wanted)
    return Dress(
        name="",
        logo_url=logo,
        colour=None if colour == default else colour,
        optional=optional,
        html=Markup(footer.html) if footer.enabled else Markup(),  # noqa: S704 - made by nh3
        text=footer.plain if footer.enabled else "",
        foot_logo=bool(logo) and footer.enabled and footer.include_logo,
        links=_links(footer, law, face),
        lines=_lines(occasion, footer, law, face),
        unsubscribe_url=_way_out(occasion) if unsubscribes else None,
        unsubscribe_text=harmless(law.unsubscribe["text"] or said("Unsubscribe", occasion.reader.language)),
    )


@operation(Access.TENANT)
def preview(actor: Actor) -> Dress:
    """Return how an optional mail to the actor would be dressed."""
    occasion = Occasion(
        tenant_id=actor.tenant_id or 0,
        to=actor.email,
        event="",
        weight=Weight(optional=True, mandatory=False),
        reader=reader_of(actor.email),
    )
    return replace(in_their_colours(occasion), name=actor.tenant_name)


def _links(footer: Footer, law: Compliance, face: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    found = [(harmless(link["label"]), link["url"]) for link in footer.links] if footer.enabled else []
    if face["general.website"]:
        found.append((str(face["general.website"]), str(face["general.website"])))
    if law.gdpr["enabled"] and law.gdpr["privacy_policy_url"]:
        found.append((law.gdpr["privacy_policy_url"], law.gdpr["privacy_policy_url"]))
    return found


def _lines(occasion: Occasion, footer: Footer, law: Compliance, face: Mapping[str, Any]) -> Sequence[str]:
    demanded = occasion.weight.optional and law.can_spam["enabled"]
    wanted = footer.enabled and footer.include_address
    found = [postal_address(law, occasion.reader.language)] if demanded or wanted else []
    contact = law.gdpr["contact_email"] if law.gdpr["enabled"] else None
    reached = (face["general.phone"], face["general.support_email"], contact)
    found.append(" · ".join(dict.fromkeys(str(way) for way in reached if way)))
    if occasion.weight.optional and law.gdpr["consent_required"] and law.gdpr["consent_text"]:
        found.append(law.gdpr["consent_text"])
    return [line for line in found if line]


def postal_address(law: Compliance, language: str) -> str:
    """Return who writes and from where, on one line; empty where no address is kept."""
    address = law.can_spam["address"]
    if not address:
        return harmless(law.can_spam["company_name"] or "")
    town = " ".join(filter(None, (address["city"], address["region"], address["postal_code"])))
    country = Locale.parse(language).territories.get(address["country"], address["country"])
    parts = (law.can_spam["company_name"], address["line1"], address["line2"], town, country)
    return ", ".join(str(part) for part in parts if part)


def _way_out(occasion: Occasion) -> str | None:
    person = recipient_of(occasion.to)
    if person is None:
        return None
    return unsubscribe_url(tenant_id=occasion.tenant_id, user_id=person.user_id, event=occasion.event)


def _https(address: Any) -> str | None:
    """Return the address of a picture that mail readers load without complaint."""
    text = str(address or "")
    own = text.startswith(current_settings().public_url)
    return text if is_link(text) and (text.startswith("https://") or own) else None


# ---- shaped


@shapes_mail
def with_a_way_out(outgoing: Outgoing) -> Outgoing:
    """Put the headers by which mail readers offer to unsubscribe into optional mail (RFC 2369, RFC 8058)."""
    rules = compliance_in(rules_of(outgoing.tenant_id)).unsubscribe
    person = recipient_of(outgoing.to) if outgoing.weight.optional and rules["enabled"] else None
    if person is None or outgoing.tenant_id is None:
        return outgoing
    address = unsubscribe_url(tenant_id=outgoing.tenant_id, user_id=person.user_id, event=outgoing.event)
    headers = {**outgoing.headers, "List-Unsubscribe": f"<{address}>"}
    if rules["one_click"]:
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return replace(outgoing, headers=headers)


@shapes_mail
def counted(outgoing: Outgoing) -> Outgoing:
    """Lead links through an address that counts, and put in the picture that does; in optional mail only."""
    if outgoing.tenant_id is None or not outgoing.weight.optional:
        return outgoing
    rules = tracking_in(rules_of(outgoing.tenant_id))
    if not (rules.open_tracking or rules.click_tracking):
        return outgoing
    person = recipient_of(outgoing.to)
    named = (outgoing.tenant_id, str(outgoing.uid), person.user_id if person else None, outgoing.event)
    html = outgoing.mail.html

    def led_through(found: re.Match[str]) -> str:
        address = unescape(found[2])
        leads = is_link(address) and "/unsubscribe/" not in address
        path = link_path(named, address) if leads else None
        return found[0] if path is None else found[1] + escape(rules.home + path) + found[3]

    if rules.click_tracking:
        html = _LINK.sub(led_through, html)
    if rules.open_tracking:
        picture = f'<img src="{escape(rules.home + picture_path(named))}" width="1" height="1" alt="">'
        html = html.replace(_BODY_END, picture + _BODY_END)
    return replace(outgoing, mail=replace(outgoing.mail, html=html))


# ---- signed


@signs
def with_dkim(outgoing: Outgoing) -> Sign | None:
    """Sign what is written under the organization's own domain, once its record has been seen."""
    row = domain_row(outgoing.tenant_id)
    domain, selector, key = row.domain, row.signs_selector, row.signs_key
    writes_from = parseaddr(outgoing.sender or "")[1].rpartition("@")[2].lower()
    if not (domain and selector and key) or not f".{writes_from}".endswith(f".{domain}"):
        return None
    tenant_id = row.tenant_id
    return lambda message: signed(
        message, domain=domain, selector=selector, sealed_key=key, tenant_id=tenant_id
    )
