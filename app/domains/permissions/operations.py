"""Making, changing and resting an organization's own permission profiles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.core.access import Access, Actor, operation
from app.core.db import db, one_wins
from app.core.errors import Conflict, Forbidden, ValidationFailed
from app.core.languages import Sentence
from app.core.permissions import PERMISSIONS
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.permissions.models import PermissionProfile
from app.domains.permissions.queries import Profile, own_profile, profile, shown, visible
from app.domains.permissions.roles import SYSTEM_PROFILES

NAME_LENGTH, DESCRIPTION_LENGTH = 100, 500
MOST_PROFILES = 200
_MOST_NUMBERS = 1000
_NAMED_AT_ONCE = 10
_SYSTEM_NAMES = frozenset(profile.name.casefold() for profile in SYSTEM_PROFILES.values())
_KNOWN = frozenset(about.id for about in PERMISSIONS.values())


class ProfileNameTaken(Conflict):
    code, message = "profile:name_taken", "A profile of this name exists."


class ProfileReadOnly(Forbidden):
    code, message = "profile:system_readonly", "System profiles cannot be changed."


class TooManyProfiles(Conflict):
    code, message = "profile:limit", "The organization has as many profiles as it can have."


@dataclass(frozen=True)
class Switched:
    """A profile that was put in or out of use, and how many people that concerns."""

    profile: Profile

    @property
    def affected_users(self) -> int:
        """Return how many active and invited people have it."""
        return self.profile.user_count


@operation(Access.TENANT_ADMIN)
def create(actor: Actor, *, name: str, permissions: Sequence[int], description: str | None = None) -> Profile:
    """Make a profile of the organization's own.

    :param permissions: their numbers; one that stands twice counts once
    :raises ValidationFailed: at name, description or permissions
    :raises ProfileNameTaken: by any profile, whatever its case and state
    :raises TooManyProfiles: if there are ``MOST_PROFILES``
    """
    wanted = _checked({"name": name, "description": description, "permissions": permissions})
    _require_room(actor)
    made = PermissionProfile(
        tenant_id=actor.tenant_id, created_by_user_id=actor.user_id, **_columns(wanted), is_active=True
    )
    _keep(made)
    record(
        actor,
        AuditKind.PERMISSION_PROFILE_CREATED,
        subject=("permission_profile", made.id),
        changes={"name": made.name, "permissions": _codes(made.permission_ids)},
    )
    return shown(actor, made)


@operation(Access.TENANT_ADMIN)
def update(actor: Actor, *, profile_id: int, changes: Mapping[str, Any]) -> Profile:
    """Change a profile; what it holds then counts for its people from their next call on.

    :param changes: of name, description and permissions; the last replaces all that the profile holds
    :raises ProfileReadOnly, ProfileNotFound: if it is every organization's, or none of this one
    :raises ValidationFailed, ProfileNameTaken: as in ``create``
    """
    _refuse_system(profile_id)
    found = own_profile(actor, profile_id, to_change=True)
    wanted = _columns(_checked(changes))
    before = {column: getattr(found, column) for column in wanted}
    changed = {column: value for column, value in wanted.items() if value != before[column]}
    if not changed:
        return shown(actor, found)
    for column, value in changed.items():
        setattr(found, column, value)
    _keep(found)
    record(
        actor,
        AuditKind.PERMISSION_PROFILE_UPDATED,
        subject=("permission_profile", found.id),
        changes=_told(before, changed),
    )
    return shown(actor, found)


@operation(Access.TENANT_ADMIN)
def deactivate(actor: Actor, *, profile_id: int) -> Switched:
    """Take a profile out of use: people keep it, but it adds nothing, and nobody new can be given it.

    :raises ProfileReadOnly, ProfileNotFound: as in ``update``
    """
    _refuse_system(profile_id)
    return _switch(actor, profile_id, active=False)


@operation(Access.TENANT_ADMIN)
def activate(actor: Actor, *, profile_id: int) -> Switched:
    """Put a profile back in use; one that every organization has always is.

    :raises ProfileNotFound: as in ``update``
    """
    if profile_id in SYSTEM_PROFILES:
        return Switched(profile(actor, profile_id=profile_id))
    return _switch(actor, profile_id, active=True)


def _switch(actor: Actor, profile_id: int, *, active: bool) -> Switched:
    found = own_profile(actor, profile_id, to_change=True)
    if found.is_active is not active:
        found.is_active = active
        kind = AuditKind.PERMISSION_PROFILE_ACTIVATED if active else AuditKind.PERMISSION_PROFILE_DEACTIVATED
        record(actor, kind, subject=("permission_profile", found.id), changes={"name": found.name})
        db.session.flush()  # the time of the change
    return Switched(shown(actor, found))


def _refuse_system(profile_id: int) -> None:
    if profile_id in SYSTEM_PROFILES:
        raise ProfileReadOnly(layer="platform", remedy="Make a copy of it as a profile of your own.")


def _require_room(actor: Actor) -> None:
    mine = visible(actor).with_only_columns(sa.func.count()).order_by(None)
    if (db.session.scalar(mine) or 0) >= MOST_PROFILES:
        raise TooManyProfiles(layer="limit", remedy="Give profiles that nobody needs another purpose.")


def _keep(made: PermissionProfile) -> None:
    """Write a profile; of two that take one name at once one gets it."""
    if made.name_key in _SYSTEM_NAMES:
        raise ProfileNameTaken
    with one_wins(or_else=ProfileNameTaken):
        db.session.add(made)


def _checked(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the changes as they are kept.

    :raises ValidationFailed: at each that cannot be
    """
    wanted = dict(changes)
    faults: dict[str, list[str]] = {}
    if "name" in wanted:
        wanted["name"] = " ".join(str(wanted["name"]).split())
        if not 1 <= len(wanted["name"]) <= NAME_LENGTH or not wanted["name"].isprintable():
            faults["name"] = [Sentence("Use 1 to %(most)s characters on one line.", most=NAME_LENGTH)]
    if wanted.get("description") is not None:
        wanted["description"] = str(wanted["description"]).strip() or None
        if len(wanted["description"] or "") > DESCRIPTION_LENGTH:
            faults["description"] = [Sentence("Use at most %(most)s characters.", most=DESCRIPTION_LENGTH)]
    if "permissions" in wanted:
        wanted["permissions"], said = _known(wanted["permissions"])
        faults |= {"permissions": said} if said else {}
    if faults:
        raise ValidationFailed(faults)
    return wanted


