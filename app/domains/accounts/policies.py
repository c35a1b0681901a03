"""The legal texts in force and who agreed to them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.db import db, read
from app.core.errors import Conflict, NotFound, ValidationFailed
from app.core.signs import ME, NOW, sign
from app.domains.accounts.models import PolicyAcceptance, PolicyVersion, User
from app.domains.accounts.policy_texts import BUILT_IN, EFFECTIVE_AT, VERSION
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.settings import queries as settings

TYPES = tuple(dict.fromkeys(text.type for text in BUILT_IN))


class PolicyNotFound(NotFound):
    code, message = "policy:not_found", "There is no such policy."


class PolicyVersionOutdated(Conflict):
    code, message = "policy:version_outdated", "A newer version is in force."


@dataclass(frozen=True)
class Policy:
    """One version of a legal text, in one language."""

    type: str
    version: str
    title: str
    language: str
    sha256: str
    """Hash of the text, which an acceptance keeps as the proof of what was read."""
    effective_at: datetime
    must_accept: bool = True
    changes: str | None = None
    content_html: str = ""
    """Left out where only the version is asked about."""


@dataclass(frozen=True)
class Agreement:
    """What a person agreed to of one policy, beside what is in force."""

    policy: Policy
    accepted_version: str | None
    accepted_at: datetime | None

    @property
    def must_accept(self) -> bool:
        """Say whether the front end should ask for the version in force."""
        return self.policy.must_accept and self.accepted_version != self.policy.version


def hash_of(content_html: str) -> str:
    """Return the hash that stands for a text."""
    return hashlib.sha256(content_html.encode()).hexdigest()


_FIRST = tuple(
    Policy(
        text.type,
        VERSION,
        text.title,
        text.language,
        hash_of(text.content_html),
        EFFECTIVE_AT,
        text.must_accept,
        None,
        text.content_html,
    )
    for text in BUILT_IN
)


def versions() -> Sequence[Policy]:
    """Return all texts, by when their versions came or come into force, with one query."""
    table = PolicyVersion
    rows = read(
        sa.select(
            table.type,
            table.version,
            table.title,
            table.language,
            table.sha256,
            table.effective_at,
            table.must_accept,
            table.changes,
        ).order_by(table.effective_at, table.id)
    )
    published = [Policy(*row) for row in rows]
    return sorted([*_FIRST, *published], key=lambda policy: policy.effective_at)


def in_force(known: Sequence[Policy], language: str | None = None) -> dict[str, Policy]:
    """Return what of all texts is in force by type, in the language where there is one, else in the first."""
    now = clock.now()
    current = {policy.type: policy.version for policy in known if policy.effective_at <= now}
    return {type: _in_language(known, type, version, language) for type, version in current.items()}


def _in_language(known: Sequence[Policy], type: str, version: str, language: str | None) -> Policy:
    texts = {policy.language: policy for policy in known if (policy.type, policy.version) == (type, version)}
    wanted = language or "en"
    for name in (wanted, wanted.split("-")[0].lower(), "en"):
        if name in texts:
            return texts[name]
    return next(iter(texts.values()))


@operation(Access.PUBLIC)
def policy_in_force(actor: Actor, *, type: str = "terms", language: str | None = None) -> Policy:
    """Return the legal text in force; a language that is not there falls back to the instance's own.

    :raises PolicyNotFound: if there is no policy of that type
    """
    known = versions()
    found = in_force(known, language).get(type)
    if found is None:
        raise PolicyNotFound
    if language is None or found.language not in (language, language.split("-")[0].lower()):
        spoken = settings.entries("instance.languages") or ("en",)
        found = _in_language(known, type, found.version, spoken[0])
    return _with_text(found)


def _with_text(policy: Policy) -> Policy:
    if policy.content_html:
        return policy
    rows = read(
        sa.select(PolicyVersion.content_html).where(
            PolicyVersion.type == policy.type,
            PolicyVersion.version == policy.version,
            PolicyVersion.language == policy.language,
        )
    )
    return replace(policy, content_html=rows[0].content_html)


@operation(Access.SIGNED_IN)
def agreements(actor: Actor) -> Sequence[Agreement]:
    """Return what the actor agreed to, policy by policy, with two queries."""
    rows = read(
        sa.select(PolicyAcceptance.type, PolicyAcceptance.version, PolicyAcceptance.accepted_at)
        .where(PolicyAcceptance.user_id == actor.user_id)
        .order_by(PolicyAcceptance.accepted_at, PolicyAcceptance.id)
    )
    latest = {row.type: row for row in rows}
    return [
        Agreement(
            policy,
            latest[policy.type].version if policy.type in latest else None,
            latest[policy.type].accepted_at if policy.type in latest else None,
        )
        for policy in in_force(versions(), actor.particulars.locale).values()
        if policy.must_accept or policy.type in latest
    ]


for _type in TYPES:
    sign(
        f"accepted {_type}",
        sa.select(PolicyAcceptance.version)
        .where(PolicyAcceptance.user_id == ME, PolicyAcceptance.type == _type)
        .order_by(PolicyAcceptance.accepted_at.desc(), PolicyAcceptance.id.desc())
        .limit(1)
        .scalar_subquery(),
    )
    sign(
        f"published {_type}",
        sa.select(PolicyVersion.version)
        .where(
            PolicyVersion.type == _type,
            PolicyVersion.effective_at >= EFFECTIVE_AT,
            PolicyVersion.effective_at <= NOW,
        )
        .order_by(PolicyVersion.effective_at.desc(), PolicyVersion.id.desc())
        .limit(1)
        .scalar_subquery(),
    )
    sign(
        f"insisted on {_type}",
        sa.exists().where(PolicyVersion.type == _type, PolicyVersion.must_accept.is_(True)),
    )


def may_be_awaited(found: Mapping[str, Any]) -> bool:
    """Say by the signs (``core.signs``) whether ``awaited`` can have anything to return."""
    insisting = {text.type for text in BUILT_IN if text.must_accept}
    return any(
        found[f"accepted {type}"] != (found[f"published {type}"] or VERSION)
        for type in TYPES
        if type in insisting or found[f"insisted on {type}"]
    )


@operation(Access.SIGNED_IN)
def awaited(actor: Actor) -> Sequence[Agreement]:
    """Return the policies whose version in force the actor has not agreed to."""
    return [agreement for agreement in agreements(actor) if agreement.must_accept]


@operation(Access.INTERACTIVE)
def accept(actor: Actor, *, type: str, version: str) -> Agreement:
    """Record that the actor accepts the version in force; a repeat keeps the first time.

    :raises PolicyNotFound: if there is no policy of that type
    :raises PolicyVersionOutdated: for an older version
    :raises ValidationFailed: for a version that never was, or is not in force yet
    """
    known = versions()
    policy = in_force(known, actor.particulars.locale).get(type)
    if policy is None:
        raise PolicyNotFound
    if version != policy.version:
        former = {p.version for p in known if p.type == type and p.effective_at < policy.effective_at}
        if version in former:
            raise PolicyVersionOutdated
        raise ValidationFailed({"version": ["There is no such version."]})
    found = db.session.scalar(
        sa.select(PolicyAcceptance).where(
            PolicyAcceptance.user_id == actor.user_id,
            PolicyAcceptance.type == type,
            PolicyAcceptance.version == version,
        )
    )
    if found is None:
        found = PolicyAcceptance(
            user_id=actor.user_id, type=type, version=version, sha256=policy.sha256, ip=actor.origin.ip
        )
        db.session.add(found)
        record(
            actor,
            AuditKind.USER_POLICY_ACCEPTED,
            subject=("user", actor.user_id),
            changes={"type": type, "version": version},
        )
        db.session.flush()  # the time of acceptance is part of the answer
    return Agreement(policy, found.version, found.accepted_at)


def accept_all(user: User, *, ip: str | None, at: datetime | None = None) -> None:
    """Record, at a sign-up that agreed to them, the version in force of every policy that asks for it."""
    moment = at or clock.now()
    db.session.add_all(
        PolicyAcceptance(
            user_id=user.id, type=p.type, version=p.version, sha256=p.sha256, ip=ip, accepted_at=moment
        )
        for p in in_force(versions(), user.locale).values()
        if p.must_accept
    )
