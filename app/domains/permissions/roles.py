"""Roles and what each may do, the profiles every organization has, and the rights inside one project."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.core.permissions import PERMISSIONS, Permission

_ALL = frozenset(PERMISSIONS)

_VIEWER = frozenset(
    {
        Permission.MEMBERS_VIEW,
        Permission.PROFILES_VIEW,
        Permission.SETTINGS_VIEW,
        Permission.SETUP_VIEW,
        Permission.EMAIL_SETTINGS_VIEW,
        Permission.TEMPLATES_VIEW,
        Permission.CHAT_USE,
        Permission.BILLING_VIEW,
        Permission.ENTITIES_VIEW,
        Permission.EVENTS_VIEW,
        Permission.PROJECTS_VIEW,
        Permission.ANALYTICS_VIEW,
    }
)

_MEMBER = _VIEWER | {
    Permission.CHAT_GROUPS,
    Permission.ENTITIES_WRITE,
    Permission.ENTITIES_MERGE,
    Permission.EVENTS_WRITE,
    Permission.PROJECTS_CREATE,
    Permission.API_TOKENS_OWN,
    Permission.ENVIRONMENTS_SWITCH,
}

_MANAGER = _MEMBER | {
    Permission.MEMBERS_MANAGE,
    Permission.NOTIFICATIONS_ANALYTICS,
    Permission.PROJECTS_MANAGE,
    Permission.DOMAINS_MANAGE,
    Permission.SUPPORT_VIEW,
    Permission.SUPPORT_MANAGE,
    Permission.CLIENTS_VIEW,
    Permission.CLIENTS_MANAGE,
}


class Role(StrEnum):
    """What a member is in an organization, strongest first; a dialect may word it otherwise."""

    OWNER = "owner"
    ADMIN = "admin"
    MANAGER = "manager"
    MEMBER = "member"
    VIEWER = "viewer"

    @property
    def rank(self) -> int:
        """Return how high the role stands; one may give and take roles below one's own."""
        return _RANKS[self]

    @property
    def base(self) -> frozenset[Permission]:
        """Return what the role allows by itself; a permission profile only adds to it."""
        return _BASES[self]


HEADS = (Role.OWNER, Role.ADMIN)
"""Who answers for an organization: nothing in it is out of their reach."""


_RANKS: Mapping[Role, int] = {
    Role.OWNER: 50,
    Role.ADMIN: 40,
    Role.MANAGER: 30,
    Role.MEMBER: 20,
    Role.VIEWER: 10,
}

_BASES: Mapping[Role, frozenset[Permission]] = {
    Role.OWNER: _ALL,
    Role.ADMIN: _ALL,
    Role.MANAGER: _MANAGER,
    Role.MEMBER: _MEMBER,
    Role.VIEWER: _VIEWER,
}


@dataclass(frozen=True)
class SystemProfile:
    """A permission profile that every organization has under the same number; nobody can change it."""

    id: int
    code: str
    name: str
    description: str
    permissions: frozenset[Permission]


