"""What the account itself holds of a person, and what stays nobody's when they leave."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from app.core import storage
from app.core.db import db
from app.core.personal import Leaver, Row, exported, exported_rows, on_erasure
from app.domains.accounts import addresses, handles
from app.domains.accounts.emails import key_of
from app.domains.accounts.models import HeldAddress, HeldHandle, Picture, PolicyAcceptance, User


@exported_rows(
    "account", about="Who you are here: address, names, handle, language.", by=User.id, single=True
)
def account(user_id: int) -> sa.Select[Any]:
    """Select the person's row without what proves who they are: that it is there is said, not what it is."""
    query = sa.select(
        User.uid.label("id"),
        User.email,
        User.email_verified_at,
        User.pending_email,
        User.pending_email_until,
        User.first_name,
        User.last_name,
        User.handle,
        User.display_name,
        User.bio,
        User.is_public,
        User.phone,
        User.avatar.label("avatar_url"),
        User.locale,
        User.timezone,
        User.password_hash.is_not(None).label("has_password"),
        User.password_changed_at,
        User.two_factor_enabled_at,
        User.is_platform_admin,
        User.disabled_at,
        User.joined_at,
        User.first_seen_in,
        User.created_at,
        User.updated_at,
    )
    return query.where(User.id == user_id)


@exported("preferences", about="How you like the screen and which notices you want.", tables=[], single=True)
def preferences(user_id: int, after: int, limit: int) -> Sequence[Row]:
    """Read what the person set; what they never touched has no value of theirs."""
    found = db.session.scalar(sa.select(User.preferences).where(User.id == user_id, User.id > after))
    return [(user_id, found)] if found else []


@exported_rows("policies", about="Which legal texts you agreed to, and when.", by=PolicyAcceptance.id)
def policies(user_id: int) -> sa.Select[Any]:
    """Select acceptances; the hash says which text it was."""
    return sa.select(
        PolicyAcceptance.type,
        PolicyAcceptance.version,
        PolicyAcceptance.accepted_at,
        PolicyAcceptance.ip,
        PolicyAcceptance.sha256,
    ).where(PolicyAcceptance.user_id == user_id)


@exported_rows("former-handles", about="Handles you gave up, kept for you for a while.", by=HeldHandle.id)
def former_handles(user_id: int) -> sa.Select[Any]:
    """Select handles that are held back for the person."""
    query = sa.select(HeldHandle.handle, HeldHandle.until.label("kept_until"))
    return query.where(HeldHandle.user_id == user_id)


@exported_rows(
    "former-addresses", about="Addresses you changed lately, kept for you a while.", by=HeldAddress.id
)
def former_addresses(user_id: int) -> sa.Select[Any]:
    """Select addresses that nobody else may take yet."""
    query = sa.select(HeldAddress.email, HeldAddress.until.label("kept_until"))
    return query.where(HeldAddress.user_id == user_id)


@exported("pictures", about="Pictures of you; the files lie in the folder.", tables=["pictures"])
def pictures(user_id: int, after: int, limit: int) -> Sequence[Row]:
    """Read which pictures there are; what is in them is put beside the list."""
    query = sa.select(Picture).where(Picture.user_id == user_id, Picture.id > after)
    found = db.session.scalars(query.order_by(Picture.id).limit(limit)).all()
    return [(picture.id, _told(picture)) for picture in found]


def _told(picture: Picture) -> dict[str, Any]:
    name = f"{picture.uid}.{picture.key.rpartition('.')[2]}"
    given_at = picture.created_at.isoformat()
    return {"file": name, "size": picture.size, "given_at": given_at, "_file": picture.key}


@on_erasure
def delete_pictures(leaver: Leaver) -> None:
    """Delete the files that no row will name any more."""
    for key in db.session.scalars(sa.select(Picture.key).where(Picture.user_id == leaver.user_id)).all():
        storage.delete_after_commit(key)


@on_erasure
def hold_handles_back(leaver: Leaver) -> None:
    """Let nobody pass for the person by their name, now or former, for as long as after a change."""
    held = sa.update(HeldHandle).where(HeldHandle.user_id == leaver.user_id).values(user_id=None)
    db.session.execute(held.execution_options(synchronize_session=False))
    if leaver.handle is not None:
        handles.hold(leaver.handle, user_id=None, life=handles.HELD_AFTER_LEAVING)


def _other_addresses(user: User) -> Sequence[str]:
    """Return addresses the person had, and one that they asked for, unless it is somebody else's."""
    rows = db.session.scalars(sa.select(HeldAddress).where(HeldAddress.user_id == user.id))
    found = [address for row in rows for address in (row.email, row.email_key)]
    if user.pending_email is not None and addresses.by_key(key_of(user.pending_email)) in (None, user):
        found += [user.pending_email, key_of(user.pending_email)]
    return found


def leaver_of(user: User, *, tenant_ids: Sequence[int], membership_ids: Sequence[int]) -> Leaver:
    """Return what a person is known by, read before they go."""
    names = (user.name, user.display_name, user.first_name, user.last_name, user.phone, user.pending_email)
    whole = f"{user.first_name} {user.last_name}".strip()
    return Leaver(
        user_id=user.id,
        email=user.email,
        email_key=user.email_key,
        handle=user.handle,
        former_addresses=tuple(_other_addresses(user)),
        names=tuple(name for name in (*names, whole) if name),
        tenant_ids=tuple(tenant_ids),
        membership_ids=tuple(membership_ids),
    )
