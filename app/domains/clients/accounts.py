"""Client accounts: what an organization's application keeps of its customers, one realm an environment."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import sqlalchemy as sa

from app.core import clock
from app.core.access import Actor, operation
from app.core.db import db, read
from app.core.errors import Conflict, NotFound, OverPlan, ValidationFailed
from app.core.languages import Sentence
from app.core.paging import CursorPage, CursorWindow, keyset
from app.core.permissions import Permission
from app.domains.accounts import emails
from app.domains.accounts.passwords import hash_password
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.billing.queries import limit_of
from app.domains.clients.models import ClientAccount
from app.domains.clients.service_users import ENVIRONMENTS
from app.domains.sessions.models import UserSession
from app.domains.settings import queries as settings
from app.domains.tenants.models import Tenant

Status = Literal["active", "disabled"]

SHORTEST, LONGEST = 8, 256
"""Of a client's password; no other rule (contract: the documented sample equals the address's local part)."""
NAME_LENGTH = 100


class ClientNotFound(NotFound):
    code, message = "client:not_found", "There is no such client account."


class ClientIdTaken(Conflict):
    code, message = "client:user_id_taken", "This user id has an account."


class ClientEmailTaken(Conflict):
    code, message = "client:email_taken", "This e-mail address has an account."


class ClientLimit(OverPlan):
    code, message = "plan:client_limit", "The plan allows no more client accounts."


@dataclass(frozen=True, kw_only=True)
class Newcomer:
    """What a new account is made of."""

    external_id: UUID
    email: str
    first_name: str
    last_name: str
    password: str


@dataclass(frozen=True, kw_only=True)
class Change:
    """What of an account is to change; None leaves it as it is."""

    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    password: str | None = None
    status: Status | None = None


@dataclass(frozen=True)
class Usage:
    """How many accounts the environment has and the plan allows (None: no bound), and whether they are on."""

    accounts: int
    most: int | None
    enabled: bool


def visible(actor: Actor) -> sa.Select[tuple[ClientAccount]]:
    """Select the accounts of the organization and environment the actor works in."""
    return sa.select(ClientAccount).where(
        ClientAccount.tenant_id == actor.tenant_id, ClientAccount.environment == str(actor.environment)
    )


@operation(Permission.CLIENTS_VIEW)
def list_(
    actor: Actor, *, window: CursorWindow, email: str | None = None, status: Status | None = None
) -> CursorPage[ClientAccount]:
    """Return a part of the accounts, newest first; ``email`` matches a whole address without regard to case.

    :raises BadCursor: if the cursor was not given out for the list of this environment
    """
    query = visible(actor)
    if email is not None:
        query = query.where(ClientAccount.email_key == emails.key_of(email))
    if status is not None:
        disabled = ClientAccount.disabled_at
        query = query.where(disabled.is_(None) if status == "active" else disabled.is_not(None))
    name = f"clients:{actor.tenant_id}:{actor.environment}"
    return keyset(query, window, name=name, newest_first=[ClientAccount.id])


@operation(Permission.CLIENTS_VIEW)
def one(actor: Actor, *, external_id: UUID | None) -> ClientAccount:
    """Return one account by the integrator's id.

    :raises ClientNotFound: if it is another organization's or environment's, or not there
    """
    return find(actor, external_id)


@operation(Permission.CLIENTS_VIEW)
def usage(actor: Actor) -> Usage:
    """Return what the environment uses of the plan, and whether service users may keep accounts there now."""
    enabled = settings.boolean("clients.enabled", tenant_id=actor.tenant_id, environment=actor.environment)
    return Usage(_count(actor), limit_of(actor.tenant_id or 0, "client_accounts"), enabled)


@operation(Permission.CLIENTS_MANAGE)
def create(actor: Actor, *, newcomer: Newcomer) -> ClientAccount:
    """Make an account under the integrator's own id; nothing is mailed, and nobody is signed in.

    :raises ValidationFailed: at email, first_name, last_name, password, environment
    :raises ClientIdTaken, ClientEmailTaken: within this organization and environment only
    :raises ClientLimit: if the plan's accounts of the environment are there already
    """
    if actor.environment not in ENVIRONMENTS:
        raise ValidationFailed({"environment": ["Client accounts are for prod and staging."]})
    email = emails.checked(newcomer.email)
    _check_names(first_name=newcomer.first_name, last_name=newcomer.last_name)
    check_password(newcomer.password)
    _require_free(actor, email, newcomer.external_id)  # before the dear hash: a repeated call costs little
    password_hash = hash_password(newcomer.password)
    db.session.execute(sa.select(Tenant.id).where(Tenant.id == actor.tenant_id).with_for_update())
    _require_free(actor, email, newcomer.external_id)
    _require_room(actor)
    account = ClientAccount(
        tenant_id=actor.tenant_id or 0,
        environment=str(actor.environment),
        external_id=newcomer.external_id,
        email=email,
        email_key=emails.key_of(email),
        first_name=newcomer.first_name.strip(),
        last_name=newcomer.last_name.strip(),
        password_hash=password_hash,
    )
    db.session.add(account)
    db.session.flush()  # generate account.id for the audit row
    tell(actor, AuditKind.CLIENT_CREATED, account)
    return account


@operation(Permission.CLIENTS_MANAGE)
def update(actor: Actor, *, external_id: UUID | None, change: Change) -> ClientAccount:
    """Change what is given of an account; a new password and switching it off end all of its sessions.

    :raises ValidationFailed: at email, first_name, last_name, password; or where nothing is given
    :raises ClientNotFound: if it is another organization's or environment's, or not there
    :raises ClientEmailTaken: if another account of the environment has the address
    """
    if change == Change():
        raise ValidationFailed({"_schema": ["Name at least one field to change."]})
    email = None if change.email is None else emails.checked(change.email)
    _check_names(first_name=change.first_name, last_name=change.last_name)
    password_hash = None
    if change.password is not None:
        check_password(change.password)
        if not read(_named(actor, external_id)):
            raise ClientNotFound
        password_hash = hash_password(change.password)
    account = find(actor, external_id, lock=True)
    _change_details(actor, account, email, change)
    if password_hash is not None:
        account.password_hash = password_hash
        end_sessions(account, "password_changed")
        tell(actor, AuditKind.CLIENT_PASSWORD_CHANGED, account)
    if change.status is not None and change.status != account.status:
        _give_status(actor, account, change.status)
    return account


@operation(Permission.CLIENTS_MANAGE)
def delete(actor: Actor, *, external_id: UUID | None) -> None:
    """Delete an account with its sessions, for good; the trail keeps its id alone.

    :raises ClientNotFound: if it is another organization's or environment's, or not there
    """
    account = find(actor, external_id, lock=True)
    tell(actor, AuditKind.CLIENT_DELETED, account)
    db.session.delete(account)


def find(actor: Actor, external_id: UUID | None, *, lock: bool = False) -> ClientAccount:
    """Return an account of the actor's organization and environment; None is an id that can be nobody's.

    :raises ClientNotFound: if there is none
    """
    query = _named(actor, external_id)
    found = db.session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise ClientNotFound
    return found


def check_password(password: str) -> None:
    """Refuse a password of another length than the rule.

    :raises ValidationFailed: at password
    """
    if not SHORTEST <= len(password) <= LONGEST:
        said = Sentence("Use %(least)s to %(most)s characters.", least=SHORTEST, most=LONGEST)
        raise ValidationFailed({"password": [said]})


def end_sessions(account: ClientAccount, reason: str, *, only: Collection[int] | None = None) -> int:
    """End live sessions of an account, all where none is named; returns how many."""
    now = clock.now()
    query = sa.update(UserSession).where(
        UserSession.client_id == account.id,
        UserSession.revoked_at.is_(None),
        UserSession.expires_at > now,
    )
    if only is not None:
        query = query.where(UserSession.id.in_(only))
    ended = db.session.scalars(
        query.values(revoked_at=now, revoked_reason=reason, updated_at=now)
        .returning(UserSession.id)
        .execution_options(synchronize_session=False)
    )
    return len(ended.all())


def tell(actor: Actor, kind: AuditKind, account: ClientAccount, **more: object) -> None:
    """Write into the organization's trail what happened to an account: by its id, with nothing personal."""
    changes = {"user_id": str(account.external_id), "environment": account.environment, **more}
    record(actor, kind, subject=("client", account.id), changes=changes)


