"""Slugs that organizations had: they lead there until another has one, and no other may for a while.

What names an organization by its slug (links to its sign-in, programs of its clients) goes on working when it
changes. That lasts until somebody else takes the old one, three months later at the earliest.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.core import clock
from app.core.db import db, read
from app.core.errors import Conflict
from app.domains.tenants.models import FormerSlug, Tenant

KEPT = timedelta(days=90)
"""How long nobody else can have one."""


class SlugTaken(Conflict):
    code, message = "tenant:slug_taken", "This slug is taken."


def goes_by(slug: str | sa.BindParameter[str]) -> sa.ColumnElement[bool]:
    """Hold for the organization that has a slug, else for the one that had it last."""
    holder = aliased(Tenant)
    has = sa.select(holder.id).where(holder.slug == slug).scalar_subquery()
    had = sa.select(FormerSlug.tenant_id).where(FormerSlug.slug == slug).scalar_subquery()
    return Tenant.id == sa.func.coalesce(has, had)


def taken(wanted: Collection[str]) -> set[str]:
    """Return those of some slugs that an organization has, or had until lately; outside of the session."""
    kept = sa.select(FormerSlug.slug).where(
        FormerSlug.slug.in_(wanted), FormerSlug.given_up_at > _kept_since()
    )
    has = sa.select(Tenant.slug).where(Tenant.slug.in_(wanted))
    return {row.slug for row in read(sa.select(has.union_all(kept).subquery()))}


def claim(tenant: Tenant) -> None:
    """Take the slug that an organization was just written with out of the former ones.

    Only now is it seen what another gave up at the same moment.

    :raises SlugTaken: if another's was it until lately
    """
    row = db.session.get(FormerSlug, tenant.slug, populate_existing=True)
    if row is None:
        return
    if row.tenant_id != tenant.id and row.given_up_at > _kept_since():
        raise SlugTaken
    db.session.delete(row)
    db.session.flush()  # the same name may become a former one again in this transaction


def kept_by(tenant_id: int) -> Sequence[FormerSlug]:
    """Return the slugs that are still an organization's own though it has another, newest first."""
    query = sa.select(FormerSlug).where(
        FormerSlug.tenant_id == tenant_id, FormerSlug.given_up_at > _kept_since()
    )
    return db.session.scalars(query.order_by(FormerSlug.given_up_at.desc(), FormerSlug.slug)).all()


def _kept_since() -> datetime:
    return clock.now() - KEPT
