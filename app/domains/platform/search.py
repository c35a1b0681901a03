"""One box that finds whatever an id, an address, a slug, a token's beginning or a request's id belongs to."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.core.access import Access, Actor, operation
from app.core.db import db, is_named
from app.core.ids import Ref, parse_ref
from app.domains.accounts import emails
from app.domains.accounts.models import User
from app.domains.audit.models import AuditEvent
from app.domains.billing.models import Invoice, Subscription
from app.domains.clients.models import ServiceUser
from app.domains.members.models import Invitation
from app.domains.sessions.models import UserSession
from app.domains.tenants.former_slugs import goes_by
from app.domains.tenants.models import Membership, Tenant

_MOST = 10
_LONGEST = 320
_PREFIXES = ("usr", "ten", "mem", "inv", "sub")
_PREFIXED = re.compile(rf"({'|'.join(_PREFIXES)})_[0-9a-f]{{32}}")
_BEGINS_TOKEN = re.compile(r"pat_[0-9A-Za-z]{2,32}")
_BARE_UID = re.compile(r"[0-9a-f]{32}")
_INVOICE = re.compile(r"[a-z]+-\d{4}-\d{1,9}")
_REQUEST = re.compile(r"[0-9A-Za-z._:-]{8,64}")


class Found(StrEnum):
    """What kind of thing was found."""

    PERSON = "person"
    ORGANIZATION = "organization"
    MEMBERSHIP = "membership"
    INVITATION = "invitation"
    SUBSCRIPTION = "subscription"
    INVOICE = "invoice"
    SERVICE_USER = "service_user"
    API_TOKEN = "api_token"
    SESSION = "session"
    REQUEST = "request"


@dataclass(frozen=True)
class Hit:
    """One thing that was found, and whose page tells more of it."""

    kind: Found
    label: str
    detail: str
    person: UUID | None = None
    organization: UUID | None = None
    invoice: UUID | None = None
    request: str = ""


@operation(Access.PLATFORM_ADMIN)
def anything(actor: Actor, *, text: str) -> Sequence[Hit]:
    """Return what a text names, the surest first, of each kind the newest: at most ten of a kind.

    It takes ``usr_``, ``ten_``, ``mem_``, ``inv_`` and ``sub_`` ids, UUIDs, numbers, addresses, handles,
    slugs, the beginning of an API token (of a whole one no more is looked at), numbers of invoices, ids of
    requests.
    """
    text = " ".join(text.split())[:_LONGEST]
    if not text or "\0" in text:
        return ()
    hits: list[Hit] = []
    for search in _searches(text):
        hits += [hit for hit in search if hit not in hits]
    return hits


def _searches(text: str) -> Iterator[Iterator[Hit]]:
    """Yield one search for each thing that the text may be."""
    lowered = text.lower()
    if _BEGINS_TOKEN.fullmatch(text):
        yield _tokens(text)
        return
    yield from _by_id(lowered)
    if "@" in text:
        yield _people(User.email_key == emails.key_of(text))
        yield _invitations(Invitation.email_key == emails.key_of(text))
        return
    yield _tenants(goes_by(lowered))
    yield _people(User.handle == lowered.removeprefix("@"))
    if _INVOICE.fullmatch(lowered):
        yield _invoices(Invoice.number == text.upper())
    if _REQUEST.fullmatch(text):
        yield _requests(text)
    if len(text) >= 2 and not text.isdigit():
        yield _tenants(Tenant.name.icontains(text, autoescape=True))
        yield _people(User.email.icontains(text, autoescape=True))


def _by_id(text: str) -> Iterator[Iterator[Hit]]:
    prefix = text.partition("_")[0] if _PREFIXED.fullmatch(text) else ""
    if _BARE_UID.fullmatch(text):
        text = str(UUID(text))
    wanted = (prefix,) if prefix else _PREFIXES
    ref = parse_ref(text, prefix or "usr")
    if ref is None:
        return
    searches = {"usr": _people, "ten": _tenants, "mem": _members, "inv": _invitations, "sub": _subscriptions}
    models = {"usr": User, "ten": Tenant, "mem": Membership, "inv": Invitation, "sub": Subscription}
    for name in wanted:
        if (which := _is(models[name], ref)) is not None:
            yield searches[name](which)
    if not prefix and (which := _is(UserSession, ref)) is not None:
        yield _sessions(which)
    if not prefix and ref.uid is not None:
        yield _invoices(Invoice.uid == ref.uid)
        yield _service_users(ServiceUser.uid == ref.uid)


def _is(model: Any, ref: Ref) -> sa.ColumnElement[bool] | None:
    return None if ref.uid is not None and not hasattr(model, "uid") else is_named(model, ref)


def _people(which: sa.ColumnElement[bool]) -> Iterator[Hit]:
    for user in db.session.scalars(sa.select(User).where(which).order_by(User.id.desc()).limit(_MOST)):
        yield Hit(Found.PERSON, user.name, user.email, person=user.uid)


def _tenants(which: sa.ColumnElement[bool]) -> Iterator[Hit]:
    for tenant in db.session.scalars(sa.select(Tenant).where(which).order_by(Tenant.id.desc()).limit(_MOST)):
        yield Hit(Found.ORGANIZATION, tenant.name, tenant.slug, organization=tenant.uid)


def _members(which: sa.ColumnElement[bool]) -> Iterator[Hit]:
    query = sa.select(User, Tenant).join(Membership, Membership.user_id == User.id)
    for user, tenant in _run(query.join(Tenant, Tenant.id == Membership.tenant_id).where(which)):
        yield Hit(Found.MEMBERSHIP, user.name, tenant.name, user.uid, tenant.uid)


def _invitations(which: sa.ColumnElement[bool]) -> Iterator[Hit]:
    query = sa.select(Invitation.email, Tenant).join(Tenant, Tenant.id == Invitation.tenant_id)
    for email, tenant in _run(query.where(which).order_by(Invitation.id.desc())):
        yield Hit(Found.INVITATION, email, tenant.name, organization=tenant.uid)


def _subscriptions(which: sa.ColumnElement[bool]) -> Iterator[Hit]:
    query = sa.select(Subscription.plan_code, Tenant).join(Tenant, Tenant.id == Subscription.tenant_id)
    for plan, tenant in _run(query.where(which)):
        yield Hit(Found.SUBSCRIPTION, plan, tenant.name, organization=tenant.uid)


def _invoices(which: sa.ColumnElement[bool]) -> Iterator[Hit]:
    query = sa.select(Invoice, Tenant).outerjoin(Tenant, Tenant.id == Invoice.tenant_id)
    for invoice, tenant in _run(query.where(which)):
        yield Hit(Found.INVOICE, invoice.number, tenant.name if tenant else "", invoice=invoice.uid)


def _service_users(which: sa.ColumnElement[bool]) -> Iterator[Hit]:
    query = sa.select(ServiceUser.name, Tenant).join(Tenant, Tenant.id == ServiceUser.tenant_id)
    for name, tenant in _run(query.where(which)):
        yield Hit(Found.SERVICE_USER, name, tenant.name, organization=tenant.uid)


def _tokens(text: str) -> Iterator[Hit]:
    beginning = UserSession.prefix.startswith(text[:_PREFIX_LENGTH], autoescape=True)
    yield from _sessions(sa.and_(UserSession.kind == "api_token", beginning))


_PREFIX_LENGTH = len("pat_") + 4
"""How much of an API token is kept in the clear; the rest of what was typed is not looked at."""


def _sessions(which: sa.ColumnElement[bool]) -> Iterator[Hit]:
    query = sa.select(UserSession, User, Tenant).join(User, User.id == UserSession.user_id)
    query = query.outerjoin(Tenant, Tenant.id == UserSession.tenant_id)
    for session, user, tenant in _run(query.where(which).order_by(UserSession.id.desc())):
        kind = Found.API_TOKEN if session.kind == "api_token" else Found.SESSION
        yield Hit(kind, session.name, user.email, user.uid, tenant.uid if tenant else None)


def _requests(text: str) -> Iterator[Hit]:
    query = sa.select(AuditEvent, User.email, User.uid, Tenant.uid).outerjoin(
        User, User.id == AuditEvent.actor_user_id
    )
    query = query.outerjoin(Tenant, Tenant.id == AuditEvent.tenant_id).where(AuditEvent.request_id == text)
    for event, email, person, tenant in _run(query.order_by(AuditEvent.id.desc())):
        yield Hit(Found.REQUEST, str(event.kind), email or event.dialect, person, tenant, request=text)


def _run(query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
    return db.session.execute(query.limit(_MOST)).all()
