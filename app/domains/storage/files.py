"""An organization's files: written where it wants them, counted where they are ours, read where they lie.

A file is written before the row that names it, outside of any transaction of a request. If nothing comes of
that row, a job sweeps what lies on our disk; in a bucket of the organization's the object stays, under our
prefix and a name that nobody was told.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from app.core import outbox, storage
from app.core.db import db
from app.core.environments import Environment
from app.core.errors import OverPlan
from app.core.outbound import before_the_transaction
from app.core.storage import StoreFailed
from app.domains.billing.capacity import counts
from app.domains.billing.queries import limit_of
from app.domains.storage import stores
from app.domains.storage.models import StoredFile
from app.domains.tenants.models import Tenant

FOLDER = "kept"
MEGABYTE = 1_000_000
"""As plans count them and pages write them."""
_DELETE = "stored_file.delete"


class StorageFull(OverPlan):
    code, message = "plan:storage_limit", "The plan's storage is full."


@dataclass(frozen=True, kw_only=True)
class Written:
    """A file that lies somewhere and that no row names yet."""

    tenant_id: int
    environment: Environment
    place_id: int | None
    key: str
    size: int


def write(tenant_id: int, environment: Environment, *, content: bytes, ending: str) -> Written:
    """Write a file where the organization's files go now.

    :raises StoreFailed: if its store does not take it
    """
    with before_the_transaction(tenant_id):
        chosen = stores.chosen(tenant_id, environment)
        key = storage.new_key(FOLDER, ending)
        chosen.store.put(key, content)
    return Written(
        tenant_id=tenant_id, environment=environment, place_id=chosen.place_id, key=key, size=len(content)
    )


def keep(written: Written) -> StoredFile:
    """Name a written file in the running transaction; from now on it counts.

    :raises StorageFull: if it lies with us and the plan has no room for it
    """
    if written.place_id is None:
        db.session.execute(sa.select(Tenant.id).where(Tenant.id == written.tenant_id).with_for_update())
        try:
            _require_room(written.tenant_id, written.size)
        except StorageFull:
            storage.store().delete(written.key)  # no row will ever name it
            raise
    file = StoredFile(
        tenant_id=written.tenant_id,
        environment=written.environment,
        place_id=written.place_id,
        key=written.key,
        size=written.size,
    )
    db.session.add(file)
    db.session.flush()  # generate its id, which its owner's row names
    return file


def require_room(tenant_id: int, environment: Environment) -> None:
    """Refuse what would be written where the organization's files lie with us and their room is used up.

    :raises StorageFull: if so
    """
    if stores.place_now(tenant_id, environment) is None:
        _require_room(tenant_id, 1)


def _require_room(tenant_id: int, size: int) -> None:
    most = limit_of(tenant_id, "local_storage_mb")
    if most is not None and local_bytes(tenant_id) + size > most * MEGABYTE:
        raise StorageFull(layer="plan", remedy="An owner or admin can choose a larger plan.")


def content(file: StoredFile) -> bytes | None:
    """Return a file's content from where it lies; None if it is not there any more.

    :raises StoreFailed: if its store does not answer
    """
    return stores.at(file.place_id).get(file.key)


def discard(file: StoredFile) -> None:
    """Let go of a file: its row now, what it names once the transaction is committed."""
    take_back(file.place_id, file.key)
    db.session.delete(file)


def take_back(place_id: int | None, key: str) -> None:
    """Let go of what may lie under a key that no row names, once the transaction is committed."""
    outbox.promise(_DELETE, {"place_id": place_id, "key": key})


def local_bytes(tenant_id: int) -> int:
    """Return how much of an organization's lies in the instance's own store."""
    total = sa.select(sa.func.coalesce(sa.func.sum(StoredFile.size), 0))
    return int(
        db.session.scalar(total.where(StoredFile.tenant_id == tenant_id, StoredFile.place_id.is_(None))) or 0
    )


@counts("local_storage_mb")
def local_megabytes(tenant_id: int) -> int:
    """Return how much of an organization's lies with us, begun megabytes counted as whole."""
    return -(-local_bytes(tenant_id) // MEGABYTE)


@outbox.handler(_DELETE)
def _delete(claimed: outbox.Claimed) -> outbox.Act:
    key = str(claimed.payload["key"])
    try:
        store = stores.at(claimed.payload["place_id"])
    except LookupError as error:
        raise outbox.Hopeless("the place is gone") from error

    def act() -> outbox.Payload:
        try:
            store.delete(key)
        except StoreFailed as error:
            raise outbox.NotNow(error.why) from error
        return {"key": key}

    return act
