"""What is kept of a person's dealings with optional mail: what they switched off, and what they opened."""

from typing import Any

import sqlalchemy as sa

from app.core.personal import exported_rows
from app.domains.email.rules_models import EventChoice, MailEngagement
from app.domains.outlines.tables import TENANTS


@exported_rows("mail-choices", about="Which notices you switched on or off, and when.", by=EventChoice.id)
def choices(user_id: int) -> sa.Select[Any]:
    """Select the person's choices; they go with the person."""
    return (
        sa.select(
            TENANTS.c.name.label("organization"),
            EventChoice.event,
            EventChoice.channel,
            EventChoice.enabled,
            EventChoice.updated_at.label("chosen_at"),
        )
        .join(TENANTS, TENANTS.c.id == EventChoice.tenant_id)
        .where(EventChoice.user_id == user_id)
    )


@exported_rows(
    "opened-mails",
    about="Optional mails of organizations that counted that you opened them.",
    by=MailEngagement.id,
)
def openings(user_id: int) -> sa.Select[Any]:
    """Select what was counted; it goes with the person."""
    return (
        sa.select(
            TENANTS.c.name.label("organization"),
            MailEngagement.event,
            MailEngagement.opened_at,
            MailEngagement.last_opened_at,
            MailEngagement.clicked_at,
            MailEngagement.last_clicked_at,
            MailEngagement.ip,
            MailEngagement.user_agent,
        )
        .join(TENANTS, TENANTS.c.id == MailEngagement.tenant_id)
        .where(MailEngagement.user_id == user_id)
    )
