"""Choosing where an organization's files go: tried by a real write and read before it is kept."""

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.core import clock, storage
from app.core.access import Access, Actor, TenantTokenRequired, operation
from app.core.db import db
from app.core.errors import Refused
from app.core.languages import Sentence
from app.core.outbound import before_the_transaction
from app.core.permissions import Permission
from app.core.secrets import seal
from app.core.storage import Store, StoreFailed
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.billing.queries import limit_of
from app.domains.storage.files import MEGABYTE, local_bytes
from app.domains.storage.models import Provider, StoragePlace
from app.domains.storage.naming import Wanted
from app.domains.storage.stores import Place, seal_context, store_of
from app.domains.tenants.models import Tenant

CHECK_SECONDS = 10
_PROBE = b"Portico tries whether it can write here, and deletes this."


class ConnectionFailed(Refused):
    code, message = "storage:connection_failed", "The storage could not be written and read."
    commits = True  # that it was tried stays in the trail


@dataclass(frozen=True)
class Shown:
    """A place as anybody may see it: no key, not even a part of one."""

    provider: Provider
    bucket: str | None = None
    region: str | None = None
    endpoint_url: str | None = None

    @property
    def credentials_set(self) -> bool:
        """Say whether it has keys of its own."""
        return self.provider is not Provider.LOCAL


@dataclass(frozen=True)
class Room:
    """How much of the instance's own store is used, in bytes; ``most`` None is no bound."""

    used: int
    most: int | None


def visible(actor: Actor) -> sa.Select[tuple[StoragePlace]]:
    """Select the place in use in the actor's organization and environment."""
    return sa.select(StoragePlace).where(
        StoragePlace.tenant_id == actor.tenant_id,
        StoragePlace.environment == actor.environment,
        StoragePlace.replaced_at.is_(None),
    )


@operation(Access.TENANT)
def current(actor: Actor) -> Shown:
    """Return where the organization's files of the actor's environment go."""
    return _shown(db.session.scalar(visible(actor)))


@operation(Access.TENANT)
def room(actor: Actor) -> Room:
    """Return how full the organization's part of the instance's own store is."""
    tenant_id, _ = _organization(actor)
    most = limit_of(tenant_id, "local_storage_mb")
    return Room(local_bytes(tenant_id), None if most is None else most * MEGABYTE)


@operation(Permission.STORAGE_MANAGE)
def update(actor: Actor, *, wanted: Wanted) -> Shown:
    """Keep the organization's new files of this environment elsewhere, once one was written and read there.

    Older files stay where they are and can be read.

    :raises ValidationFailed: for fields that lack or belong to another provider
    :raises EndpointNotAllowed: for a host that the operator has not listed
    :raises ConnectionFailed: saying what went wrong, as ``StoreFailed`` does
    """
    tenant_id, tenant_uid = _organization(actor)
    place = wanted.place()
    failure = None
    if place is not None:
        with before_the_transaction(tenant_id):
            failure = _try(lambda: store_of(place, tenant_uid, actor.environment))
    subject = ("tenant", tenant_id)
    if failure is not None:
        changes = {**_told(actor, place), "reason": failure}
        record(actor, AuditKind.STORAGE_CHECK_FAILED, subject=subject, changes=changes)
        raise ConnectionFailed(
            says=Sentence("The storage could not be written and read: %(why)s.", why=failure)
        )
    db.session.execute(sa.select(Tenant.id).where(Tenant.id == tenant_id).with_for_update())
    before = db.session.scalar(visible(actor))
    if place is None and before is None:
        return _shown(None)
    row = _replace(actor, before, place)
    record(actor, AuditKind.STORAGE_UPDATED, subject=subject, changes=_told(actor, place))
    return _shown(row)


def _organization(actor: Actor) -> tuple[int, UUID]:
    """Return number and name of the organization that the actor works in.

    :raises TenantTokenRequired: if they work in none
    """
    if actor.tenant_id is None or actor.tenant_uid is None:
        raise TenantTokenRequired(layer="organization")
    return actor.tenant_id, actor.tenant_uid


def _replace(actor: Actor, before: StoragePlace | None, place: Place | None) -> StoragePlace | None:
    if before is not None:
        before.replaced_at = clock.now()
        db.session.flush()  # the unique index knows one place in use
    if place is None:
        return None
    row = StoragePlace(
        tenant_id=actor.tenant_id,
        environment=actor.environment,
        provider=place.provider,
        bucket=place.bucket,
        region=place.region,
        endpoint_url=place.endpoint_url,
        credentials=seal(json.dumps(place.credentials), seal_context(_organization(actor)[0])),
    )
    db.session.add(row)
    return row


def _shown(row: StoragePlace | None) -> Shown:
    if row is None:
        return Shown(Provider.LOCAL)
    return Shown(
        row.provider, row.bucket, row.region, row.endpoint_url if row.provider is Provider.S3 else None
    )


def _told(actor: Actor, place: Place | None) -> Mapping[str, Any]:
    """Return what the trail says of a place."""
    about: dict[str, Any] = {"environment": str(actor.environment)}
    if place is None:
        return {**about, "provider": str(Provider.LOCAL)}
    return {
        **about,
        "provider": str(place.provider),
        "bucket": place.bucket,
        "region": place.region,
        "endpoint": place.endpoint_url,
    }


def _try(open_store: Callable[[], Store]) -> str | None:
    """Write, read and delete a small file; returns what went wrong, in one word.

    A thread that is late is left to end by the limits of its own calls.
    """
    pool = ThreadPoolExecutor(1, thread_name_prefix="storage-check")
    try:
        return pool.submit(_write_and_read, open_store).result(CHECK_SECONDS)
    except Late:
        return "timeout"
    finally:
        pool.shutdown(wait=False)


def _write_and_read(open_store: Callable[[], Store]) -> str | None:
    key = storage.new_key("probe", "txt")
    try:
        store = open_store()
        store.put(key, _PROBE)
        found = store.get(key)
        store.delete(key)
    except StoreFailed as error:
        return error.why
    except ValueError:  # what the libraries refuse before they connect
        return "unreachable"
    return None if found == _PROBE else "unreachable"