SYSTEM_PROFILES: Mapping[int, SystemProfile] = {
    profile.id: profile
    for profile in (
        SystemProfile(
            1,
            "standard",
            "Standard",
            "Just what the role gives.",
            frozenset(),
        ),
        SystemProfile(
            2,
            "people",
            "People",
            "Looks after members and their access.",
            frozenset(
                {
                    Permission.MEMBERS_VIEW,
                    Permission.MEMBERS_MANAGE,
                    Permission.PROFILES_VIEW,
                    Permission.SESSIONS_MANAGE,
                }
            ),
        ),
        SystemProfile(
            3,
            "finance",
            "Finance",
            "Looks after plan, payment and invoices.",
            frozenset(
                {
                    Permission.BILLING_VIEW,
                    Permission.BILLING_MANAGE,
                }
            ),
        ),
        SystemProfile(
            4,
            "support",
            "Support",
            "Answers tickets and helps clients.",
            frozenset(
                {
                    Permission.ENTITIES_VIEW,
                    Permission.ENTITIES_WRITE,
                    Permission.EVENTS_VIEW,
                    Permission.SUPPORT_VIEW,
                    Permission.SUPPORT_MANAGE,
                    Permission.CLIENTS_VIEW,
                }
            ),
        ),
        SystemProfile(
            5,
            "developer",
            "Developer",
            "Connects other systems.",
            frozenset(
                {
                    Permission.EVENTS_VIEW,
                    Permission.EVENTS_WRITE,
                    Permission.DOMAINS_MANAGE,
                    Permission.SERVICE_USERS_MANAGE,
                    Permission.API_TOKENS_OWN,
                    Permission.API_TOKENS_MANAGE,
                    Permission.ENVIRONMENTS_SWITCH,
                    Permission.STORAGE_MANAGE,
                }
            ),
        ),
        SystemProfile(
            6,
            "communications",
            "Communications",
            "Keeps mail and messages in shape.",
            frozenset(
                {
                    Permission.EMAIL_SETTINGS_VIEW,
                    Permission.EMAIL_SETTINGS_MANAGE,
                    Permission.TEMPLATES_VIEW,
                    Permission.TEMPLATES_MANAGE,
                    Permission.NOTIFICATIONS_ANALYTICS,
                }
            ),
        ),
        SystemProfile(
            7,
            "auditor",
            "Auditor",
            "Reads everything, changes nothing.",
            frozenset(
                {
                    Permission.MEMBERS_VIEW,
                    Permission.PROFILES_VIEW,
                    Permission.SETTINGS_VIEW,
                    Permission.EMAIL_SETTINGS_VIEW,
                    Permission.TEMPLATES_VIEW,
                    Permission.NOTIFICATIONS_ANALYTICS,
                    Permission.BILLING_VIEW,
                    Permission.ENTITIES_VIEW,
                    Permission.EVENTS_VIEW,
                    Permission.PROJECTS_VIEW,
                    Permission.SUPPORT_VIEW,
                    Permission.CLIENTS_VIEW,
                    Permission.AUDIT_VIEW,
                    Permission.ANALYTICS_VIEW,
                }
            ),
        ),
    )
}

FIRST_CUSTOM_PROFILE_ID = 1001

_NUMBERED: Mapping[int, Permission] = {about.id: permission for permission, about in PERMISSIONS.items()}


def permissions_numbered(numbers: Iterable[int]) -> frozenset[Permission]:
    """Return the permissions of these numbers; one that is no more is left out."""
    return frozenset(_NUMBERED[number] for number in numbers if number in _NUMBERED)


def rights(role: Role, profile_id: int, own: Iterable[int] | None = None) -> frozenset[Permission]:
    """Return what a role and a profile allow together; a profile only adds.

    :param own: the numbers in the organization's own profile, None where that is not active or not its own
    """
    profile = SYSTEM_PROFILES.get(profile_id)
    added = profile.permissions if profile else permissions_numbered(own or ())
    return role.base | added


class ProjectPermission(StrEnum):
    """A right inside one project; its owner and the organization's owner and admins have all of them."""

    VIEW = "project.view"
    EDIT = "project.edit"
    PUBLISH = "project.publish"
    MEMBERS = "project.members"
    TOOLS = "project.tools"
    BILLING = "project.billing"


@dataclass(frozen=True)
class ProjectPermissionDefinition:
    """How a right inside a project is shown."""

    name: str
    description: str


PROJECT_PERMISSIONS: Mapping[ProjectPermission, ProjectPermissionDefinition] = {
    ProjectPermission.VIEW: ProjectPermissionDefinition("View", "See the project and its people"),
    ProjectPermission.EDIT: ProjectPermissionDefinition("Edit", "Change the project's data"),
    ProjectPermission.PUBLISH: ProjectPermissionDefinition("Publish", "Change the theme's status"),
    ProjectPermission.MEMBERS: ProjectPermissionDefinition(
        "People", "Invite and remove people and set permissions"
    ),
    ProjectPermission.TOOLS: ProjectPermissionDefinition("Tools", "Start and end tool trials"),
    ProjectPermission.BILLING: ProjectPermissionDefinition("Billing", "Buy and cancel and see invoices"),
}
