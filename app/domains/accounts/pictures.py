"""A person's picture: taken in, kept, shown at an address of its own, and gone when its owner says so."""

import base64
import binascii
import re
from urllib.parse import urlsplit
from uuid import UUID

import sqlalchemy as sa

from app.core import images, storage
from app.core.access import Access, Actor, operation
from app.core.db import db, read
from app.core.errors import NothingHere, ValidationFailed
from app.core.images import ImageTooLarge, ImageTypeUnsupported, ImageUndecodable
from app.domains.accounts.models import Picture, User
from app.domains.accounts.queries import locked
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record

FOLDER = "pictures"
MOST_BYTES = 4 * 1024 * 1024
MOST_INLINE_BYTES = 1024 * 1024
"""Of a picture that stands in a ``data:`` address."""

_ADDRESS_LENGTH = 2000
_DATA = re.compile(r"data:(image/[a-z0-9.+-]{1,30});base64,([A-Za-z0-9+/]*={0,2})", re.ASCII)
_NAME = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.webp")
_DATA_TYPES = frozenset({"image/png", "image/jpeg", "image/webp"})


@operation(Access.PUBLIC)
def content(actor: Actor, *, name: str) -> bytes:
    """Return a picture as WebP, by the last part of its address.

    :raises NothingHere: also once it was taken away
    """
    if not _NAME.fullmatch(name):
        raise NothingHere
    keys = read(sa.select(Picture.key).where(Picture.uid == UUID(name.removesuffix(".webp"))))
    found = storage.store().get(keys[0].key) if keys else None
    if found is None:
        raise NothingHere
    return found


@operation(Access.SIGNED_IN)
def upload(actor: Actor, *, content: bytes) -> User:
    """Make a file the actor's picture; the earlier one is deleted.

    :raises ImageTooLarge: above 4 MB
    :raises ImageTypeUnsupported, ImageDimensionsBad, ImageUndecodable: as ``core.images`` finds it
    """
    if len(content) > MOST_BYTES:
        raise ImageTooLarge
    kept = keep(content)
    user = locked(actor)
    put(actor, user, kept)
    return user


@operation(Access.SIGNED_IN)
def remove(actor: Actor) -> User:
    """Take the actor's picture away; without one nothing happens."""
    user = locked(actor)
    put(actor, user, None)
    return user


def keep(content: bytes) -> Picture:
    """Write a picture down before the transaction begins; if nothing comes of that, a job sweeps the file."""
    made = images.square(content)
    key = storage.new_key(FOLDER, "webp")
    storage.store().put(key, made)
    return Picture(key=key, size=len(made))


def taken(address: str) -> Picture | str:
    """Return what an address given stands for: a picture written in it, or another site's address, checked.

    :raises ImageTooLarge, ImageTypeUnsupported, ImageUndecodable, ImageDimensionsBad: for a ``data:`` address
    :raises ValidationFailed: at avatar, for any other address than https
    """
    return keep(_inline(address)) if address.startswith("data:") else _checked(address)


def put(actor: Actor, user: User, given: Picture | str | None) -> None:
    """Make a picture or an address what is shown of a person, or nothing; what was kept before it goes."""
    before = user.avatar
    if given == before:
        return
    for former in db.session.scalars(sa.select(Picture).where(Picture.user_id == user.id)):
        storage.delete_after_commit(former.key)
        db.session.delete(former)
    if isinstance(given, Picture):
        given.user_id = user.id
        db.session.add(given)
        db.session.flush()  # generate its uid, which is its address
        user.avatar = f"/media/{given.uid}.webp"
    else:
        user.avatar = given
    changed = AuditKind.USER_PROFILE_IMAGE_REMOVED if given is None else AuditKind.USER_PROFILE_IMAGE_CHANGED
    record(actor, changed, subject=("user", user.id))


def _inline(address: str) -> bytes:
    parts = _DATA.fullmatch(address)
    if parts is None or parts[1] not in _DATA_TYPES:
        raise ImageTypeUnsupported
    if len(parts[2]) > MOST_INLINE_BYTES * 4 // 3 + 4:
        raise ImageTooLarge
    try:
        found = base64.b64decode(parts[2], validate=True)
    except binascii.Error as error:
        raise ImageUndecodable from error
    if len(found) > MOST_INLINE_BYTES:
        raise ImageTooLarge
    return found


def _checked(address: str) -> str:
    problem = ValidationFailed({"avatar": ["Give an https address."]})
    if not address.isascii() or not address.isprintable() or " " in address or "\\" in address:
        raise problem
    try:
        parts = urlsplit(address)
        named = parts.hostname and (parts.port or 443)
    except ValueError:
        raise problem from None
    if parts.scheme != "https" or not named or "@" in parts.netloc or len(address) > _ADDRESS_LENGTH:
        raise problem
    return address
