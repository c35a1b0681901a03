"""Domains of an organization: proven by a TXT record, of one at most, looked up again each day."""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from app.core import clock, dns, outbox
from app.core.access import Actor, operation, system
from app.core.db import db, one_wins, read
from app.core.dns import Answer
from app.core.errors import Conflict, NotFound, ValidationFailed
from app.core.jobs import job
from app.core.links import public_url
from app.core.outbound import before_the_transaction
from app.core.permissions import Permission
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.email import mails
from app.domains.email.rule_values import domain_of
from app.domains.members import seats
from app.domains.organizations.models import TenantDomain
from app.domains.organizations.public_providers import PUBLIC_PROVIDERS
from app.domains.settings import queries as settings
from app.domains.tenants import heads
from app.domains.tenants.models import Tenant, TenantStatus

MOST = 20
PAGE = "/organization/domains"
LOST_AFTER = timedelta(days=7)
_LOOK_UP = "domains.look_up"
_CHECK = "domains.check"


class DomainNotFound(NotFound):
    code, message = "domain:not_found", "There is no such domain."


class DomainLimit(Conflict):
    code, message = "domain:limit", "The organization has as many domains as it can have."


class DomainNotProven(Conflict):
    code = "domain:not_proven"
    message = "The record was not found. It can take an hour until others see it."


class DnsUnreachable(Conflict):
    code, message = "domain:unreachable", "The DNS did not answer. Try again in a few minutes."


class DomainTaken(Conflict):
    code, message = "domain:taken", "Another organization has proven this domain."


def record_name(domain: str) -> str:
    """Return where the record stands: a name of its own, so that it is in nobody's way."""
    return f"_portico.{domain}"


def record_text(token: str) -> str:
    """Return what the record says."""
    return f"portico-domain={token}"


def visible(actor: Actor) -> sa.Select[tuple[TenantDomain]]:
    """Select the domains of the actor's organization."""
    return sa.select(TenantDomain).where(TenantDomain.tenant_id == actor.tenant_id)


@operation(Permission.SETTINGS_MANAGE)
def domains(actor: Actor) -> Sequence[TenantDomain]:
    """Return the organization's domains by name."""
    return db.session.scalars(visible(actor).order_by(TenantDomain.domain, TenantDomain.id)).all()


@operation(Permission.SETTINGS_MANAGE)
def way(actor: Actor) -> str:
    """Return what people with an address at a proven domain are offered: nothing, ask or join."""
    return settings.text("members.domain_joining", tenant_id=actor.tenant_id) or "nothing"


@operation(Permission.SETTINGS_MANAGE)
def add(actor: Actor, *, domain: str) -> TenantDomain:
    """Name a domain that is to be proven; one that is there already stays as it is.

    :raises ValidationFailed: at ``domain``: none, or one at which anybody can have a mailbox
    :raises DomainLimit: after twenty
    """
    try:
        name = domain_of(domain.strip())
    except ValueError as error:
        raise ValidationFailed({"domain": [str(error)]}) from error
    if name in PUBLIC_PROVIDERS or "." not in name:
        raise ValidationFailed({"domain": ["Anybody can have an address there. Name a domain of your own."]})
    tenant = seats.hold(actor.tenant_id or 0)
    known = domains(actor)
    found = next((one for one in known if one.domain == name), None)
    if found is not None:
        return found
    if len(known) >= MOST:
        raise DomainLimit(layer="organization", remedy="Remove one that is not needed.")
    made = TenantDomain(tenant_id=tenant.id, domain=name, token=secrets.token_urlsafe(24))
    db.session.add(made)
    db.session.flush()  # generate made.id
    _note(actor, AuditKind.DOMAIN_ADDED, made)
    return made


@operation(Permission.SETTINGS_MANAGE)
def remove(actor: Actor, *, uid: UUID) -> None:
    """Let go of a domain: its people cannot come by themselves any more; members stay.

    :raises DomainNotFound: if the organization has none of that id
    """
    found = db.session.scalar(_one(actor, uid).with_for_update())
    if found is None:
        raise DomainNotFound
    _note(actor, AuditKind.DOMAIN_REMOVED, found)
    db.session.delete(found)


