"""What a member may be allowed to do; the numbers are for ever, a new permission takes the next."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Permission(StrEnum):
    """A right by its code, as profiles and roles name it."""

    MEMBERS_VIEW = "members.view"
    MEMBERS_MANAGE = "members.manage"
    MEMBERS_ERASE = "members.erase"
    PROFILES_VIEW = "profiles.view"
    PROFILES_MANAGE = "profiles.manage"
    SESSIONS_MANAGE = "sessions.manage"
    SETTINGS_VIEW = "settings.view"
    SETTINGS_MANAGE = "settings.manage"
    SETUP_VIEW = "setup.view"
    SETUP_MANAGE = "setup.manage"
    EMAIL_SETTINGS_VIEW = "email_settings.view"
    EMAIL_SETTINGS_MANAGE = "email_settings.manage"
    TEMPLATES_VIEW = "templates.view"
    TEMPLATES_MANAGE = "templates.manage"
    NOTIFICATIONS_ANALYTICS = "notifications.analytics"
    CHAT_USE = "chat.use"
    CHAT_GROUPS = "chat.groups"
    BILLING_VIEW = "billing.view"
    BILLING_MANAGE = "billing.manage"
    ENTITIES_VIEW = "entities.view"
    ENTITIES_WRITE = "entities.write"
    ENTITIES_MERGE = "entities.merge"
    EVENTS_VIEW = "events.view"
    EVENTS_WRITE = "events.write"
    PROJECTS_VIEW = "projects.view"
    PROJECTS_CREATE = "projects.create"
    PROJECTS_MANAGE = "projects.manage"
    DOMAINS_MANAGE = "domains.manage"
    SUPPORT_VIEW = "support.view"
    SUPPORT_MANAGE = "support.manage"
    CLIENTS_VIEW = "clients.view"
    CLIENTS_MANAGE = "clients.manage"
    SERVICE_USERS_MANAGE = "service_users.manage"
    API_TOKENS_OWN = "api_tokens.own"
    API_TOKENS_MANAGE = "api_tokens.manage"
    ENVIRONMENTS_SWITCH = "environments.switch"
    STORAGE_MANAGE = "storage.manage"
    AUDIT_VIEW = "audit.view"
    ANALYTICS_VIEW = "analytics.view"


@dataclass(frozen=True)
class PermissionDefinition:
    """How a permission is shown: its number, the part of the product it belongs to and its words."""

    id: int
    module: str
    label: str
    portal: bool = False
    """Whether only the portal's pages ask for it, no call of a dialect by name."""


PERMISSIONS: Mapping[Permission, PermissionDefinition] = {
    Permission.MEMBERS_VIEW: PermissionDefinition(1, "members", "See the people of the organization"),
    Permission.MEMBERS_MANAGE: PermissionDefinition(2, "members", "Invite, change and deactivate people"),
    Permission.MEMBERS_ERASE: PermissionDefinition(3, "members", "Erase people for good", portal=True),
    Permission.PROFILES_VIEW: PermissionDefinition(4, "members", "See permission profiles"),
    Permission.PROFILES_MANAGE: PermissionDefinition(
        5, "members", "Make and change permission profiles", portal=True
    ),
    Permission.SESSIONS_MANAGE: PermissionDefinition(6, "members", "See and end other people's sign-ins"),
    Permission.SETTINGS_VIEW: PermissionDefinition(7, "settings", "See the organization's settings"),
    Permission.SETTINGS_MANAGE: PermissionDefinition(8, "settings", "Change the organization's settings"),
    Permission.SETUP_VIEW: PermissionDefinition(9, "settings", "See the setup progress"),
    Permission.SETUP_MANAGE: PermissionDefinition(10, "settings", "Work through the setup", portal=True),
    Permission.EMAIL_SETTINGS_VIEW: PermissionDefinition(11, "email", "See the e-mail settings"),
    Permission.EMAIL_SETTINGS_MANAGE: PermissionDefinition(12, "email", "Change the e-mail settings"),
    Permission.TEMPLATES_VIEW: PermissionDefinition(13, "notifications", "See and preview message templates"),
    Permission.TEMPLATES_MANAGE: PermissionDefinition(14, "notifications", "Change message templates"),
    Permission.NOTIFICATIONS_ANALYTICS: PermissionDefinition(
        15, "notifications", "See delivery figures of the whole organization"
    ),
    Permission.CHAT_USE: PermissionDefinition(16, "chat", "Write messages"),
    Permission.CHAT_GROUPS: PermissionDefinition(17, "chat", "Open group channels"),
    Permission.BILLING_VIEW: PermissionDefinition(18, "billing", "See plan, seats and invoices"),
    Permission.BILLING_MANAGE: PermissionDefinition(19, "billing", "Change the plan and pay"),
    Permission.ENTITIES_VIEW: PermissionDefinition(20, "entities", "See the entity registry"),
    Permission.ENTITIES_WRITE: PermissionDefinition(21, "entities", "Register and link records"),
    Permission.ENTITIES_MERGE: PermissionDefinition(22, "entities", "Merge and unlink records"),
    Permission.EVENTS_VIEW: PermissionDefinition(23, "entities", "See platform events"),
    Permission.EVENTS_WRITE: PermissionDefinition(24, "entities", "Report platform events"),
    Permission.PROJECTS_VIEW: PermissionDefinition(25, "projects", "See the organization's projects"),
    Permission.PROJECTS_CREATE: PermissionDefinition(26, "projects", "Start projects"),
    Permission.PROJECTS_MANAGE: PermissionDefinition(
        27, "projects", "Change, hand over and close any project"
    ),
    Permission.DOMAINS_MANAGE: PermissionDefinition(28, "projects", "Connect and buy domains"),
    Permission.SUPPORT_VIEW: PermissionDefinition(
        29, "support", "See every support ticket of the organization"
    ),
    Permission.SUPPORT_MANAGE: PermissionDefinition(30, "support", "Answer and close any support ticket"),
    Permission.CLIENTS_VIEW: PermissionDefinition(31, "clients", "See client accounts"),
    Permission.CLIENTS_MANAGE: PermissionDefinition(
        32, "clients", "Create, change and delete client accounts"
    ),
    Permission.SERVICE_USERS_MANAGE: PermissionDefinition(33, "developer", "Manage service users"),
    Permission.API_TOKENS_OWN: PermissionDefinition(34, "developer", "Have API tokens of one's own"),
    Permission.API_TOKENS_MANAGE: PermissionDefinition(
        35, "developer", "See and revoke everyone's API tokens"
    ),
    Permission.ENVIRONMENTS_SWITCH: PermissionDefinition(36, "developer", "Work in staging and dev"),
    Permission.STORAGE_MANAGE: PermissionDefinition(37, "developer", "Set the storage provider"),
    Permission.AUDIT_VIEW: PermissionDefinition(38, "audit", "Read the audit trail"),
    Permission.ANALYTICS_VIEW: PermissionDefinition(39, "audit", "See the usage figures"),
}
