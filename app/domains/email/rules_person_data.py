"""What is kept of a person's dealings with optional mail: what they switched off, and what they opened."""

from collections.abc import Sequence

import sqlalchemy as sa

from app.core.personal import Row, exported, rows_of
from app.domains.email.rules_models import EventChoice, MailEngagement

_TENANTS = sa.table("tenants", sa.column("id"), sa.column("name"))


@exported("mail-choices", about="Which notices you switched on or off, and when.", tables=["event_choices"])
def choices(user_id: int, after: int, limit: int) -> Sequence[Row]:
    """Read the person's choices; they go with the person."""
    query = (
        sa.select(
            _TENANTS.c.name.label("organization"),
            EventChoice.event,
            EventChoice.channel,
            EventChoice.enabled,
            EventChoice.updated_at.label("chosen_at"),
        )
        .join(_TENANTS, _TENANTS.c.id == EventChoice.tenant_id)
        .where(EventChoice.user_id == user_id)
    )
    return rows_of(query, EventChoice.id, after, limit)


@exported(
    "opened-mails",
    about="Optional mails of organizations that counted that you opened them.",
    tables=["mail_engagements"],
)
def openings(user_id: int, after: int, limit: int) -> Sequence[Row]:
    """Read what was counted; it goes with the person."""
    query = (
        sa.select(
            _TENANTS.c.name.label("organization"),
            MailEngagement.event,
            MailEngagement.opened_at,
            MailEngagement.last_opened_at,
            MailEngagement.clicked_at,
            MailEngagement.last_clicked_at,
            MailEngagement.ip,
            MailEngagement.user_agent,
        )
        .join(_TENANTS, _TENANTS.c.id == MailEngagement.tenant_id)
        .where(MailEngagement.user_id == user_id)
    )
    return rows_of(query, MailEngagement.id, after, limit)
