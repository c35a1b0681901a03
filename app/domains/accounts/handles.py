"""A person's public name: what it may be, whose it is, and for how long one given up stays nobody's."""

import re
from datetime import timedelta
from typing import Literal

import sqlalchemy as sa

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.db import db, rows_changed
from app.core.errors import Conflict, ValidationFailed
from app.core.reserved_words import RESERVED_WORDS
from app.domains.accounts.models import HeldHandle, User

HELD_AFTER_LEAVING = timedelta(days=90)
"""As long as after a change: nobody may pass for somebody who just left."""
_HANDLE = re.compile(r"[a-z][a-z0-9_]{3,14}")


class HandleTaken(Conflict):
    code, message = "user:handle_taken", "This handle is taken."


def check(handle: str) -> Literal["invalid", "reserved"] | None:
    """Say why a handle cannot be had: 4 to 15 of a-z, 0-9 and _, a letter first, no reserved word."""
    lowered = handle.lower()
    if not _HANDLE.fullmatch(lowered):
        return "invalid"
    return "reserved" if lowered in RESERVED_WORDS else None


def checked(handle: str) -> str:
    """Return a handle as it is kept.

    :raises ValidationFailed: if it cannot be one
    :raises HandleTaken: if it is reserved
    """
    reason = check(handle)
    if reason == "invalid":
        raise ValidationFailed({"handle": ["Use 4 to 15 of a-z, 0-9 and _, a letter first."]})
    if reason == "reserved":
        raise HandleTaken
    return handle.lower()


@operation(Access.PUBLIC)
def availability(actor: Actor, *, handle: str) -> Literal["invalid", "reserved", "taken"] | None:
    """Return why a handle cannot be had (held back ones are taken), or None if it can."""
    reason = check(handle)
    return reason or (None if is_free(handle.lower(), actor.user_id) else "taken")


def is_free(handle: str, user_id: int | None = None) -> bool:
    """Say whether nobody has the handle and it is not held back for anyone else."""
    taken = sa.select(User.id).where(User.handle == handle)
    held = sa.select(HeldHandle.id).where(HeldHandle.handle == handle, HeldHandle.until > clock.now())
    if user_id is not None:
        held = held.where(sa.or_(HeldHandle.user_id.is_(None), HeldHandle.user_id != user_id))
    row = db.session.execute(sa.select(sa.exists(taken), sa.exists(held))).one()
    return not (row[0] or row[1])


def hold(handle: str, *, user_id: int | None, life: timedelta) -> None:
    """Keep a handle from everybody for a while, but from the person who gave it up."""
    until = clock.now() + life
    held = sa.update(HeldHandle).where(HeldHandle.handle == handle).values(until=until, user_id=user_id)
    if not rows_changed(held):
        db.session.add(HeldHandle(handle=handle, user_id=user_id, until=until))
