"""Sessions of client accounts: opened with a password or vouched for, told, ended."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn
from uuid import UUID

import sqlalchemy as sa

from app.core import clock, ids, limits
from app.core.access import Access, Actor, operation
from app.core.buckets import CLIENT_SIGN_IN_FAILURES
from app.core.db import db, read
from app.core.errors import Forbidden, Unauthenticated, ValidationFailed
from app.core.permissions import Permission
from app.core.secrets import keyed_hash, token_hash
from app.domains.accounts import emails, passwords
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.clients import accounts, ended_sessions
from app.domains.clients.accounts import LONGEST, Newcomer, end_sessions, find, tell, visible
from app.domains.clients.models import ClientAccount
from app.domains.sessions.devices import country_of, describe
from app.domains.sessions.models import UserSession
from app.domains.sessions.queries import SessionNotFound
from app.domains.settings import queries as settings

MOST_LIVE = 20
"""Of one client; the oldest gives way to a new one."""


class ClientCredentialsInvalid(Unauthenticated):
    """Unknown account, wrong password: nobody is told which."""

    code, message, commits = "client:invalid_credentials", "The client's details do not match.", True


class ClientDisabled(Forbidden):
    code, message, commits = "client:disabled", "This client account is disabled.", True


class VouchingDisabled(Forbidden):
    code = "client:vouched_sessions_disabled"
    message = "Sessions without a password check are not switched on here."


@dataclass(frozen=True)
class Device:
    """The client's own device as the integrator saw it: shown beside the session, and decides nothing."""

    ip: str | None = None
    user_agent: str = ""


@dataclass(frozen=True)
class Opened:
    """A new session with its token, which is shown here and never again."""

    account: ClientAccount
    session: UserSession
    token: str


@dataclass(frozen=True)
class Verified:
    """A live session, and whose it is."""

    account: ClientAccount
    session: UserSession


@operation(Access.SERVICE)
def sign_up(actor: Actor, *, newcomer: Newcomer) -> Opened:
    """Make an account and sign the client in.

    :raises ValidationFailed, ClientIdTaken, ClientEmailTaken, ClientLimit: as for ``accounts.create``
    """
    return _open(actor, accounts.create(actor, newcomer=newcomer), "signup", Device())


@operation(Access.SERVICE)
def sign_in(
    actor: Actor, *, password: str, email: str | None = None, external_id: UUID | None = None, device: Device
) -> Opened:
    """Check a client's password and open a session; exactly one of e-mail and id names the account.

    :raises ClientCredentialsInvalid: counted by what was sent, known or not
    :raises ClientDisabled: after the right password only
    :raises RateLimited: past the budget, for the right password too
    """
    if (email is None) == (external_id is None):
        said = ["Name the account by exactly one of email and user_id."]
        raise ValidationFailed({"email": said, "external_id": said})
    named = f"email:{emails.key_of(email)}" if email is not None else f"id:{external_id}"
    spent = limits.spend(CLIENT_SIGN_IN_FAILURES, account=f"{actor.tenant_id}:{actor.environment}:{named}")
    if email is not None:
        query = visible(actor).where(ClientAccount.email_key == emails.key_of(email))
    else:
        query = visible(actor).where(ClientAccount.external_id == external_id)
    rows = read(query.with_only_columns(ClientAccount.id, ClientAccount.password_hash))
    client_id, password_hash = (rows[0].id, rows[0].password_hash) if rows else (None, None)
    with limits.only_if_judged(spent):
        matches = passwords.verify(password_hash, password, longest=LONGEST)
    account = db.session.scalar(visible(actor).where(ClientAccount.id == (client_id or 0)).with_for_update())
    if account is None or not matches or account.password_hash != password_hash:
        _refuse(actor, account, named)
    if account.disabled_at is not None:
        limits.give_back(spent)
        raise ClientDisabled(layer="organization", remedy="The organization can switch the account on again.")
    limits.give_back(spent, clear=["account"])
    return _open(actor, account, "password", device)


def _refuse(actor: Actor, account: ClientAccount | None, named: str) -> NoReturn:
    told = {"environment": str(actor.environment), "named": keyed_hash("audit:client", named)[:16]}
    if account is not None:
        told["user_id"] = str(account.external_id)
    subject = ("client", account.id if account else None)
    record(actor, AuditKind.CLIENT_SIGN_IN_FAILED, subject=subject, changes=told)
    raise ClientCredentialsInvalid


@operation(Access.SERVICE)
def vouch(actor: Actor, *, external_id: UUID | None, device: Device) -> Opened:
    """Open a session for a client whom the organization's application has signed in by its own means.

    :raises VouchingDisabled: unless ``clients.vouched_sessions`` is on
    :raises ClientNotFound: if it is another organization's or environment's, or not there
    :raises ClientDisabled: if the account is switched off
    """
    if not settings.boolean(
        "clients.vouched_sessions", tenant_id=actor.tenant_id, environment=actor.environment
    ):
        remedy = "An owner or admin of the organization can switch clients.vouched_sessions on."
        raise VouchingDisabled(layer="organization", remedy=remedy)
    account = find(actor, external_id, lock=True)
    if account.disabled_at is not None:
        raise ClientDisabled(layer="organization", remedy="The organization can switch the account on again.")
    return _open(actor, account, "vouched", device)


