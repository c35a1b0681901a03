"""The link in optional mail that switches the mail of its event off: one click, no sign-in (RFC 8058)."""

from dataclasses import dataclass

import sqlalchemy as sa

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.db import db, read, rows_changed
from app.core.errors import NotFound
from app.core.links import public_url
from app.core.signed import sign, verify
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.email.rules_models import EventChoice
from app.domains.outlines.tables import TENANTS, USERS

EMAIL = "email"
_PURPOSE = "mail:unsubscribe"
"""People and organizations build on mails, not the other way round."""


class LinkInvalid(NotFound):
    code, message = "web:link_invalid", "This link is not valid."


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """Mail of one event from one organization to one person, as a link names it."""

    tenant_id: int
    tenant_name: str
    user_id: int
    event: str
    enabled: bool


def unsubscribe_url(*, tenant_id: int, user_id: int, event: str) -> str:
    """Return the address behind which a person switches the mail of an event off."""
    return public_url(f"/unsubscribe/{sign(_PURPOSE, [tenant_id, user_id, event])}")


@operation(Access.PUBLIC)
def look(actor: Actor, *, token: str) -> Subscription:
    """Return what a link is about; changes nothing, for scanners open links.

    :raises LinkInvalid: for a link that we did not make, or whose person or organization is gone
    """
    found = verify(_PURPOSE, token)
    if found is None or len(found) != 3:
        raise LinkInvalid
    tenant_id, user_id, event = found
    query = sa.select(TENANTS.c.name).where(
        TENANTS.c.id == tenant_id, sa.exists().where(USERS.c.id == user_id)
    )
    for (name,) in read(query):
        return Subscription(
            tenant_id=tenant_id,
            tenant_name=name,
            user_id=user_id,
            event=event,
            enabled=wants(tenant_id, user_id, event) is not False,
        )
    raise LinkInvalid


@operation(Access.PUBLIC)
def unsubscribe(actor: Actor, *, token: str) -> Subscription:
    """Switch the mail of the link's event off for its person; a second time changes nothing.

    :raises LinkInvalid: as in ``look``
    """
    found = look(actor, token=token)
    if choose(found.tenant_id, found.user_id, found.event, enabled=False):
        record(
            actor,
            AuditKind.USER_UNSUBSCRIBED,
            subject=("user", found.user_id),
            tenant_id=found.tenant_id,
            user_id=found.user_id,
            changes={"event": found.event},
        )
    return found


def wants(tenant_id: int, user_id: int, event: str, channel: str = EMAIL) -> bool | None:
    """Return what a person chose for an event; None where they have not."""
    query = sa.select(EventChoice.enabled).where(_of(tenant_id, user_id, event, channel))
    return next((bool(enabled) for (enabled,) in read(query)), None)


def choose(tenant_id: int, user_id: int, event: str, *, enabled: bool, channel: str = EMAIL) -> bool:
    """Keep a person's choice for an event; False if it is what it was."""
    which = _of(tenant_id, user_id, event, channel)
    known = db.session.scalar(sa.select(EventChoice.enabled).where(which).with_for_update())
    if known is None:
        made = EventChoice(
            tenant_id=tenant_id, user_id=user_id, event=event, channel=channel, enabled=enabled
        )
        db.session.add(made)
        db.session.flush()  # two first clicks at once: the second begins anew and finds it done
        return True
    change = sa.update(EventChoice).where(which, EventChoice.enabled.is_(not enabled))
    return bool(rows_changed(change.values(enabled=enabled, updated_at=clock.now())))


def _of(tenant_id: int, user_id: int, event: str, channel: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        EventChoice.tenant_id == tenant_id,
        EventChoice.user_id == user_id,
        EventChoice.event == event,
        EventChoice.channel == channel,
    )