def _named(actor: Actor, external_id: UUID | None) -> sa.Select[tuple[ClientAccount]]:
    query = visible(actor)
    return query.where(sa.false() if external_id is None else ClientAccount.external_id == external_id)


def _change_details(actor: Actor, account: ClientAccount, email: str | None, change: Change) -> None:
    wanted = {
        "email": email,
        "first_name": change.first_name and change.first_name.strip(),
        "last_name": change.last_name and change.last_name.strip(),
    }
    changed = {n: v for n, v in wanted.items() if v is not None and v != getattr(account, n)}
    if "email" in changed:
        key = emails.key_of(str(email))
        if db.session.scalar(_of_email(actor, key).where(ClientAccount.id != account.id)) is not None:
            raise ClientEmailTaken
        account.email_key = key
    for name, value in changed.items():
        setattr(account, name, value)
    if changed:
        db.session.flush()  # two at once for one address: the later one begins again
        tell(actor, AuditKind.CLIENT_UPDATED, account, fields=sorted(changed))


def _give_status(actor: Actor, account: ClientAccount, status: Status) -> None:
    if status == "active":
        account.disabled_at = None
        tell(actor, AuditKind.CLIENT_ENABLED, account)
        return
    account.disabled_at = clock.now()
    end_sessions(account, "disabled")
    tell(actor, AuditKind.CLIENT_DISABLED, account)


def _check_names(**names: str | None) -> None:
    faults: dict[str, list[str]] = {}
    for field, name in names.items():
        if name is not None and not (0 < len(name.strip()) <= NAME_LENGTH and name.isprintable()):
            said = Sentence("Give a name of 1 to %(most)s characters on one line.", most=NAME_LENGTH)
            faults[field] = [said]
    if faults:
        raise ValidationFailed(faults)


def _of_email(actor: Actor, key: str) -> sa.Select[tuple[ClientAccount]]:
    return visible(actor).where(ClientAccount.email_key == key)


def _require_free(actor: Actor, email: str, external_id: UUID) -> None:
    if read(_named(actor, external_id)):
        raise ClientIdTaken
    if read(_of_email(actor, emails.key_of(email))):
        raise ClientEmailTaken


def _count(actor: Actor) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(visible(actor).subquery())) or 0


def _require_room(actor: Actor) -> None:
    most = limit_of(actor.tenant_id or 0, "client_accounts")
    if most is not None and _count(actor) >= most:
        remedy = "Delete accounts that are not needed, or let an owner or admin choose a larger plan."
        raise ClientLimit(layer="plan", remedy=remedy)
