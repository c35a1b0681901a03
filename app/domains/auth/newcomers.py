"""Someone new: what they say of themselves, how it is checked, and how their account is made."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError

from app.core import clock, ids, outbox
from app.core.access import Actor
from app.core.buckets import REGISTRATIONS
from app.core.db import db
from app.core.errors import Forbidden, ValidationFailed
from app.core.links import public_url
from app.domains.accounts import details, emails, languages, passwords
from app.domains.accounts.addresses import EmailTaken, require_not_held, written_to
from app.domains.accounts.handles import HandleTaken
from app.domains.accounts.models import User
from app.domains.accounts.placeholders import claimed, known
from app.domains.accounts.policies import accept_all
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.email import mails
from app.domains.settings import budgets
from app.domains.settings import queries as settings


class RegistrationClosed(Forbidden):
    code, message = "auth:registration_closed", "Registration is closed here."


@dataclass(frozen=True, kw_only=True)
class Newcomer:
    """What someone says of themselves at a sign-up."""

    email: str
    password: str
    first_name: str = ""
    last_name: str = ""
    display_name: str | None = None
    handle: str | None = None
    locale: str | None = None
    timezone: str | None = None


Awaited = Callable[[str], bool]
_awaited: list[Awaited] = []


def awaits(asked: Awaited) -> Awaited:
    """Register who knows by its key whether an address is awaited: it may register where others may not."""
    _awaited.append(asked)
    return asked


def checked_address(actor: Actor, email: str) -> tuple[str, str]:
    """Return an address with its key, once the platform lets people register and the limits let this one.

    :raises ValidationFailed, RateLimited, RegistrationClosed: as named
    """
    address = emails.checked(email)
    key = emails.key_of(address)
    budgets.spend(REGISTRATIONS, ip=actor.origin.ip, email=key)
    if not settings.boolean("auth.registration_open") and not any(asked(key) for asked in _awaited):
        raise RegistrationClosed(layer="platform", remedy="Ask somebody in the organization to invite you.")
    return address, key


def check_names(newcomer: Newcomer) -> None:
    """Refuse first and last names that are empty, too long or not on one line.

    :raises ValidationFailed: at first_name, last_name
    """
    wrong = {
        field: ["Give 1 to 100 characters on one line."]
        for field, value in (("first_name", newcomer.first_name), ("last_name", newcomer.last_name))
        if not details.is_name(value)
    }
    if wrong:
        raise ValidationFailed(wrong)


def check_place(newcomer: Newcomer) -> None:
    """Refuse a language that the instance does not speak and what is no time zone.

    :raises ValidationFailed: at locale, timezone
    """
    if newcomer.locale is not None:
        languages.check_language(newcomer.locale)
    if newcomer.timezone is not None:
        languages.check_timezone(newcomer.timezone)


def check_password(newcomer: Newcomer) -> None:
    """Refuse a password that is too weak, or names the newcomer.

    :raises ValidationFailed: at password
    """
    about = [newcomer.email, newcomer.first_name, newcomer.last_name, newcomer.handle or ""]
    passwords.check_new(newcomer.password, about=about)


def try_create(
    actor: Actor, newcomer: Newcomer, address: str, password_hash: str | None, *, policies: bool = False
) -> User | None:
    """Make an account in a savepoint; None if somebody else took the address in between, or it is kept.

    :raises HandleTaken: if it was the handle that somebody took
    """
    try:
        with db.session.begin_nested():
            return _create(actor, newcomer, address, password_hash, policies=policies, handle=newcomer.handle)
    except EmailTaken:
        return None
    except IntegrityError:
        if known(emails.key_of(address)) is None:
            raise HandleTaken from None
        return None


def come_for(
    actor: Actor, newcomer: Newcomer, address: str, password_hash: str, *, policies: bool
) -> User | None:
    """Make an account of the placeholder that waits for an address; None if there is none any more."""
    if claimed(address) is None:
        return None
    return _create(actor, newcomer, address, password_hash, policies=policies)


def create_decoy(actor: Actor, newcomer: Newcomer, password_hash: str, *, policies: bool = False) -> User:
    """Make an account that nobody will have, for use inside ``same_work``."""
    return _create(actor, newcomer, f"{ids.new_token()}@decoy.invalid", password_hash, policies=policies)


def _create(
    actor: Actor,
    newcomer: Newcomer,
    address: str,
    password_hash: str | None,
    *,
    policies: bool = False,
    handle: str | None = None,
) -> User:
    user = claimed(address) or User(email_key=emails.key_of(address))
    user.email = address
    user.first_name, user.last_name = newcomer.first_name.strip(), newcomer.last_name.strip()
    user.display_name = newcomer.display_name.strip() if newcomer.display_name else None
    user.handle = handle.lower() if handle else None
    user.locale, user.timezone = newcomer.locale, newcomer.timezone
    user.password_hash = password_hash
    user.password_changed_at = clock.now() if password_hash else None
    user.first_seen_in, user.created_at = actor.origin.dialect, clock.now()
    db.session.add(user)
    db.session.flush()  # generate user.id for the rows that point at it
    if policies:
        accept_all(user, ip=actor.origin.ip)
    record(actor, AuditKind.USER_REGISTERED, subject=("user", user.id), user_id=user.id)
    db.session.flush()  # the unique address decides here, inside the savepoint
    require_not_held(user.email_key, user.id)
    return user


def mail_known_address(user: User, key: str) -> None:
    """Tell someone that their address, or one kept for them, was used for another sign-up."""
    mails.known_address_notice(
        written_to(user, key),
        first_name=user.greeting,
        sign_in_url=public_url("/sign-in"),
        reset_url=public_url("/forgot-password"),
    )


@contextmanager
def same_work() -> Iterator[None]:
    """Do work and undo it, so that a known address costs what a new one costs."""
    promised = outbox.take_promised(db.session)
    savepoint = db.session.begin_nested()
    try:
        yield
        db.session.flush()  # the statements are the point
    finally:
        savepoint.rollback()
        outbox.restore_promised(db.session, promised)
