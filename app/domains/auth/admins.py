"""Making someone an admin of the platform, which no way in can do: only who runs the machine."""

from dataclasses import dataclass

import sqlalchemy as sa

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.db import db
from app.core.links import public_url
from app.domains.accounts import emails, passwords
from app.domains.accounts.addresses import require_not_held
from app.domains.accounts.models import User
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.auth import links
from app.domains.auth.models import LinkPurpose
from app.domains.auth.verification import mark_verified
from app.domains.settings import queries as settings


@dataclass(frozen=True)
class Appointed:
    """An admin of the platform, and the page where they choose a password if they have none."""

    user: User
    is_new: bool
    password_link: str | None
    link_minutes: int


@operation(Access.SYSTEM)
def appoint(actor: Actor, *, email: str, password: str | None = None) -> Appointed:
    """Make a person an admin of the platform; an unknown address becomes an account, proven by our word.

    A password that somebody has already stays: only a new account, or one without, takes the one given.

    :raises ValidationFailed: at email or password
    :raises EmailTaken: if the address is kept for somebody who has just changed it
    """
    address = emails.checked(email)
    user = db.session.scalar(sa.select(User).where(User.email_key == emails.key_of(address)))
    is_new = user is None
    if user is None:
        user = User(email=address, email_key=emails.key_of(address), first_seen_in=actor.origin.dialect)
        db.session.add(user)
        db.session.flush()  # generate user.id for the rows that point at it
        require_not_held(user.email_key, user.id)
        record(actor, AuditKind.USER_REGISTERED, subject=("user", user.id))
    if password is not None and not user.has_password:
        passwords.check_new(password, about=passwords.about(user))
        user.password_hash, user.password_changed_at = passwords.hash_password(password), clock.now()
    mark_verified(actor, user)
    if not user.is_platform_admin:
        user.is_platform_admin = True
        record(
            actor,
            AuditKind.USER_DETAILS_UPDATED,
            subject=("user", user.id),
            changes={"is_platform_admin": True},
        )
    minutes = settings.integer("auth.reset_expiry_minutes")
    return Appointed(user, is_new, None if user.has_password else _password_link(user), minutes)


def _password_link(user: User) -> str:
    return public_url("/reset-password", token=links.issue(LinkPurpose.PASSWORD_RESET, user).token)
