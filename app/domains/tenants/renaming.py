"""Giving an organization another slug."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.db import db, one_wins
from app.core.errors import Conflict, ValidationFailed
from app.core.languages import Sentence
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.settings import queries as settings
from app.domains.tenants import former_slugs
from app.domains.tenants.former_slugs import KEPT, SlugTaken
from app.domains.tenants.models import FormerSlug, Tenant
from app.domains.tenants.operations import check_slug

MOST_KEPT = 3
"""Former slugs an organization may hold back at once, so that nobody gathers names."""


class SlugChangesSpent(Conflict):
    code = "tenant:slug_changes_spent"
    message = "The short name was changed as often as it can be for now."


class SlugInUse(Conflict):
    code, message = "tenant:slug_in_use", "The platform names this organization by its short name."


@dataclass(frozen=True)
class Kept:
    """A slug that leads to the organization still, and is nobody else's until then."""

    slug: str
    until: datetime


@operation(Access.TENANT_ADMIN)
def former(actor: Actor) -> Sequence[Kept]:
    """Return the slugs that the organization had lately, newest first."""
    return [Kept(one.slug, one.given_up_at + KEPT) for one in former_slugs.kept_by(actor.tenant_id or 0)]


@operation(Access.TENANT_ADMIN)
def change_slug(actor: Actor, *, slug: str, confirmation: str) -> Tenant:
    """Give the organization another slug; the old one goes on leading to it and stays its own for a while.

    :param confirmation: the slug that is given up, as typed by whoever wants that
    :raises SlugTaken: if the wanted one is another's, or was until lately, or is reserved
    :raises SlugChangesSpent: if three former ones are held back
    :raises SlugInUse: if a setting of the platform names the organization by it
    :raises ValidationFailed: at slug, confirmation
    """
    wanted = slug.strip().lower()
    check_slug(wanted)
    tenant = _held(actor)
    old = tenant.slug
    if wanted == old:
        raise ValidationFailed({"slug": ["This is the short name already."]})
    if confirmation.strip().lower() != old:
        raise ValidationFailed({"confirmation": [Sentence("Type %(name)s to confirm.", name=old)]})
    _check_may_go(tenant, wanted)
    _swap(tenant, wanted)
    changes = {"slug": [old, wanted]}
    record(actor, AuditKind.TENANT_SLUG_CHANGED, subject=("tenant", tenant.id), changes=changes)
    return tenant


def _held(actor: Actor) -> Tenant:
    query = sa.select(Tenant).where(Tenant.id == actor.tenant_id).with_for_update()
    return db.session.scalars(query.execution_options(populate_existing=True)).one()


def _check_may_go(tenant: Tenant, wanted: str) -> None:
    if settings.text("support.staff_tenant") == tenant.slug:
        raise SlugInUse(layer="platform", remedy="Ask the platform's admins to change the setting first.")
    kept = [one for one in former_slugs.kept_by(tenant.id) if one.slug != wanted]
    if len(kept) >= MOST_KEPT:
        free = (kept[-1].given_up_at + KEPT).date()
        remedy = Sentence("Go back to an earlier one, or wait until %(day)s.", day=free.isoformat())
        raise SlugChangesSpent(layer="organization", remedy=remedy)


def _swap(tenant: Tenant, wanted: str) -> None:
    with one_wins(or_else=SlugTaken):
        old, tenant.slug = tenant.slug, wanted
        db.session.flush()  # the unique slug decides between two at once
        former_slugs.claim(tenant)
        db.session.add(FormerSlug(slug=old, tenant_id=tenant.id, given_up_at=clock.now()))
        db.session.flush()  # before whoever looks for the old one
