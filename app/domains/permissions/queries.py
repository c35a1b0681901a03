"""What the caller may do now."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.access import Access, Actor, operation
from app.core.permissions import PERMISSIONS, Permission
from app.domains.permissions.roles import SYSTEM_PROFILES, Role, SystemProfile


@dataclass(frozen=True)
class Grant:
    """A role and a profile with what they allow together, sorted by code."""

    role: Role
    profile: SystemProfile | None
    permissions: Sequence[Permission]

    @property
    def is_everything(self) -> bool:
        """Say whether nothing is withheld."""
        return len(self.permissions) == len(PERMISSIONS)

    @property
    def numbers(self) -> Sequence[int]:
        """Return the permissions' numbers, sorted."""
        return sorted(PERMISSIONS[permission].id for permission in self.permissions)


@operation(Access.TENANT)
def my_grant(actor: Actor) -> Grant:
    """Return what the actor may do in the organization they work in; it came with the credential."""
    profile = SYSTEM_PROFILES.get(actor.profile_id or 0)
    return Grant(Role(actor.role), profile, sorted(actor.permissions))