@operation(Permission.SETTINGS_MANAGE)
def verify(actor: Actor, *, uid: UUID) -> TenantDomain:
    """Look the record up, and take the domain for proven if it is there.

    :raises DomainNotFound: if the organization has none of that id
    :raises DomainNotProven: if the record is not there
    :raises DnsUnreachable: if the DNS does not say
    :raises DomainTaken: if another organization has proven the domain
    """
    rows = read(_one(actor, uid).with_only_columns(TenantDomain.domain, TenantDomain.token))
    if not rows:
        raise DomainNotFound
    question = (record_name(rows[0].domain), "TXT")
    with before_the_transaction(actor.tenant_id):
        answer = dns.look_up([question])[question]
    if not answer.known:
        raise DnsUnreachable(layer="organization")
    if not _proves(answer, rows[0].token):
        raise DomainNotProven(layer="organization", remedy="Compare name and text of the record.")
    found = db.session.scalar(_one(actor, uid).with_for_update())
    if found is None:
        raise DomainNotFound
    first = found.verified_at is None
    found.checked_at, found.missing_since = clock.now(), None
    if first:
        taken = DomainTaken(layer="platform", remedy="Write to the platform's admins.")
        with one_wins(or_else=taken):
            found.verified_at = clock.now()
        _note(actor, AuditKind.DOMAIN_VERIFIED, found)
    return found


def _one(actor: Actor, uid: UUID) -> sa.Select[tuple[TenantDomain]]:
    return visible(actor).where(TenantDomain.uid == uid)


def _proves(answer: Answer, token: str) -> bool:
    return record_text(token) in {text.strip() for text in answer.texts}


def _note(actor: Actor, kind: AuditKind, domain: TenantDomain) -> None:
    told = {"domain": domain.domain}
    record(actor, kind, subject=("domain", domain.id), tenant_id=domain.tenant_id, changes=told)


# ---- each day


@job(_CHECK, every=timedelta(days=1))
def check_all() -> int:
    """Promise a look-up for each proven domain of an organization that works; returns how many."""
    query = (
        sa.select(TenantDomain.id)
        .join(Tenant, Tenant.id == TenantDomain.tenant_id)
        .where(TenantDomain.verified_at.is_not(None), Tenant.status == TenantStatus.ACTIVE)
        .order_by(TenantDomain.id)
    )
    found = db.session.scalars(query).all()
    for domain_id in found:
        outbox.promise(_LOOK_UP, {"domain_id": domain_id})
    return len(found)


@outbox.handler(_LOOK_UP)
def _look_up(claimed: outbox.Claimed) -> outbox.Act:
    found = db.session.get(TenantDomain, int(claimed.payload["domain_id"]))
    if found is None:
        return dict
    question, token, domain_id = (record_name(found.domain), "TXT"), found.token, found.id

    def ask() -> outbox.Payload:
        answer = dns.look_up([question])[question]
        return {"domain_id": domain_id, "known": answer.known, "proves": _proves(answer, token)}

    return ask


@outbox.sequel(_LOOK_UP)
def _keep(_claimed: outbox.Claimed, said: outbox.Payload) -> None:
    """Keep what the DNS said; what it did not say changes nothing."""
    if not said or not said["known"]:
        return
    found = db.session.get(TenantDomain, said["domain_id"], with_for_update=True)
    if found is None or found.verified_at is None:
        return
    now = clock.now()
    found.checked_at = now
    if said["proves"]:
        found.missing_since = None
    elif found.missing_since is None:
        found.missing_since = now
    elif now - found.missing_since >= LOST_AFTER:
        _lose(found)


def _lose(found: TenantDomain) -> None:
    found.verified_at = found.missing_since = None
    _note(system(_CHECK), AuditKind.DOMAIN_LOST, found)
    tenant = db.session.get_one(Tenant, found.tenant_id)
    for head in heads.to_tell(tenant.id):
        mails.domain_loss(
            head.email,
            first_name=head.greeting,
            tenant_name=tenant.name,
            tenant_id=tenant.id,
            domain=found.domain,
            link=public_url(PAGE),
        )
