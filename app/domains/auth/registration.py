"""New people: three documents' ways of signing up, one account behind them.

A known address gets the same answer as a new one, after the same work; only its mailbox is told.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.core import clock, ids, outbox
from app.core.access import Access, Actor, operation
from app.core.buckets import REGISTRATIONS, SIGNUP_CODE_CHECKS, SIGNUP_CODE_MAILS
from app.core.db import db
from app.core.errors import Conflict, Forbidden, ValidationFailed
from app.core.limits import give_back
from app.core.links import public_url
from app.core.outbox import Claimed
from app.core.secrets import token_hash
from app.domains.accounts import emails, handles, passwords
from app.domains.accounts.models import HeldHandle, User
from app.domains.accounts.policies import accept_all
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.auth import codes, login_tokens
from app.domains.auth.codes import CodeRules, OtpInvalid
from app.domains.auth.login_tokens import IssuedLoginToken
from app.domains.auth.models import CodePurpose, SignUp
from app.domains.auth.verification import mail_link, mark_verified
from app.domains.email import mails
from app.domains.sessions.operations import end_all
from app.domains.settings import budgets
from app.domains.settings import queries as settings

SIGN_UP_LIFE = timedelta(days=1)
RESEND_ADVICE = timedelta(seconds=60)
_HANDLE_HELD = timedelta(hours=24)
_CODE_AGAIN = "auth.sign_up_code"


class RegistrationClosed(Forbidden):
    code, message = "auth:registration_closed", "Registration is closed here."


class EmailTaken(Conflict):
    code, message = "user:email_taken", "This e-mail address is registered already."


class HandleTaken(Conflict):
    code, message = "user:handle_taken", "This handle is taken."


@dataclass(frozen=True)
class SignUpStarted:
    """What a page needs while it waits for the code; nothing in it tells whether the address was known."""

    email: str
    verification_token: str
    rules: CodeRules
    resend_in: timedelta = RESEND_ADVICE


@dataclass(frozen=True)
class SignUpProven:
    """A mailbox that answered, and what turns it into a session."""

    user: User
    login_token: IssuedLoginToken


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


@operation(Access.PUBLIC)
def sign_up(actor: Actor, *, newcomer: Newcomer, accept_policies: bool) -> SignUpStarted:
    """Take a sign-up and mail a six-digit code to prove the address.

    A new address gets its account at once, unproven. For one never proven, name and password wait for the code
    of this sign-up. A proven one is left alone and gets a notice instead of a code.

    :raises ValidationFailed: at email, password, first_name, last_name, accept_policies
    :raises RegistrationClosed: if only invited addresses may register
    :raises RateLimited: see bucket ``registrations``
    """
    address, key = _checked_address(actor, newcomer.email)
    if not accept_policies:
        raise ValidationFailed({"accept_policies": ["Accept the terms and the privacy notice to go on."]})
    _check_names(newcomer)
    password_hash = _new_hash(newcomer)
    user = _by_key(key)
    if user is None:
        user = _try_create(actor, newcomer, address, key, password_hash, policies=True)
        waiting = None if user else _waiting(newcomer, password_hash)
        user = user or _by_key(key)
    else:
        with _same_work():
            _create(actor, newcomer, f"{ids.new_token()}@decoy.invalid", password_hash, policies=True)
        waiting = _waiting(newcomer, password_hash)
    proven = user is not None and user.email_verified
    token = _begin(address, key, user=None if proven else user, waiting=None if proven else waiting)
    if user is not None and proven:
        with _same_work():
            codes.issue(CodePurpose.SIGN_UP, key)
        mail_known_address(user)
    return SignUpStarted(address, token, codes.rules())


@operation(Access.PUBLIC)
def register(actor: Actor, *, newcomer: Newcomer) -> User:
    """Open an account and mail a verification link; says so if the address is known, as its document demands.

    :raises EmailTaken: if somebody has it
    :raises ValidationFailed, RegistrationClosed, RateLimited: as in ``sign_up``
    """
    address, key = _checked_address(actor, newcomer.email)
    _check_names(newcomer)
    password_hash = _new_hash(newcomer)
    user = _try_create(actor, newcomer, address, key, password_hash) if _by_key(key) is None else None
    if user is None:
        raise EmailTaken
    mail_link(user)
    return user


@operation(Access.PUBLIC)
def register_with_handle(actor: Actor, *, newcomer: Newcomer) -> None:
    """Register a person with a handle and mail a verification link.

    A known address gets a notice, and the handle is held back for a day as if it were taken.

    :raises HandleTaken: if the handle is another's, reserved or held back
    :raises ValidationFailed, RegistrationClosed, RateLimited: as in ``sign_up``
    """
    address, key = _checked_address(actor, newcomer.email)
    handle = _checked_handle(newcomer.handle or "")
    _check_display_name(newcomer.display_name or "")
    password_hash = _new_hash(newcomer)
    if not handle_is_free(handle):
        raise HandleTaken
    found = _by_key(key)
    user = None if found else _try_create(actor, newcomer, address, key, password_hash)
    if user is not None:
        mail_link(user)
        return
    with _same_work():
        decoy = _create(actor, newcomer, f"{ids.new_token()}@decoy.invalid", password_hash, handle=None)
        mail_link(decoy)
    _hold(handle, None)
    known = found or _by_key(key)
    if known is None:
        raise HandleTaken
    mail_known_address(known)


@operation(Access.PUBLIC)
def resend_code(actor: Actor, *, email: str, verification_token: str) -> SignUpStarted:
    """Mail a new sign-up code and end the one before; the same answer when there is nothing to send.

    :raises ValidationFailed: if it is no address
    :raises RateLimited: after five in half an hour for one address
    """
    address = emails.checked(email)
    key = emails.key_of(address)
    budgets.spend(SIGNUP_CODE_MAILS, email=key)
    hashed = token_hash(verification_token).hex()
    outbox.promise(_CODE_AGAIN, {"email_key": key, "sign_up": hashed})
    return SignUpStarted(address, verification_token, codes.rules())


@outbox.effect(_CODE_AGAIN)
def _send_code_again(claimed: Claimed) -> None:
    waiting = db.session.scalar(
        sa.select(SignUp).where(
            SignUp.token_hash == bytes.fromhex(claimed.payload["sign_up"]),
            SignUp.email_key == claimed.payload["email_key"],
            SignUp.ended_at.is_(None),
            SignUp.expires_at > clock.now(),
        )
    )
    if waiting is not None and waiting.user_id is not None:
        _mail_code(waiting, db.session.get_one(User, waiting.user_id))


@operation(Access.PUBLIC)
def verify_code(actor: Actor, *, email: str, otp: str, verification_token: str) -> SignUpProven:
    """Prove an address with the mailed code and hand out a login token.

    :raises OtpInvalid: wrong, expired, used up, unknown address, another sign-up's token: all alike
    :raises RateLimited: after five tries in half an hour for one address; a success clears them
    """
    key = emails.key_of(emails.checked(email))
    spent = budgets.spend(SIGNUP_CODE_CHECKS, email=key, ip=actor.origin.ip)
    waiting = db.session.scalar(
        sa.select(SignUp).where(
            SignUp.token_hash == token_hash(verification_token),
            SignUp.email_key == key,
            SignUp.ended_at.is_(None),
            SignUp.expires_at > clock.now(),
        )
    )
    if waiting is None or waiting.user_id is None:
        raise OtpInvalid
    codes.check(CodePurpose.SIGN_UP, key, otp, sign_up_id=waiting.id)
    give_back(spent, clear=["email"])
    user = db.session.get_one(User, waiting.user_id)
    if waiting.waiting is not None and not user.email_verified:
        _take_over(actor, user, waiting.waiting)
    waiting.ended_at = clock.now()
    mark_verified(actor, user)
    return SignUpProven(user, login_tokens.issue(user, method="sign_up"))


@operation(Access.PUBLIC)
def handle_availability(actor: Actor, *, handle: str) -> str | None:
    """Return why a handle cannot be had (invalid, reserved, taken), or None if it can."""
    wanted = handle.lower()
    reason = handles.check(wanted)
    return reason or (None if handle_is_free(wanted, actor.user_id) else "taken")


def begin_again(user: User) -> SignUpStarted:
    """Open a new sign-up for someone whose password was right and whose address is not proven yet."""
    token = _begin(user.email, user.email_key, user=user, waiting=None)
    return SignUpStarted(user.email, token, codes.rules())


def mail_known_address(user: User) -> None:
    """Tell someone that their address was used for another sign-up."""
    mails.known_address_notice(
        user.email,
        first_name=user.greeting,
        sign_in_url=public_url("/sign-in"),
        reset_url=public_url("/forgot-password"),
    )


def handle_is_free(handle: str, user_id: int | None = None) -> bool:
    """Say whether nobody has the handle and it is not held back for anyone else."""
    taken = sa.select(User.id).where(User.handle == handle)
    held = sa.select(HeldHandle.id).where(HeldHandle.handle == handle, HeldHandle.until > clock.now())
    if user_id is not None:
        held = held.where(sa.or_(HeldHandle.user_id.is_(None), HeldHandle.user_id != user_id))
    row = db.session.execute(sa.select(sa.exists(taken), sa.exists(held))).one()
    return not (row[0] or row[1])


def create_user(actor: Actor, newcomer: Newcomer, *, address: str, password_hash: str | None) -> User | None:
    """Make an account in a savepoint; None if the address was taken meanwhile."""
    return _try_create(actor, newcomer, address, emails.key_of(address), password_hash)


def _checked_address(actor: Actor, email: str) -> tuple[str, str]:
    address = emails.checked(email)
    key = emails.key_of(address)
    budgets.spend(REGISTRATIONS, ip=actor.origin.ip, email=key)
    if not settings.boolean("auth.registration_open"):
        raise RegistrationClosed(layer="platform", remedy="Ask somebody in the organization to invite you.")
    return address, key


def _check_names(newcomer: Newcomer) -> None:
    wrong = {
        field: ["Give 1 to 100 characters on one line."]
        for field, value in (("first_name", newcomer.first_name), ("last_name", newcomer.last_name))
        if not value.strip() or len(value) > 100 or not value.isprintable()
    }
    if wrong:
        raise ValidationFailed(wrong)


def _check_display_name(name: str) -> None:
    if not name.strip() or len(name) > 50 or not name.isprintable():
        raise ValidationFailed({"display_name": ["Give 1 to 50 characters on one line."]})


def _checked_handle(handle: str) -> str:
    wanted = handle.lower()
    reason = handles.check(wanted)
    if reason == "invalid":
        raise ValidationFailed({"handle": ["Use 4 to 15 of a-z, 0-9 and _, a letter first."]})
    if reason == "reserved":
        raise HandleTaken
    return wanted


def _new_hash(newcomer: Newcomer) -> str:
    about = [newcomer.email, newcomer.first_name, newcomer.last_name, newcomer.handle or ""]
    passwords.check_new(newcomer.password, about=about)
    return passwords.hash_password(newcomer.password)


def _by_key(key: str) -> User | None:
    return db.session.scalar(sa.select(User).where(User.email_key == key))


def _try_create(
    actor: Actor, newcomer: Newcomer, address: str, key: str, password_hash: str | None, *, policies: bool = False
) -> User | None:
    try:
        with db.session.begin_nested():
            return _create(actor, newcomer, address, password_hash, policies=policies, handle=newcomer.handle)
    except IntegrityError:
        # Two at once: the other one has the address, or the handle.
        if _by_key(key) is None:
            raise HandleTaken from None
        return None


def _create(
    actor: Actor,
    newcomer: Newcomer,
    address: str,
    password_hash: str | None,
    *,
    policies: bool = False,
    handle: str | None = None,
) -> User:
    user = User(
        email=address,
        email_key=emails.key_of(address),
        first_name=newcomer.first_name.strip(),
        last_name=newcomer.last_name.strip(),
        display_name=newcomer.display_name.strip() if newcomer.display_name else None,
        handle=handle.lower() if handle else None,
        locale=newcomer.locale,
        timezone=newcomer.timezone,
        password_hash=password_hash,
        password_changed_at=clock.now() if password_hash else None,
        first_seen_in=actor.origin.dialect,
    )
    db.session.add(user)
    db.session.flush()  # generate user.id for the rows that point at it
    if policies:
        accept_all(user, ip=actor.origin.ip)
    record(actor, AuditKind.USER_REGISTERED, subject=("user", user.id), user_id=user.id)
    db.session.flush()  # the unique address decides here, inside the savepoint
    return user


def _begin(address: str, key: str, *, user: User | None, waiting: dict[str, Any] | None) -> str:
    token, now = ids.new_token("evt"), clock.now()
    sign_up = SignUp(
        email=address,
        email_key=key,
        user_id=user.id if user else None,
        token_hash=token_hash(token),
        waiting=waiting,
        created_at=now,
        expires_at=now + SIGN_UP_LIFE,
    )
    db.session.add(sign_up)
    db.session.flush()  # generate sign_up.id for the code
    if user is not None:
        _mail_code(sign_up, user)
    return token


def _mail_code(sign_up: SignUp, user: User) -> None:
    issued = codes.issue(CodePurpose.SIGN_UP, sign_up.email_key, user_id=user.id, sign_up_id=sign_up.id)
    name = (sign_up.waiting or {}).get("first_name") or user.greeting
    mails.signup_code(sign_up.email, first_name=name, code=issued.code, expires_in=issued.expires_in)


def _waiting(newcomer: Newcomer, password_hash: str) -> dict[str, Any]:
    return {
        "first_name": newcomer.first_name.strip(),
        "last_name": newcomer.last_name.strip(),
        "locale": newcomer.locale,
        "timezone": newcomer.timezone,
        "password_hash": password_hash,
    }


def _take_over(actor: Actor, user: User, waiting: dict[str, Any]) -> None:
    """Put the name and password of the sign-up that was proven in the place of those nobody ever proved."""
    for field in ("first_name", "last_name", "locale", "timezone", "password_hash"):
        setattr(user, field, waiting[field])
    user.password_changed_at = clock.now()
    end_all(actor, user_id=user.id, tokens_too=False, reason="sign_up_taken_over")
    login_tokens.end_all_of(user.id)


def _hold(handle: str, user_id: int | None) -> None:
    until = clock.now() + _HANDLE_HELD
    updated = db.session.execute(
        sa.update(HeldHandle).where(HeldHandle.handle == handle).values(until=until, user_id=user_id)
    )
    if not updated.rowcount:  # type: ignore[attr-defined]
        db.session.add(HeldHandle(handle=handle, user_id=user_id, until=until))


@contextmanager
def _same_work() -> Iterator[None]:
    """Do work and undo it, so that a known address costs what a new one costs."""
    promised = outbox.take_promised(db.session)
    savepoint = db.session.begin_nested()
    try:
        yield
        db.session.flush()  # the statements are the point
    finally:
        savepoint.rollback()
        outbox.restore_promised(db.session, promised)


