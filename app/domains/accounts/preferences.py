"""How a person likes the screen, and which notices reach them: kept with the person, defaults filled in."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.db import db
from app.domains.accounts.models import User
from app.domains.accounts.queries import me
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record


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


@operation(Access.SIGNED_IN)
def my_preferences(actor: Actor) -> Preferences:
    """Return the actor's preferences; never changed, they are as old as the account."""
    return _read(me(actor))


@operation(Access.SIGNED_IN)
def change_preferences(
    actor: Actor, *, ui: Mapping[str, Any] | None = None, notifications: Mapping[str, Any] | None = None
) -> Preferences:
    """Change the preferences that are named and leave the others; a change of consent keeps time and address.

    :param ui: fields of ``ScreenPreferences``
    :param notifications: fields of ``NoticePreferences`` but when and from where consent was given
    """
    user = db.session.scalars(sa.select(User).where(User.id == actor.user_id).with_for_update()).one()
    before = _read(user)
    notices = replace(before.notifications, **(notifications or {}))
    if notices.email_consent != before.notifications.email_consent:
        notices = replace(notices, email_consent_at=clock.now(), email_consent_ip=actor.origin.ip)
    after = Preferences(replace(before.ui, **(ui or {})), notices, clock.now())
    user.preferences = {**user.preferences, **_kept(after)}
    record(
        actor,
        AuditKind.USER_PREFERENCES_UPDATED,
        subject=("user", user.id),
        changes={"ui": dict(ui or {}), "notifications": dict(notifications or {})},
    )
    return after


def _read(user: User) -> Preferences:
    kept = user.preferences
    ui, notices = dict(kept.get("ui", {})), dict(kept.get("notifications", {}))
    if "dismissed" in ui:
        ui["dismissed"] = tuple(ui["dismissed"])
    if notices.get("email_consent_at"):
        notices["email_consent_at"] = datetime.fromisoformat(notices["email_consent_at"])
    changed = kept.get("updated_at")
    return Preferences(
        ScreenPreferences(**ui),
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
