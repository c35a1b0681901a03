"""How a person likes the screen, and which notices reach them: kept with the person, defaults filled in."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.errors import ValidationFailed
from app.core.languages import Sentence
from app.core.signs import ME, sign
from app.domains.accounts.models import User
from app.domains.accounts.queries import locked, me
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record

MOST_DISMISSED = 100
_EDITOR_BYTES = 16 * 1024


@dataclass(frozen=True)
class ScreenPreferences:
    """How the person likes the screen."""

    theme: str = "system"
    density: str = "comfortable"
    sidebar_layout: str = "expanded"
    editor_mode: str = "simple"
    start_page: str = "dashboard"
    dismissed: tuple[str, ...] = ()


@dataclass(frozen=True)
class NoticePreferences:
    """The person's master switches; what the product must tell passes all the same."""

    email_enabled: bool = True
    in_app_enabled: bool = True
    sound: bool = True
    email_consent: bool = False
    email_consent_at: datetime | None = None
    """When consent was last given or taken back."""
    email_consent_ip: str | None = None
    """From where: with the time, the proof that it was given (GDPR, article 7)."""


@dataclass(frozen=True)
class Preferences:
    """All of it, and when it was last changed."""

    ui: ScreenPreferences = field(default_factory=ScreenPreferences)
    notifications: NoticePreferences = field(default_factory=NoticePreferences)
    updated_at: datetime | None = None


@dataclass(frozen=True)
class Dismissal:
    """That a teaser was sent away, and all that were."""

    widget: str
    dismissed_at: datetime
    dismissed_teasers: Sequence[str]


@operation(Access.SIGNED_IN)
def my_preferences(actor: Actor) -> Preferences:
    """Return the actor's preferences; never changed, they are as old as the account."""
    return of(me(actor))


sign("preferences", sa.select(User.preferences).where(User.id == ME).scalar_subquery())


def look_by(found: Mapping[str, Any]) -> ScreenPreferences:
    """Return how a person likes the screen by the signs that a page has looked for (``core.signs``)."""
    return _screen(found["preferences"])


@operation(Access.SIGNED_IN)
def look(actor: Actor) -> ScreenPreferences:
    """Return how the actor likes the screen; as everybody while the database does not answer.

    The page that says so is drawn for somebody too.
    """
    try:
        return my_preferences(actor).ui
    except (DBAPIError, PoolTimeout):
        return ScreenPreferences()


@operation(Access.SIGNED_IN)
def change_preferences(
    actor: Actor, *, ui: Mapping[str, Any] | None = None, notifications: Mapping[str, Any] | None = None
) -> Preferences:
    """Change the preferences that are named and leave the others; a change of consent keeps time and address.

    :param ui: fields of ``ScreenPreferences``
    :param notifications: fields of ``NoticePreferences`` but when and from where consent was given
    :raises ValidationFailed: at ui.dismissed, for more than a hundred names
    """
    screen = dict(ui or {})
    if "dismissed" in screen:
        screen["dismissed"] = tuple(dict.fromkeys(screen["dismissed"]))
        if len(screen["dismissed"]) > MOST_DISMISSED:
            raise ValidationFailed(
                {"ui.dismissed": [Sentence("Use at most %(most)s names.", most=MOST_DISMISSED)]}
            )
    user = locked(actor)
    before = of(user)
    notices = replace(before.notifications, **(notifications or {}))
    if notices.email_consent != before.notifications.email_consent:
        notices = replace(notices, email_consent_at=clock.now(), email_consent_ip=actor.origin.ip)
    after = replace(before, ui=replace(before.ui, **screen), notifications=notices)
    if after == before:
        return before
    after = replace(after, updated_at=clock.now())
    kept = _kept(after)
    kept["dismissed_at"] = _dismissal_times(user, after.ui.dismissed)
    user.preferences = {**user.preferences, **kept}
    _tell(actor, user, {"ui": dict(ui or {}), "notifications": dict(notifications or {})})
    return after


@operation(Access.SIGNED_IN)
def merge_editor_settings(actor: Actor, *, changes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Merge keys of the editor's own into those kept, at the top level; None drops one.

    :raises ValidationFailed: at settings, where all of them together would be more than 16 kB
    """
    user = locked(actor)
    before = user.preferences.get("editor_settings", {})
    after = {name: value for name, value in {**before, **changes}.items() if value is not None}
    if _bytes(after) > _EDITOR_BYTES:
        raise ValidationFailed({"settings": ["Keep at most 16 kB in all."]})
    if after != before:
        moment = clock.now().isoformat()
        user.preferences = {**user.preferences, "editor_settings": after, "updated_at": moment}
        _tell(actor, user, {"editor_settings": sorted(changes)})
    return after


@operation(Access.SIGNED_IN)
def dismiss_teaser(actor: Actor, *, widget: str) -> Dismissal:
    """Hide a widget's teaser from the actor for good; a repeat keeps the first time.

    :raises ValidationFailed: at widget, past a hundred of them
    """
    user = locked(actor)
    before = of(user)
    names = before.ui.dismissed
    if widget not in names:
        if len(names) >= MOST_DISMISSED:
            raise ValidationFailed(
                {"widget": [Sentence("You have hidden %(most)s of them already.", most=MOST_DISMISSED)]}
            )
        names = (*names, widget)
        kept = _kept(replace(before, ui=replace(before.ui, dismissed=names), updated_at=clock.now()))
        kept["dismissed_at"] = _dismissal_times(user, names)
        user.preferences = {**user.preferences, **kept}
        _tell(actor, user, {"ui": {"dismissed": list(names)}})
    moment = _dismissal_times(user, names)[widget]
    return Dismissal(widget, datetime.fromisoformat(moment), names)


def _screen(kept: Mapping[str, Any]) -> ScreenPreferences:
    ui = dict(kept.get("ui", {}))
    if "dismissed" in ui:
        ui["dismissed"] = tuple(ui["dismissed"])
    return ScreenPreferences(**ui)


def of(user: User) -> Preferences:
    """Return a person's preferences, defaults filled in."""
    kept = user.preferences
    notices = dict(kept.get("notifications", {}))
    if notices.get("email_consent_at"):
        notices["email_consent_at"] = datetime.fromisoformat(notices["email_consent_at"])
    changed = kept.get("updated_at")
    return Preferences(
        _screen(kept),
        NoticePreferences(**notices),
        datetime.fromisoformat(changed) if changed else user.created_at,
    )


def _kept(preferences: Preferences) -> dict[str, Any]:
    kept = asdict(replace(preferences, updated_at=None))
    consent_at = preferences.notifications.email_consent_at
    kept["notifications"]["email_consent_at"] = consent_at and consent_at.isoformat()
    kept["ui"]["dismissed"] = list(preferences.ui.dismissed)
    kept["updated_at"] = preferences.updated_at and preferences.updated_at.isoformat()
    return kept


def _dismissal_times(user: User, names: Sequence[str]) -> dict[str, str]:
    """Return when each was dismissed: the first time for those kept, else now."""
    known, now = user.preferences.get("dismissed_at", {}), clock.now().isoformat()
    return {name: known.get(name, now) for name in names}


def _bytes(value: object) -> int:
    try:
        return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
    except RecursionError:
        return _EDITOR_BYTES + 1


def _tell(actor: Actor, user: User, changes: Mapping[str, Any]) -> None:
    record(actor, AuditKind.USER_PREFERENCES_UPDATED, subject=("user", user.id), changes=changes)
