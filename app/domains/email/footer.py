"""What stands below each of an organization's mails: its own words, made safe, and links."""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import nh3

from app.core.access import Access, Actor, operation
from app.core.errors import ValidationFailed
from app.core.languages import Sentence
from app.core.late import Late
from app.domains.email.rule_values import is_link, link_of
from app.domains.email.rules import changed_at, held_rules, keep, rules_of
from app.domains.email.rules_models import MailRules

if TYPE_CHECKING:
    import markdown_it
else:
    markdown_it = Late("markdown_it")

LONGEST_TEXT, MOST_LINKS, LONGEST_LABEL = 4_000, 10, 80
_DEFAULTS: Mapping[str, Any] = {
    "enabled": False,
    "text": None,
    "include_logo": True,
    "include_address": True,
    "include_unsubscribe": True,
    "links": [],
}
_TAGS = frozenset(
    {"a", "b", "blockquote", "br", "code", "em", "h1", "h2", "h3", "h4", "hr", "i", "li", "ol", "p", "pre"}
    | {"strong", "ul"}
)


@dataclass(frozen=True, kw_only=True)
class Footer:
    """The footer as it was set, and what we make of its text."""

    enabled: bool
    text: str | None
    include_logo: bool
    include_address: bool
    include_unsubscribe: bool
    links: Sequence[Mapping[str, str]]
    updated_at: datetime | None

    @property
    def html(self) -> str:
        """Return the text as harmless HTML."""
        return html_of(self.text or "")

    @property
    def plain(self) -> str:
        """Return the text as it stands in a mail's text part."""
        return (self.text or "").strip()


@functools.cache
def _markdown() -> "markdown_it.MarkdownIt":
    return markdown_it.MarkdownIt("commonmark", {"html": False, "breaks": True}).disable("image")


def html_of(text: str) -> str:
    """Return Markdown as HTML with an allow-list of tags and links to https or a mailbox only."""
    return nh3.clean(
        _markdown().render(text).strip(),
        tags=set(_TAGS),
        attributes={"a": {"href"}},
        url_schemes={"https", "mailto"},
        attribute_filter=_only_links,
        link_rel="noopener noreferrer nofollow",
    )


def _only_links(tag: str, attribute: str, value: str) -> str | None:
    """Drop addresses without a host of their own: in a mail they would lead to wherever it is read."""
    return value if (tag, attribute) == ("a", "href") and is_link(value, mail_too=True) else None


def footer_in(rules: MailRules) -> Footer:
    """Return what a row of rules says of the footer."""
    return Footer(**{**_DEFAULTS, **rules.footer}, updated_at=changed_at(rules, "footer"))


def is_on(tenant_id: int) -> bool:
    """Say whether an organization has a footer of its own."""
    return footer_in(rules_of(tenant_id)).enabled


@operation(Access.TENANT)
def footer(actor: Actor) -> Footer:
    """Return what stands below the organization's mails."""
    return footer_in(rules_of(actor.tenant_id))


@operation(Access.TENANT_ADMIN)
def change_footer(actor: Actor, *, changes: Mapping[str, Any]) -> Footer:
    """Change the fields that are named; a list of links is replaced whole.

    :raises ValidationFailed: for a text or a list that is too long, or a link that leads nowhere
    """
    rules = held_rules(actor)
    values = {**_DEFAULTS, **rules.footer, **changes}
    if changes.get("text") is not None:
        values["text"] = _text(str(changes["text"]))
    if "links" in changes:
        values["links"] = _links(changes["links"])
    keep(actor, rules, "footer", values)
    return footer_in(rules)


def _text(typed: str) -> str | None:
    text = re.sub(r"\r\n?", "\n", typed).strip()
    if len(text) > LONGEST_TEXT:
        said = Sentence("Use at most %(most)s characters.", most=LONGEST_TEXT)
        raise ValidationFailed({"text": [said]})
    if any(not (sign.isprintable() or sign in "\n\t") for sign in text):
        raise ValidationFailed({"text": [Sentence("This text holds a character that cannot be kept.")]})
    return text or None


def _links(given: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    if len(given) > MOST_LINKS:
        raise ValidationFailed({"links": [Sentence("Give at most %(most)s links.", most=MOST_LINKS)]})
    kept = []
    for number, link in enumerate(given):
        label = link["label"].strip()
        if not label or len(label) > LONGEST_LABEL or not label.isprintable():
            said = Sentence(
                "Give each link a name of one line, at most %(most)s characters.", most=LONGEST_LABEL
            )
            raise ValidationFailed({f"links.{number}.label": [said]})
        try:
            kept.append({"label": label, "url": link_of(link["url"], mail_too=True)})
        except ValueError as error:
            raise ValidationFailed({f"links.{number}.url": [error.args[0]]}) from error
    return kept
