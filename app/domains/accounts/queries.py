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
    """Return the person who calls."""
    return db.session.scalars(visible(actor)).one()
