"""New people: three documents' ways of signing up, one account behind them.

A known address gets the same answer as a new one, after the same work; only its mailbox is told.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from app.core import clock, ids, outbox
from app.core.access import Access, Actor, operation
from app.core.buckets import SIGNUP_CODE_CHECKS, SIGNUP_CODE_MAILS
from app.core.db import db
from app.core.errors import ValidationFailed
from app.core.limits import give_back
from app.core.outbox import Claimed
from app.core.secrets import token_hash
from app.domains.accounts import emails, handles
from app.domains.accounts.addresses import EmailTaken
from app.domains.accounts.handles import HandleTaken
from app.domains.accounts.models import User
from app.domains.accounts.passwords import hash_password
from app.domains.accounts.placeholders import known
from app.domains.accounts.profiles import check_display_name
from app.domains.auth import codes, links, login_tokens
from app.domains.auth.codes import CodeRules, OtpInvalid
from app.domains.auth.login_tokens import IssuedLoginToken
from app.domains.auth.models import CodePurpose, LinkPurpose, SignUp
from app.domains.auth.newcomers import (
    Newcomer,
    check_names,
    check_password,
    check_place,
    checked_address,
    create_decoy,
    mail_known_address,
    same_work,
    try_create,
)
from app.domains.auth.verification import mail_link, mark_verified
from app.domains.email import mails
from app.domains.sessions.operations import end_all
from app.domains.settings import budgets

SIGN_UP_LIFE = timedelta(days=1)
HANDLE_HELD = timedelta(hours=24)
RESEND_ADVICE = timedelta(seconds=60)
_CODE_AGAIN = "auth.sign_up_code"


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


@operation(Access.PUBLIC)
def sign_up(actor: Actor, *, newcomer: Newcomer, accept_policies: bool) -> SignUpStarted:
    """Take a sign-up and mail a six-digit code to prove the address.

    A new address gets its account at once, unproven. For one never proven, name and password wait for the
    code of this sign-up. A proven one is left alone and gets a notice instead of a code.

    :raises ValidationFailed: at email, password, first_name, last_name, locale, timezone, accept_policies
    :raises RegistrationClosed: if only invited addresses may register
    :raises RateLimited: see bucket ``registrations``
    """
    if not accept_policies:
        raise ValidationFailed({"accept_policies": ["Accept the terms and the privacy notice to go on."]})
    check_names(newcomer)
    check_place(newcomer)
    check_password(newcomer)
    address, key = checked_address(actor, newcomer.email)
    password_hash = hash_password(newcomer.password)
    user = known(key)
    if user is None:
        user = try_create(actor, newcomer, address, password_hash, policies=True)
        waiting = None if user else _waiting(newcomer, password_hash)
        user = user or known(key)
    else:
        with same_work():
            create_decoy(actor, newcomer, password_hash, policies=True)
        waiting = _waiting(newcomer, password_hash)
    proven = user is not None and user.email_verified
    token = _begin(address, key, user=None if proven else user, waiting=None if proven else waiting)
    if user is not None and proven:
        codes.issue(CodePurpose.SIGN_UP, key)  # as for a new address; nobody is told it
        mail_known_address(user, key)
    return SignUpStarted(address, token, codes.rules())


@operation(Access.PUBLIC)
def register(actor: Actor, *, newcomer: Newcomer) -> User:
    """Open an account and mail a verification link; says so if the address is known, as its document demands.

    :raises EmailTaken: if somebody has it
    :raises ValidationFailed, RegistrationClosed, RateLimited: as in ``sign_up``
    """
    check_names(newcomer)
    check_place(newcomer)
    check_password(newcomer)
    address, key = checked_address(actor, newcomer.email)
    password_hash = hash_password(newcomer.password)
    user = try_create(actor, newcomer, address, password_hash) if known(key) is None else None
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
    handle = handles.checked(newcomer.handle or "")
    check_display_name(newcomer.display_name or "")
    check_place(newcomer)
    check_password(newcomer)
    address, key = checked_address(actor, newcomer.email)
    password_hash = hash_password(newcomer.password)
    if not handles.is_free(handle):
        raise HandleTaken
    found = known(key)
    user = None if found else try_create(actor, newcomer, address, password_hash)
    if user is not None:
        mail_link(user)
        return
    with same_work():
        create_decoy(actor, newcomer, password_hash)
    # Two statements and a mail, as the link to a new address is; what is left of that is asked for nothing.
    links.life(LinkPurpose.VERIFY_EMAIL)
    handles.hold(handle, user_id=None, life=HANDLE_HELD)
    whose = found or known(key)
    if whose is None:
        raise HandleTaken
    mail_known_address(whose, key)


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
    _end_all_for(key)
    mark_verified(actor, user)
    return SignUpProven(user, login_tokens.issue(user, method="sign_up"))


def _end_all_for(key: str) -> None:
    """End every sign-up of an address that has answered, whoever began it, and forget what waited in it."""
    db.session.execute(
        sa.update(SignUp)
        .where(SignUp.email_key == key, SignUp.ended_at.is_(None))
        .values(ended_at=clock.now(), waiting=None)
    )


def begin_again(user: User) -> SignUpStarted:
    """Open a new sign-up for someone whose password was right and whose address is not proven yet."""
    token = _begin(user.email, user.email_key, user=user, waiting=None)
    return SignUpStarted(user.email, token, codes.rules())


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
