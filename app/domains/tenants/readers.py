"""How people read: their own language and time zone, else those of the organization they joined first."""

import sqlalchemy as sa

from app.core.db import read
from app.domains.accounts.emails import key_of
from app.domains.accounts.models import User
from app.domains.email.readers import Reader, finds_readers
from app.domains.settings import queries as settings
from app.domains.tenants.models import Membership, MembershipStatus

_KEYS = (
    "localization.locale",
    "localization.timezone",
    "localization.date_format",
    "localization.time_format",
)


@finds_readers
def of_person(address: str) -> Reader | None:
    """Return how the person reads who has this address, or waits for it; two queries at most."""
    works_in = (
        sa.select(Membership.tenant_id)
        .where(Membership.user_id == User.id, Membership.status == MembershipStatus.ACTIVE)
        .order_by(Membership.id)
        .limit(1)
        .scalar_subquery()
    )
    has_it = User.email_key == key_of(address)
    rows = read(
        sa.select(User.locale, User.timezone, works_in.label("tenant_id"))
        .where(sa.or_(has_it, User.pending_email == address))
        .order_by(has_it.desc())
        .limit(1)
    )
    if not rows:
        return None
    ((locale, zone, tenant_id),) = rows
    if tenant_id is None:
        return Reader(locale or _first_language(), zone or "UTC")
    found = settings.values(_KEYS, tenant_id=tenant_id)
    theirs = [str(found[key]) for key in _KEYS]
    return Reader(locale, zone or theirs[1]) if locale else Reader(theirs[0], zone or theirs[1], *theirs[2:])


def _first_language() -> str:
    return (settings.entries("instance.languages") or ("en",))[0]
