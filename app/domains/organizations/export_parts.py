"""A finished export in an organization's own storage: moved there part by part, each sealed by us.

Whoever reads the bucket reads noise: it opens through us alone, for owner and admins who have just proven who
they are, until it runs out. Then its key goes at once, and the parts as soon as the storage lets us.
"""

import base64
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.core import outbox
from app.core.db import db
from app.core.environments import Environment
from app.core.outbound import turn
from app.core.outbox import Act, Payload
from app.core.secrets import Sealed, seal, unseal
from app.core.storage import Store, StoreFailed
from app.domains.organizations.models import TenantExport, TenantExportPart
from app.domains.privacy import files as folders
from app.domains.storage import files, stores
from app.domains.storage.models import StoredFile

PART_BYTES = 4 * 1024 * 1024
"""What is held in memory, once as it is and once sealed; sent well within the time that a step has."""
_NONCE_BYTES = 12


def begin(export: TenantExport, *, place_id: int, size: int) -> None:
    """Have the next steps move a finished export to a place, under a key of its own."""
    export.size, export.position = size, {"place": place_id, "moved": 0}
    export.parts_key = seal(base64.b64encode(os.urandom(32)).decode(), _context(export))


def is_moving(export: TenantExport) -> bool:
    """Say whether it is finished and on its way."""
    return "moved" in export.position


def move_one(export: TenantExport) -> Act:
    """Say how the next part is written: done twice it lies there once."""
    number = int(export.position["moved"])
    path, key, cipher = folders.archive_of(export.folder), _key(export, number), _cipher(export)
    about = _about(export, number)
    try:
        store = stores.at(int(export.position["place"]))
    except LookupError as error:
        raise outbox.Hopeless("the place is gone") from error

    def act() -> Payload:
        try:
            with path.open("rb") as archive:
                archive.seek(number * PART_BYTES)
                plain = archive.read(PART_BYTES)
        except FileNotFoundError as error:
            raise outbox.Hopeless("the archive is gone") from error
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + cipher.encrypt(nonce, plain, about)
        try:
            store.put(key, sealed)
        except StoreFailed as error:
            raise outbox.NotNow(error.why) from error
        return {"moved": number, "size": len(sealed)}

    return act


def keep_one(export: TenantExport, kept: Payload) -> bool:
    """Name the part that was written; say whether it was the last."""
    number = int(kept["moved"])
    file = files.keep(
        files.Written(
            tenant_id=export.tenant_id,
            environment=Environment.PROD,
            place_id=int(export.position["place"]),
            key=_key(export, number),
            size=int(kept["size"]),
        )
    )
    db.session.add(TenantExportPart(export_id=export.id, number=number, file_id=file.id))
    export.position = {**export.position, "moved": number + 1}
    return (number + 1) * PART_BYTES >= (export.size or 0)


def discard(export: TenantExport) -> None:
    """Let go of the key now, and of the parts once the transaction is committed."""
    if is_moving(export):
        files.take_back(int(export.position["place"]), _key(export, int(export.position["moved"])))
    for part, file in db.session.execute(_parts(export).with_only_columns(TenantExportPart, StoredFile)):
        db.session.delete(part)
        files.discard(file)
    export.parts_key, export.position = None, {}


# ---- reading it


@dataclass(frozen=True)
class Moved:
    """A finished export that lies in the organization's own storage."""

    tenant_id: int
    cipher: AESGCM
    parts: Sequence[tuple[Store, str, bytes]]

    def stream(self) -> Iterator[bytes]:
        """Yield it part by part.

        :raises Unavailable: before the first, if too many wait for others' storages already
        :raises StoreFailed: for a part that is not there or is not what we wrote
        """
        for number, (store, key, about) in enumerate(self.parts):
            with nullcontext() if number else turn(self.tenant_id):
                content = store.get(key) or b""
            try:
                yield self.cipher.decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], about)
            except (InvalidTag, ValueError) as error:
                raise StoreFailed("unreachable") from error


def moved(export: TenantExport) -> Moved | None:
    """Return what there is of an export in the organization's own storage, None if it lies with us."""
    rows = db.session.execute(_parts(export)).all()
    if not rows:
        return None
    known = {place: stores.at(place) for place in {row.place_id for row in rows}}
    parts = [(known[row.place_id], row.key, _about(export, row.number)) for row in rows]
    return Moved(export.tenant_id, _cipher(export), parts)


def _parts(export: TenantExport) -> sa.Select[tuple[int, str, int | None]]:
    query = sa.select(TenantExportPart.number, StoredFile.key, StoredFile.place_id)
    query = query.join(StoredFile, StoredFile.id == TenantExportPart.file_id)
    return query.where(TenantExportPart.export_id == export.id).order_by(TenantExportPart.number)


def _key(export: TenantExport, number: int) -> str:
    """Return a part's name: made of the folder's, which nobody can guess; the same when written again."""
    name = hashlib.sha256(f"{export.folder}:{number}".encode()).hexdigest()[:32]
    return f"{files.FOLDER}/{name[:2]}/{name}.part"


def _about(export: TenantExport, number: int) -> bytes:
    """Return what a part is bound to: no other can take its place."""
    return f"{export.uid}:{number}:{export.size}".encode()


def _cipher(export: TenantExport) -> AESGCM:
    return AESGCM(base64.b64decode(unseal(export.parts_key or Sealed(""), _context(export))))


def _context(export: TenantExport) -> str:
    return f"tenant_exports:{export.tenant_id}"
