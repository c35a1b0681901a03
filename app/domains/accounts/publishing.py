"""Putting a new version of a legal text in force."""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import nh3

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.db import db
from app.core.errors import ValidationFailed
from app.core.languages import Sentence
from app.domains.accounts.languages import check_language
from app.domains.accounts.models import PolicyVersion
from app.domains.accounts.policies import TYPES, Policy, hash_of, in_force, versions
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record

_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,19}")
_HEADING = re.compile(r"<h1>(.*?)</h1>", re.DOTALL)
_LONGEST = 200_000
_TAGS = {
    *("h1", "h2", "h3", "h4", "p", "br", "hr", "ul", "ol", "li", "dl", "dt", "dd", "blockquote"),
    *("strong", "em", "b", "i", "a", "code", "table", "thead", "tbody", "tr", "th", "td"),
}


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A text as its writer hands it in."""

    type: str
    version: str
    content_html: str
    language: str = "en"
    title: str | None = None
    """Left out: the text's first heading."""
    changes: str | None = None
    effective_at: datetime | None = None
    """Left out: at once, or with the same version in another language."""
    must_accept: bool | None = None
    """Left out: as the version before."""


@operation(Access.SYSTEM)
def published(actor: Actor) -> Sequence[tuple[Policy, bool]]:
    """Return every version in every language by when it comes into force, with whether it is in force now."""
    known = versions()
    current = {(policy.type, policy.version) for policy in in_force(known).values()}
    return [(policy, (policy.type, policy.version) in current) for policy in known]


@operation(Access.SYSTEM)
def publish(actor: Actor, *, draft: Draft) -> PolicyVersion:
    """Put a version in force, from a moment on; what the reader's browser would run is taken out of the text.

    :raises ValidationFailed: at what cannot be so; a text that is published is never changed again
    """
    known = [policy for policy in versions() if policy.type == draft.type]
    _check(draft, known)
    content = nh3.clean(
        draft.content_html, tags=_TAGS, attributes={"a": {"href"}}, url_schemes={"https", "mailto"}
    ).strip()
    before = in_force(known)[draft.type]
    same = next((policy for policy in known if policy.version == draft.version), None)
    if same is not None:
        effective, must_accept = same.effective_at, same.must_accept
    else:
        effective = draft.effective_at or clock.now()
        must_accept = before.must_accept if draft.must_accept is None else draft.must_accept
    made = PolicyVersion(
        type=draft.type,
        version=draft.version,
        language=draft.language,
        title=_title(draft, content),
        content_html=content,
        sha256=hash_of(content),
        changes=draft.changes,
        must_accept=must_accept,
        effective_at=effective,
        published_by=actor.origin.dialect,
    )
    db.session.add(made)
    db.session.flush()  # generate made.id
    record(
        actor,
        AuditKind.POLICY_PUBLISHED,
        subject=("policy", made.id),
        changes={"type": made.type, "version": made.version, "language": made.language},
    )
    return made


def _check(draft: Draft, known: Sequence[Policy]) -> None:
    if draft.type not in TYPES:
        raise ValidationFailed({"type": [Sentence("Choose one of %(types)s.", types=", ".join(TYPES))]})
    if not _VERSION.fullmatch(draft.version):
        raise ValidationFailed(
            {"version": ["Use up to 20 letters, digits, dots and dashes, such as 2027-01."]}
        )
    check_language(draft.language, field="language")
    if not draft.content_html.strip() or len(draft.content_html) > _LONGEST:
        raise ValidationFailed({"file": ["Give a text of at most 200 000 characters."]})
    same = [policy for policy in known if policy.version == draft.version]
    if any(policy.language == draft.language for policy in same):
        raise ValidationFailed(
            {"version": ["It is published already; give what changed a version of its own."]}
        )
    if same and draft.effective_at not in (None, same[0].effective_at):
        raise ValidationFailed(
            {
                "effective": [
                    Sentence("This version comes into force on %(day)s.", day=f"{same[0].effective_at:%F}")
                ]
            }
        )
    if not same:
        _check_moment(draft, known)


def _check_moment(draft: Draft, known: Sequence[Policy]) -> None:
    effective = draft.effective_at or clock.now()
    if any(policy.effective_at >= effective for policy in known):
        last = max(policy.effective_at for policy in known)
        raise ValidationFailed(
            {"effective": [Sentence("The newest version is of %(day)s; come after it.", day=f"{last:%F}")]}
        )


def _title(draft: Draft, content: str) -> str:
    heading = _HEADING.search(content)
    title = draft.title or (html.unescape(nh3.clean(heading[1], tags=set())).strip() if heading else "")
    if not title or len(title) > 200:
        raise ValidationFailed({"title": ["Begin the text with a heading <h1>, or give a title."]})
    return title
