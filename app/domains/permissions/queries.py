"""What the caller may do, and which permission profiles there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from app.core.access import Access, Actor, operation
from app.core.db import db
from app.core.errors import Forbidden, NotFound, ValidationFailed
from app.core.permissions import PERMISSIONS, Permission
from app.domains.outlines.tables import MEMBERSHIPS, USERS
from app.domains.permissions.models import PermissionProfile
from app.domains.permissions.roles import (
    FIRST_CUSTOM_PROFILE_ID,
    HEADS,
    SYSTEM_PROFILES,
    Role,
    SystemProfile,
    rights,
)

_SINCE_EVER = datetime(2026, 1, 1, tzinfo=UTC)


class ProfileNotFound(NotFound):
    code, message = "profile:not_found", "There is no such profile."


class ProfileAboveOwn(Forbidden):
    code, message = "profile:above_own", "You cannot give a profile with permissions that you lack."


@dataclass(frozen=True)
class Grant:
    """A role and a profile with what they allow together, sorted by code."""

    role: Role
    profile: "Profile | None"
    permissions: Sequence[Permission]

    @property
    def is_everything(self) -> bool:
        """Say whether nothing is withheld."""
        return len(self.permissions) == len(PERMISSIONS)

    @property
    def numbers(self) -> Sequence[int]:
        """Return the permissions' numbers, sorted."""
        return _numbers(self.permissions)


@dataclass(frozen=True)
class Maker:
    """Who made a profile, as the organization knows them."""

    membership_id: int | None
    name: str
    avatar: str | None


@dataclass(frozen=True)
class Profile:
    """A permission profile, the organization's own or one that all have."""

    id: int
    name: str
    description: str | None
    permissions: frozenset[Permission]
    is_active: bool = True
    created_at: datetime = _SINCE_EVER
    updated_at: datetime = _SINCE_EVER
    user_count: int = 0
    """How many people of the organization have it, active or invited; 0 where nobody asked."""
    maker: Maker | None = None

    @property
    def is_system(self) -> bool:
        """Say whether it is one that nobody can change."""
        return self.id < FIRST_CUSTOM_PROFILE_ID

    @property
    def numbers(self) -> Sequence[int]:
        """Return the numbers of its permissions, ascending."""
        return _numbers(self.permissions)

    @property
    def codes(self) -> Sequence[Permission]:
        """Return its permissions in the order of their numbers."""
        return sorted(self.permissions, key=lambda permission: PERMISSIONS[permission].id)


@dataclass(frozen=True)
class Offer:
    """An active profile, and whether the one who asks may give it."""

    profile: Profile
    assignable: bool


def visible(actor: Actor) -> sa.Select[tuple[PermissionProfile]]:
    """Select the profiles that the actor's organization made."""
    return sa.select(PermissionProfile).where(PermissionProfile.tenant_id == actor.tenant_id)


@operation(Access.TENANT)
def my_grant(actor: Actor) -> Grant:
    """Return what the actor may do in the organization they work in; it came with the credential."""
    return Grant(Role(actor.role), _found(actor, actor.profile_id or 0), sorted(actor.permissions))


@operation(Access.TENANT)
def profiles(actor: Actor, *, active: bool | None = None) -> Sequence[Profile]:
    """Return all profiles: those that every organization has first, then its own by name."""
    found = _all_profiles(actor, _user_counts(actor))
    return [profile for profile in found if active is None or profile.is_active is active]


@operation(Access.TENANT)
def uncounted_profiles(actor: Actor) -> Sequence[Profile]:
    """Return all profiles in the same order, without how many people have each: one query."""
    return _all_profiles(actor, {})


def _all_profiles(actor: Actor, counts: Mapping[int, int]) -> list[Profile]:
    own = db.session.scalars(visible(actor).order_by(PermissionProfile.name_key, PermissionProfile.id))
    found = [_of_system(profile, counts) for profile in SYSTEM_PROFILES.values()]
    return found + [of_own(profile, counts.get(profile.id, 0)) for profile in own]


@operation(Access.TENANT)
def profile(actor: Actor, *, profile_id: int) -> Profile:
    """Return one profile with how many people have it and who made it.

    :raises ProfileNotFound: if the organization has none of that id
    """
    system = SYSTEM_PROFILES.get(profile_id)
    if system is not None:
        return _of_system(system, _user_counts(actor))
    return shown(actor, own_profile(actor, profile_id))


@operation(Access.TENANT)
def offers(actor: Actor) -> Sequence[Offer]:
    """Return the active profiles, each with whether the actor may give it to somebody."""
    return [Offer(found, may_give(actor, found)) for found in uncounted_profiles(actor) if found.is_active]