def _known(numbers: Sequence[int]) -> tuple[list[int], list[str]]:
    if len(numbers) > _MOST_NUMBERS:
        return [], [Sentence("Give at most %(most)s permissions.", most=_MOST_NUMBERS)]
    unknown = sorted(set(numbers) - _KNOWN)
    said: list[str] = [
        Sentence("There is no permission %(number)s.", number=number) for number in unknown[:_NAMED_AT_ONCE]
    ]
    return sorted(set(numbers) & _KNOWN), said


def _columns(wanted: Mapping[str, Any]) -> dict[str, Any]:
    columns = {key: wanted[key] for key in ("name", "description") if key in wanted}
    if "name" in wanted:
        columns["name_key"] = wanted["name"].casefold()
    if "permissions" in wanted:
        columns["permission_ids"] = wanted["permissions"]
    return columns


def _told(before: Mapping[str, Any], changed: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the trail says: names from and to, permissions added and taken."""
    told = {
        name: [before[name], changed[name]]
        for name in ("name", "description")
        if name in changed and before[name] != changed[name]
    }
    if "permission_ids" in changed:
        old, new = set(before["permission_ids"]), set(changed["permission_ids"])
        told |= {"added": _codes(sorted(new - old)), "taken": _codes(sorted(old - new))}
    return told


def _codes(numbers: Sequence[int]) -> list[str]:
    return [str(code) for code, about in PERMISSIONS.items() if about.id in set(numbers)]
