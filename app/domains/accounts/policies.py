"""The legal texts in force and who agreed to them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.db import db
from app.core.errors import Conflict, NotFound, ValidationFailed
from app.domains.accounts.models import PolicyAcceptance, User
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record


class PolicyNotFound(NotFound):
    code, message = "policy:not_found", "There is no such policy."


class PolicyVersionOutdated(Conflict):
    code, message = "policy:version_outdated", "A newer version is in force."


@dataclass(frozen=True)
class Policy:
    """One legal text as it is in force, in one language."""

    type: str
    version: str
    title: str
    language: str
    content_html: str
    effective_at: datetime
    must_accept: bool = True
    former_versions: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """Return the hash of the text, which an acceptance keeps as the proof of what was read."""
        return hashlib.sha256(self.content_html.encode()).hexdigest()


_EFFECTIVE = datetime(2026, 1, 1, tzinfo=UTC)

_TERMS = """<h1>Terms of service</h1>
<p>These terms apply from 1 January 2026.</p>
<h2>What you get</h2>
<p>You may use the portal and its interfaces for yourself and for the organizations that you belong to. What
a plan includes is shown on the plan page; a trial ends by itself and costs nothing.</p>
<h2>What we ask of you</h2>
<p>Keep your password and your second factor to yourself. Tell us when somebody else may have used them. Do
not use the service to harm others or to get round its limits.</p>
<h2>Your data</h2>
<p>What you put in stays yours. You can export it and you can have it deleted. We keep it only as long as
your organization's settings say.</p>
<h2>When things go wrong</h2>
<p>We repair what we can and tell you what we know on the status page. Either side may end this agreement at
the end of a billing period.</p>"""

_PRIVACY = """<h1>Privacy</h1>
<p>This notice applies from 1 January 2026.</p>
<h2>What we keep</h2>
<p>Your name, your address, what you set up here, and a trail of what was changed, by whom and from where,
so that you and your organization can see what happened to your data.</p>
<h2>What we do with it</h2>
<p>We run the service with it. We do not sell it, and we show it to nobody but the people of your
organization.</p>
<h2>Your rights</h2>
<p>You can see, correct, export and delete your data. Write to the address for questions on the sign-in
page.</p>"""

_COOKIES = """<h1>Cookies</h1>
<p>This notice applies from 1 January 2026.</p>
<p>We set two cookies, both needed for the service to work: one that keeps you signed in and one that
protects forms against other sites. There are no others.</p>"""

POLICIES: tuple[Policy, ...] = (
    Policy("terms", "2026-01", "Terms of service", "en", _TERMS, _EFFECTIVE),
    Policy("privacy", "2026-01", "Privacy", "en", _PRIVACY, _EFFECTIVE),
    Policy("cookies", "2026-01", "Cookies", "en", _COOKIES, _EFFECTIVE, must_accept=False),
)


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


@operation(Access.PUBLIC)
def policy_in_force(actor: Actor, *, type: str = "terms", language: str | None = None) -> Policy:
    """Return the legal text in force; a language that is not there falls back to English.

    :raises PolicyNotFound: if there is no policy of that type
    """
    found = [policy for policy in POLICIES if policy.type == type]
    if not found:
        raise PolicyNotFound
    wanted = (language or "en").split("-")[0].lower()
    return next((policy for policy in found if policy.language == wanted), found[0])


@operation(Access.SIGNED_IN)
def agreements(actor: Actor) -> Sequence[Agreement]:
    """Return what the actor agreed to, policy by policy, with one query."""
    rows = db.session.scalars(
        sa.select(PolicyAcceptance)
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
        for policy in POLICIES
        if policy.must_accept or policy.type in latest
    ]


@operation(Access.INTERACTIVE)
def accept(actor: Actor, *, type: str, version: str) -> Agreement:
    """Record that the actor accepts the version in force; a repeat keeps the first time.

    :raises PolicyNotFound: if there is no policy of that type
    :raises PolicyVersionOutdated: for an older version
    :raises ValidationFailed: for a version that never was
    """
    policy = policy_in_force(actor, type=type)
    if version in policy.former_versions:
        raise PolicyVersionOutdated
    if version != policy.version:
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


def accept_all(user: User, *, ip: str | None) -> None:
    """Record, at a sign-up that agreed to them, the version in force of every policy that asks for it."""
    now = clock.now()
    db.session.add_all(
        PolicyAcceptance(
            user_id=user.id, type=p.type, version=p.version, sha256=p.sha256, ip=ip, accepted_at=now
        )
        for p in POLICIES
        if p.must_accept
    )