def check_assignable(actor: Actor, profile_id: int, *, field: str = "profile_id") -> Profile:
    """Return the profile that the actor is about to give to a person of the organization they work in.

    An owner or admin may give all, a manager those within their own permissions, others none.

    :param field: what the operation calls the profile's id
    :raises ValidationFailed: at the field, if the organization has no such profile or it is not active
    :raises ProfileAboveOwn: if it holds what the actor may not give
    """
    found = _found(actor, profile_id)
    if found is None or not found.is_active:
        raise ValidationFailed({field: ["There is no such active profile."]})
    if not may_give(actor, found):
        raise ProfileAboveOwn(layer="role", remedy="An owner or admin of the organization can give it.")
    return found


def may_give(actor: Actor, profile: Profile) -> bool:
    """Say whether the actor may give this profile to somebody."""
    if actor.kind == "system" or actor.role in HEADS:
        return True
    return actor.role == Role.MANAGER and profile.permissions <= actor.permissions


def profile_names(tenant_id: int) -> Mapping[int, str]:
    """Return the names of all profiles that somebody in an organization can have, by id; one query."""
    own = db.session.execute(
        sa.select(PermissionProfile.id, PermissionProfile.name).where(
            PermissionProfile.tenant_id == tenant_id
        )
    )
    names = {profile.id: profile.name for profile in SYSTEM_PROFILES.values()}
    return names | {row.id: row.name for row in own}


def rights_in(tenant_id: int, role: Role, profile_id: int) -> frozenset[Permission]:
    """Return what a role and a profile allow together in an organization, as things are now."""
    if profile_id < FIRST_CUSTOM_PROFILE_ID:
        return rights(role, profile_id)
    own = db.session.scalar(
        sa.select(PermissionProfile.permission_ids).where(
            PermissionProfile.tenant_id == tenant_id,
            PermissionProfile.id == profile_id,
            PermissionProfile.is_active.is_(True),
        )
    )
    return rights(role, profile_id, own)


def own_profile(actor: Actor, profile_id: int, *, to_change: bool = False) -> PermissionProfile:
    """Return a profile that the organization made.

    :raises ProfileNotFound: if it made none of that id
    """
    query = visible(actor).where(PermissionProfile.id == profile_id)
    found = db.session.scalar(query.with_for_update() if to_change else query)
    if found is None:
        raise ProfileNotFound
    return found


def shown(actor: Actor, made: PermissionProfile) -> Profile:
    """Return a profile of the organization's own with all that is told of it."""
    return of_own(made, _user_counts(actor, made.id).get(made.id, 0), _maker(made))


def of_own(made: PermissionProfile, user_count: int = 0, maker: Maker | None = None) -> Profile:
    """Return a profile of an organization's own as it is shown."""
    return Profile(
        id=made.id,
        name=made.name,
        description=made.description,
        permissions=made.permissions,
        is_active=made.is_active,
        created_at=made.created_at,
        updated_at=made.updated_at,
        user_count=user_count,
        maker=maker,
    )


def _of_system(profile: SystemProfile, counts: Mapping[int, int] | None = None) -> Profile:
    count = (counts or {}).get(profile.id, 0)
    return Profile(profile.id, profile.name, profile.description, profile.permissions, user_count=count)


def _found(actor: Actor, profile_id: int) -> Profile | None:
    if profile_id < FIRST_CUSTOM_PROFILE_ID:
        system = SYSTEM_PROFILES.get(profile_id)
        return None if system is None else _of_system(system)
    own = db.session.scalar(visible(actor).where(PermissionProfile.id == profile_id))
    return None if own is None else of_own(own)


def _user_counts(actor: Actor, profile_id: int | None = None) -> Mapping[int, int]:
    """Return how many active and invited people have each profile."""
    table = MEMBERSHIPS.c
    query = (
        sa.select(table.profile_id, sa.func.count())
        .where(table.tenant_id == actor.tenant_id, table.status.in_(("active", "invited")))
        .group_by(table.profile_id)
    )
    if profile_id is not None:
        query = query.where(table.profile_id == profile_id)
    return {row[0]: row[1] for row in db.session.execute(query)}


def _maker(made: PermissionProfile) -> Maker | None:
    if made.created_by_user_id is None:
        return None
    mine = sa.and_(
        MEMBERSHIPS.c.user_id == USERS.c.id,
        MEMBERSHIPS.c.tenant_id == made.tenant_id,
        MEMBERSHIPS.c.status == "active",
    )
    row = db.session.execute(
        sa.select(MEMBERSHIPS.c.id, USERS.c.first_name, USERS.c.last_name, USERS.c.avatar_url)
        .select_from(USERS.outerjoin(MEMBERSHIPS, mine))
        .where(USERS.c.id == made.created_by_user_id)
    ).first()
    if row is None:
        return None
    return Maker(row.id, f"{row.first_name} {row.last_name}".strip(), row.avatar_url)


def _numbers(permissions: Sequence[Permission] | frozenset[Permission]) -> Sequence[int]:
    return sorted(PERMISSIONS[permission].id for permission in permissions)