def _open(actor: Actor, account: ClientAccount, method: str, device: Device) -> Opened:
    """Open a session of an account that is held; the oldest gives way where there would be too many."""
    now, token = clock.now(), ids.new_token("ct")
    oldest = _live(account, now).order_by(UserSession.id.desc()).offset(MOST_LIVE - 1)
    if too_many := [session.id for session in db.session.scalars(oldest)]:
        end_sessions(account, "gave_way", only=too_many)
    hours = settings.integer(
        "clients.session_hours", tenant_id=actor.tenant_id, environment=actor.environment
    )
    session = UserSession(
        client_id=account.id,
        kind="client",
        dialect=actor.origin.dialect,
        token_hash=token_hash(token),
        method=method,
        proven_at=now,
        created_at=now,
        tenant_id=account.tenant_id,
        environment=account.environment,
        name=describe(device.user_agent),
        user_agent=device.user_agent[:400],
        ip=device.ip,
        country=country_of(device.ip),
        last_used_at=now,
        expires_at=now + timedelta(hours=hours),
    )
    db.session.add(session)
    account.last_login_at = now
    db.session.flush()  # generate session.id for the audit row
    tell(actor, AuditKind.CLIENT_SIGNED_IN, account, method=method, session=session.id)
    ended_sessions.forget_clients(account.id)
    return Opened(account, session, token)


def _live(account: ClientAccount, now: datetime) -> sa.Select[tuple[UserSession]]:
    return sa.select(UserSession).where(
        UserSession.client_id == account.id, UserSession.revoked_at.is_(None), UserSession.expires_at > now
    )


@operation(Permission.CLIENTS_VIEW)
def list_(actor: Actor, *, external_id: UUID | None) -> list[UserSession]:
    """Return a client's live sessions, newest first: never more than a client can have.

    :raises ClientNotFound: if it is another organization's or environment's, or not there
    """
    query = _live(find(actor, external_id), clock.now())
    return list(db.session.scalars(query.order_by(UserSession.id.desc()).limit(MOST_LIVE)))


@operation(Access.SERVICE)
def verify(actor: Actor, *, token: str) -> Verified | None:
    """Return the live session of a token, None for any other; it is seen now, and lives no longer for it."""
    found = _of_token(actor, token)
    if found is None:
        return None
    session, now = found.session, clock.now()
    if abs(now - session.last_used_at) >= timedelta(seconds=1):  # shown to the second
        session.last_used_at = now
    return found


def _of_token(actor: Actor, token: str) -> Verified | None:
    query = (
        sa.select(ClientAccount, UserSession)
        .join(ClientAccount, ClientAccount.id == UserSession.client_id)
        .where(UserSession.token_hash == token_hash(token), UserSession.kind == "client")
        .where(UserSession.revoked_at.is_(None), UserSession.expires_at > clock.now())
        .where(ClientAccount.tenant_id == actor.tenant_id)
        .where(ClientAccount.environment == str(actor.environment), ClientAccount.disabled_at.is_(None))
    )
    row = db.session.execute(query).first()
    return None if row is None else Verified(*row)


@operation(Access.SERVICE)
def sign_out(actor: Actor, *, token: str) -> None:
    """End the session of a token; one that is not live is ended already, and nothing is written of it."""
    found = _of_token(actor, token)
    if found is not None:
        _end_one(actor, found.account, found.session)


@operation(Permission.CLIENTS_MANAGE)
def revoke(actor: Actor, *, external_id: UUID | None, session_uid: UUID | None) -> None:
    """End one session of a client.

    :raises ClientNotFound: if the account is another organization's or environment's, or not there
    :raises SessionNotFound: if it is another client's, ended, or not there
    """
    account = find(actor, external_id)
    query = _live(account, clock.now()).where(UserSession.uid == (session_uid or UUID(int=0)))
    session = db.session.scalar(query)
    if session is None or not _end_one(actor, account, session):
        raise SessionNotFound


def _end_one(actor: Actor, account: ClientAccount, session: UserSession) -> bool:
    ended = end_sessions(account, "revoked", only=[session.id]) == 1  # of two at once one alone
    if ended:
        tell(actor, AuditKind.CLIENT_SESSION_REVOKED, account, session=session.id)
    return ended


@operation(Permission.CLIENTS_MANAGE)
def revoke_all(actor: Actor, *, external_id: UUID | None) -> int:
    """End every session of a client; returns how many were live.

    :raises ClientNotFound: if it is another organization's or environment's, or not there
    """
    account = find(actor, external_id, lock=True)
    ended = end_sessions(account, "revoked")
    tell(actor, AuditKind.CLIENT_SESSIONS_REVOKED, account, sessions=ended)
    return ended
