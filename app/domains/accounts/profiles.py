"""A person's public page: who is seen, what it shows, and how its owner changes it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TypedDict
from unicodedata import category
from uuid import UUID

import sqlalchemy as sa

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.db import db, one_wins
from app.core.errors import NotFound, TooMany, ValidationFailed
from app.core.languages import Sentence
from app.domains.accounts import handles
from app.domains.accounts.handles import HandleTaken
from app.domains.accounts.languages import check_language, check_timezone
from app.domains.accounts.models import HeldHandle, User
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record

_HELD_AFTER_CHANGE = timedelta(days=90)
_CHANGES, _WINDOW = 2, timedelta(days=30)
_BIO_LENGTH = 300
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Signs that turn the direction of whatever stands after them, on pages of ours too."""

_ON_THE_PAGE = ("display_name", "bio")
_PREFERENCES = ("is_public", "locale", "timezone")


class UserNotFound(NotFound):
    code, message = "user:not_found", "There is no such person."


class HandleChangeLimit(TooMany):
    code, message = "user:handle_change_limit", "A handle can be changed twice in 30 days."


class ProfileChanges(TypedDict, total=False):
    """What a person may change of their page; what is left out stays."""

    handle: str
    display_name: str
    bio: str | None
    is_public: bool
    locale: str
    timezone: str


def seen_in_public() -> sa.Select[tuple[User]]:
    """Select the people whom strangers may see: a handle, a proven address, not hidden, not disabled."""
    return sa.select(User).where(
        User.handle.is_not(None),
        User.email_verified_at.is_not(None),
        User.is_public,
        User.disabled_at.is_(None),
    )


@operation(Access.PUBLIC)
def page_by_handle(actor: Actor, *, handle: str) -> User:
    """Return the person behind a handle, if strangers may see them.

    :raises UserNotFound: also for who is hidden, unproven or disabled
    """
    if handles.check(handle) == "invalid":
        raise UserNotFound
    return _seen(User.handle == handle.lower())


@operation(Access.PUBLIC)
def page_by_uid(actor: Actor, *, uid: UUID) -> User:
    """Return a person by UUID, if strangers may see them.

    :raises UserNotFound: also for who is hidden, unproven or disabled
    """
    return _seen(User.uid == uid)


def _seen(named: sa.ColumnElement[bool]) -> User:
    found = db.session.scalar(seen_in_public().where(named))
    if found is None:
        raise UserNotFound
    return found


def check_display_name(name: str) -> None:
    """Refuse a display name that is empty, too long or not on one line.

    :raises ValidationFailed: at display_name
    """
    if not name.strip() or len(name) > 50 or not name.isprintable():
        raise ValidationFailed({"display_name": ["Give 1 to 50 characters on one line."]})


def mark_joined(actor: Actor, user: User) -> None:
    """Note the public event when handle and proven address first come together."""
    if user.joined_at is None and user.handle and user.email_verified:
        user.joined_at = clock.now()
        record(actor, AuditKind.USER_JOINED, subject=("user", user.id), user_id=user.id)


@operation(Access.SIGNED_IN)
def update_page(actor: Actor, *, changes: ProfileChanges) -> User:
    """Change what is named of the actor's public page and preferences.

    :raises ValidationFailed: at the field that cannot be so
    :raises HandleTaken: if the handle is another's, reserved or held back
    :raises HandleChangeLimit: after two changes in 30 days; the first choice is none
    """
    _check(changes)
    user = db.session.scalars(sa.select(User).where(User.id == actor.user_id).with_for_update()).one()
    if "handle" in changes:
        _change_handle(actor, user, handles.checked(changes["handle"]))
    page = _put(user, changes, _ON_THE_PAGE)
    preferences = _put(user, changes, _PREFERENCES)
    for kind, changed in (
        (AuditKind.USER_PROFILE_UPDATED, page),
        (AuditKind.USER_PREFERENCES_UPDATED, preferences),
    ):
        if changed:
            record(actor, kind, subject=("user", user.id), changes=changed)
    db.session.flush()  # updated_at as it is shown
    return user


def _check(changes: ProfileChanges) -> None:
    if "display_name" in changes:
        check_display_name(changes["display_name"])
    _check_bio(changes.get("bio") or "")
    if "locale" in changes:
        check_language(changes["locale"])
    if "timezone" in changes:
        check_timezone(changes["timezone"])


def _check_bio(text: str) -> None:
    if len(text) > _BIO_LENGTH:
        raise ValidationFailed({"bio": [Sentence("Use at most %(most)s characters.", most=_BIO_LENGTH)]})
    if any((category(sign) == "Cc" and sign != "\n") or sign in _DIRECTIONS for sign in text):
        raise ValidationFailed({"bio": ["Use plain text."]})


def _put(
    user: User, changes: Mapping[str, object], fields: tuple[str, ...]
) -> dict[str, tuple[object, object]]:
    """Set the fields that differ and return each with what it was and is."""
    changed = {
        name: (getattr(user, name), changes[name])
        for name in fields
        if name in changes and getattr(user, name) != changes[name]
    }
    for name, (_, after) in changed.items():
        setattr(user, name, after)
    return changed


def _change_handle(actor: Actor, user: User, handle: str) -> None:
    before = user.handle
    if handle == before:
        return
    if before is not None:
        _require_change_left(user)
    if not handles.is_free(handle, user.id):
        raise HandleTaken
    with one_wins(or_else=HandleTaken):
        user.handle = handle
    if before is not None:
        handles.hold(before, user_id=user.id, life=_HELD_AFTER_CHANGE)
    record(
        actor, AuditKind.USER_HANDLE_CHANGED, subject=("user", user.id), changes={"handle": (before, handle)}
    )
    mark_joined(actor, user)


def _require_change_left(user: User) -> None:
    """Count the handles given up of late: each change leaves one behind."""
    now = clock.now()
    since = now + _HELD_AFTER_CHANGE - _WINDOW
    given_up = db.session.scalars(
        sa.select(HeldHandle.until)
        .where(HeldHandle.user_id == user.id, HeldHandle.until > since)
        .order_by(HeldHandle.until.desc())
    ).all()
    if len(given_up) >= _CHANGES:
        raise HandleChangeLimit(retry_after=int((given_up[_CHANGES - 1] - since).total_seconds()) + 1)
