"""Openings and clicks of tracked mail: the addresses in it, and what is kept of who follows them."""

import ipaddress
import re
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.db import db, read, rows_changed
from app.core.jobs import job
from app.core.signed import LONGEST, sign, verify
from app.domains.email.rule_values import is_link
from app.domains.email.rules import rules_of
from app.domains.email.rules_models import MailEngagement, MailRules
from app.domains.email.settings_models import Delivery, DeliveryState
from app.domains.email.tracking import tracking_in
from app.domains.email.unsubscribing import LinkInvalid
from app.domains.outlines.tables import TENANTS, USERS

_OPEN, _CLICK = "mail:open", "mail:click"
_SCANNERS = re.compile(
    r"bot\b|crawl|spider|scan|slurp|headless|monitor|link ?preview|facebookexternalhit|whatsapp"
    r"|barracuda|mimecast|proofpoint|safelinks|symantec|trendmicro|urlcheck",
    re.IGNORECASE,
)
"""Programs that say of themselves that they look at mail before, or instead of, a person."""

Mail = tuple[int, str, int | None, str]
"""What a token names: organization, delivery, person, event."""


def picture_path(mail: Mail) -> str:
    """Return where the picture is that tells of an opening."""
    return f"/t/o/{sign(_OPEN, mail)}.gif"


def link_path(mail: Mail, address: str) -> str | None:
    """Return where a link leads through, the address inside and signed; None for one that is too long."""
    token = sign(_CLICK, [*mail, address])
    return f"/t/c/{token}" if len(token) <= LONGEST else None


@operation(Access.PUBLIC)
def opened(actor: Actor, *, token: str, counts: bool) -> None:
    """Count an opening: the first one, and when the last one was.

    :param counts: whether a reader asks, not something that looks ahead for one
    :raises LinkInvalid: for a token that we did not make; nothing is counted then
    """
    found = verify(_OPEN, token)
    if found is None or len(found) != 4:
        raise LinkInvalid
    if counts and not _is_scanner(actor):
        _count(actor, (found[0], found[1], found[2], found[3]), clicked=False)


@operation(Access.PUBLIC)
def clicked(actor: Actor, *, token: str, counts: bool) -> str:
    """Count a click, which is an opening too, and return the address to go on to.

    :raises LinkInvalid: for a token that we did not make, or the mail of an organization that is suspended:
        our address must not lead to what it wrote; nothing is counted then
    """
    found = verify(_CLICK, token)
    if found is None or len(found) != 5 or not is_link(str(found[4])) or _is_suspended(found[0]):
        raise LinkInvalid
    if counts and not _is_scanner(actor):
        _count(actor, (found[0], found[1], found[2], found[3]), clicked=True)
    return str(found[4])


def _is_suspended(tenant_id: int) -> bool:
    return bool(
        read(sa.select(TENANTS.c.id).where(TENANTS.c.id == tenant_id, TENANTS.c.status == "suspended"))
    )


def _is_scanner(actor: Actor) -> bool:
    return _SCANNERS.search(actor.origin.user_agent) is not None


def _count(actor: Actor, mail: Mail, *, clicked: bool) -> None:
    tenant_id, delivery_uid, user_id, event = mail
    now = clock.now()
    moved: dict[str, object] = {"last_opened_at": now}
    if clicked:
        first = sa.func.coalesce(MailEngagement.clicked_at, now)
        moved |= {"clicked_at": first, "last_clicked_at": now}
    _arrived(tenant_id, delivery_uid)
    which = (MailEngagement.tenant_id == tenant_id, MailEngagement.delivery_uid == delivery_uid)
    if rows_changed(sa.update(MailEngagement).where(*which).values(moved)) or not _are_there(mail):
        return
    made = MailEngagement(
        tenant_id=tenant_id,
        delivery_uid=delivery_uid,
        user_id=user_id,
        event=event,
        first_at=now,
        opened_at=now,
        last_opened_at=now,
        clicked_at=now if clicked else None,
        last_clicked_at=now if clicked else None,
        ip=shortened(actor.origin.ip) if tracking_in(rules_of(tenant_id)).anonymize_ip else actor.origin.ip,
        user_agent=actor.origin.user_agent,
    )
    db.session.add(made)
    db.session.flush()  # two first openings at once: the second begins anew and finds the row


def _arrived(tenant_id: int, delivery_uid: str) -> None:
    """Note of the delivery that it came through: somebody has it before their eyes."""
    sent = (Delivery.uid == UUID(delivery_uid), Delivery.tenant_id == tenant_id)
    arrival = sa.update(Delivery).where(*sent, Delivery.state == DeliveryState.SENT)
    rows_changed(arrival.values(state=DeliveryState.DELIVERED))


def _are_there(mail: Mail) -> bool:
    """Say whether organization and person still are: who was erased leaves no new trace."""
    tenant_id, _, user_id, _ = mail
    query = sa.select(sa.literal(1)).where(sa.exists().where(TENANTS.c.id == tenant_id))
    if user_id is not None:
        query = query.where(sa.exists().where(USERS.c.id == user_id))
    return bool(read(query))


def shortened(ip: str | None) -> str | None:
    """Return the network that an address is in: /24 of IPv4, /48 of IPv6."""
    if ip is None:
        return None
    bits = 24 if ipaddress.ip_address(ip).version == 4 else 48
    return str(ipaddress.ip_network(f"{ip}/{bits}", strict=False).network_address)


@job("retention.prune", every=timedelta(days=1))
def prune() -> int:
    """Delete what was counted longer ago than its organization keeps it."""
    by_days: dict[int, list[int]] = {}
    for tenant_id, days in _days_by_tenant().items():
        by_days.setdefault(days, []).append(tenant_id)
    deleted = 0
    for days, tenant_ids in by_days.items():
        old = MailEngagement.first_at < clock.now() - timedelta(days=days)
        deleted += rows_changed(
            sa.delete(MailEngagement).where(MailEngagement.tenant_id.in_(tenant_ids), old)
        )
    return deleted


def _days_by_tenant() -> Mapping[int, int]:
    # JSON cannot be compared on PostgreSQL: distinct ids first.
    with_some = sa.select(MailEngagement.tenant_id).distinct().subquery()
    query = sa.select(with_some.c.tenant_id, MailRules).outerjoin(
        MailRules, MailRules.tenant_id == with_some.c.tenant_id
    )
    return {
        tenant_id: tracking_in(rules or rules_of(None)).retention_days
        for tenant_id, rules in db.session.execute(query)
    }
