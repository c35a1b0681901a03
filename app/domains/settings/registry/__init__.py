"""Every setting there is, by key; a setting that nothing obeys is a defect."""

from collections.abc import Mapping

from app.domains.settings.registry import messaging, organization, platform, security, work
from app.domains.settings.registry.definition import Definition, Scope, Type, Value

__all__ = ["CATEGORIES", "DEFINITIONS", "Definition", "Scope", "Type", "Value"]

DEFINITIONS: Mapping[str, Definition] = {
    definition.key: definition
    for definition in (
        *organization.DEFINITIONS,
        *security.DEFINITIONS,
        *messaging.DEFINITIONS,
        *work.DEFINITIONS,
        *platform.DEFINITIONS,
    )
}

CATEGORIES: Mapping[str, str] = {
    "general": "General",
    "branding": "Branding",
    "localization": "Language and region",
    "security": "Security",
    "members": "People",
    "notifications": "Notifications",
    "chat": "Chat",
    "entities": "Entity registry",
    "billing": "Billing",
    "support": "Support",
    "clients": "Client accounts",
    "data": "Data",
}
"""Headings of api_v1's flat view."""
