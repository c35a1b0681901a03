"""Telling owner and admins of a change of their sender domain, as far as they want mail of it."""

from app.core.db import db
from app.core.links import public_url
from app.domains.email.domain_mails import sender_domain_status
from app.domains.email.rules_models import EventChoice
from app.domains.outlines.tables import USERS, heads

EVENT = "email.domain_status_changed"


def announce(tenant_id: int, *, domain: str, status: str) -> None:
    """Mail those who lead the organization and want mail of this event: by itself it is a notice."""
    query = (
        heads(tenant_id)
        .join(EventChoice, EventChoice.user_id == USERS.c.id)
        .where(
            EventChoice.tenant_id == tenant_id,
            EventChoice.event == EVENT,
            EventChoice.channel == "email",
            EventChoice.enabled.is_(True),
        )
    )
    for email, first_name, tenant_name in db.session.execute(query).all():
        sender_domain_status(
            email,
            first_name=first_name,
            tenant_name=tenant_name,
            tenant_id=tenant_id,
            domain=domain,
            status=status,
            link=public_url("/organization/email/domain"),
        )
