"""What roles and permission profiles are called, in the reader's language."""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from app.domains.permissions.queries import Profile
from app.domains.permissions.roles import Role
from app.surfaces.shared.languages import said

ROLES: Mapping[Role, Any] = {
    Role.OWNER: _l("Owner"),
    Role.ADMIN: _l("Admin"),
    Role.MANAGER: _l("Manager"),
    Role.MEMBER: _l("Member"),
    Role.VIEWER: _l("Viewer"),
}
REACH: Mapping[Role, Any] = {
    Role.OWNER: _l("May do everything, and is the only one who can close or hand it over."),
    Role.ADMIN: _l("May do everything else."),
    Role.MANAGER: _l("Looks after people, projects, tickets and clients."),
    Role.MEMBER: _l("Works in projects and with other systems."),
    Role.VIEWER: _l("Sees, and changes nothing."),
}


def profile_name(profile: Profile) -> str:
    """Return what a profile is called: one's own as it was named, those that all have translated."""
    return said(profile.name) if profile.is_system else profile.name
