"""Which store an organization's files go to, and which one a file lies in."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from app.core import storage
from app.core.db import read
from app.core.environments import Environment
from app.core.late import Late
from app.core.secrets import unseal
from app.core.storage import Store
from app.domains.storage.models import Provider, StoragePlace
from app.domains.tenants.models import Tenant

if TYPE_CHECKING:
    from app.core import object_stores
else:
    object_stores = Late("app.core.object_stores")

_COLUMNS = ("id", "tenant_id", "environment", "provider", "bucket", "region", "endpoint_url", "credentials")


@dataclass(frozen=True, kw_only=True)
class Place:
    """A place with all that opens it."""

    provider: Provider
    bucket: str
    region: str | None
    endpoint_url: str | None
    credentials: dict[str, str]


@dataclass(frozen=True)
class Chosen:
    """Where new files go now."""

    place_id: int | None
    """None for the instance's own store."""
    store: Store


def seal_context(tenant_id: int) -> str:
    """Return what credentials are sealed with, so that they open for this organization alone."""
    return f"storage:{tenant_id}"


def store_of(place: Place, tenant_uid: UUID, environment: Environment) -> Store:
    """Return the store at a place; all that is ours lies under one prefix there."""
    prefix = f"portico/{tenant_uid}/{environment}/"
    if place.provider is Provider.S3:
        s3 = object_stores.S3Place(
            bucket=place.bucket,
            region=place.region or "",
            endpoint_url=place.endpoint_url or f"https://s3.{place.region}.amazonaws.com",
            **place.credentials,
        )
        return object_stores.S3Store(s3, prefix)
    azure = object_stores.AzurePlace(
        account_url=place.endpoint_url or "", container=place.bucket, **place.credentials
    )
    return object_stores.AzureStore(azure, prefix)


def chosen(tenant_id: int, environment: Environment) -> Chosen:
    """Return where an organization's new files go; one query."""
    return _found(_current(tenant_id, environment))


def place_now(tenant_id: int, environment: Environment) -> int | None:
    """Return the place where an organization's new files go, not opened; None for our own store."""
    rows = read(sa.select(StoragePlace.id).where(_current(tenant_id, environment)))
    return rows[0].id if rows else None


def _current(tenant_id: int, environment: Environment) -> sa.ColumnElement[bool]:
    its = (StoragePlace.tenant_id == tenant_id, StoragePlace.environment == environment)
    return sa.and_(*its, StoragePlace.replaced_at.is_(None))


def at(place_id: int | None) -> Store:
    """Return the store that a file lies in, one that was replaced since included.

    :raises LookupError: if the place is gone
    """
    if place_id is None:
        return storage.store()
    found = _found(StoragePlace.id == place_id)
    if found.place_id is None:
        raise LookupError("the place is gone")
    return found.store


def _found(where: sa.ColumnElement[bool]) -> Chosen:
    columns = (Tenant.uid.label("tenant_uid"), *(getattr(StoragePlace, name) for name in _COLUMNS))
    query = sa.select(*columns).join(Tenant, Tenant.id == StoragePlace.tenant_id).where(where)
    rows = read(query)
    if not rows:
        return Chosen(None, storage.store())
    row = rows[0]
    return Chosen(row.id, store_of(_opened(row), row.tenant_uid, row.environment))


def _opened(row: sa.Row[Any]) -> Place:
    """Return a place with its credentials unsealed."""
    return Place(
        provider=row.provider,
        bucket=row.bucket,
        region=row.region,
        endpoint_url=row.endpoint_url,
        credentials=json.loads(unseal(row.credentials, seal_context(row.tenant_id))),
    )
