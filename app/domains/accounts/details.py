"""What a person says of themselves to the organizations they work in: names, phone, picture."""

import re
from collections.abc import Mapping
from typing import TypedDict

from app.core.access import Access, Actor, operation
from app.core.db import db
from app.core.errors import ValidationFailed
from app.domains.accounts import pictures
from app.domains.accounts.languages import check_language, check_timezone
from app.domains.accounts.models import User
from app.domains.accounts.queries import locked
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_NAME_LENGTH = 100
_PUT = ("first_name", "last_name", "phone", "locale", "timezone")


class DetailChanges(TypedDict, total=False):
    """What may be changed; what is left out stays, None empties."""

    first_name: str
    last_name: str
    phone: str | None
    avatar: str | None
    """An https address or a ``data:`` one with a picture in it."""
    locale: str
    timezone: str


def is_name(text: str) -> bool:
    """Say whether a text can be somebody's first or last name: 1 to 100 characters on one line."""
    return bool(text.strip()) and len(text) <= _NAME_LENGTH and text.isprintable()


@operation(Access.SIGNED_IN)
def update_details(actor: Actor, *, changes: DetailChanges) -> User:
    """Change what is named of the actor's details; what is as it was leaves no trace.

    :raises ValidationFailed: at the field that cannot be so
    :raises ImageTooLarge, ImageTypeUnsupported, ImageUndecodable, ImageDimensionsBad: for the picture
    """
    check(changes)
    address = changes.get("avatar")
    # What was read may be written back; and a picture is decoded before anybody waits for the person's row.
    anew = "avatar" in changes and address != actor.particulars.avatar_url
    picture = pictures.taken(address) if anew and address is not None else None
    user = locked(actor)
    if anew:
        pictures.put(actor, user, picture)
    changed = _put(user, changes)
    if changed:
        record(actor, AuditKind.USER_DETAILS_UPDATED, subject=("user", user.id), changes=changed)
    db.session.flush()  # updated_at as it is shown
    return user


def check(changes: DetailChanges) -> None:
    """Refuse what cannot be so, all fields at once.

    :raises ValidationFailed: at those fields
    """
    wrong: dict[str, list[str]] = {}
    for field, name in (("first_name", changes.get("first_name")), ("last_name", changes.get("last_name"))):
        if name is not None and not is_name(name):
            wrong[field] = ["Give 1 to 100 characters on one line."]
    phone = changes.get("phone")
    if phone is not None and not _E164.fullmatch(phone):
        wrong["phone"] = ["Give the number with its country, such as +4915112345678."]
    if wrong:
        raise ValidationFailed(wrong)
    if "locale" in changes:
        check_language(changes["locale"])
    if "timezone" in changes:
        check_timezone(changes["timezone"])


def _put(user: User, changes: Mapping[str, object]) -> dict[str, tuple[object, object]]:
    changed = {
        name: (getattr(user, name), changes[name])
        for name in _PUT
        if name in changes and getattr(user, name) != changes[name]
    }
    for name, (_, after) in changed.items():
        setattr(user, name, after)
    return changed
