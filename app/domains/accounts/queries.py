"""What may be asked of people."""

import sqlalchemy as sa

from app.core.access import Access, Actor, operation
from app.core.db import db
from app.domains.accounts.models import User


def visible(actor: Actor) -> sa.Select[tuple[User]]:
    """Select the actor's own row: nobody sees another's account."""
    return sa.select(User).where(User.id == actor.user_id)


@operation(Access.SIGNED_IN)
def me(actor: Actor) -> User:
    """Return the person who calls; asked again within a call, it costs nothing."""
    return db.session.get_one(User, actor.user_id)


def locked(actor: Actor) -> User:
    """Return the actor as they are now, and let two changes of one person take turns."""
    return db.session.get_one(User, actor.user_id, with_for_update=True, populate_existing=True)


def held(user_id: int) -> User:
    """Return a person as they are now and keep them so until the transaction ends.

    A sign-in and what ends them all (a reset, a change of password) take turns: else a session opened with
    the old password at the same moment would outlive it.
    """
    return db.session.get_one(User, user_id, with_for_update={"key_share": True}, populate_existing=True)
