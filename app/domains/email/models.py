"""All tables of mail, each beside what it is about."""

from app.domains.email.rules_models import EventChoice, MailEngagement, MailRules, SenderDomain
from app.domains.email.settings_models import Delivery, TenantMailServer, TenantSender

__all__ = [
    "Delivery",
    "EventChoice",
    "MailEngagement",
    "MailRules",
    "SenderDomain",
    "TenantMailServer",
    "TenantSender",
]
