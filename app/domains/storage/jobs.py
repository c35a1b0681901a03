"""What is swept of organizations' storage: files that no row names, places in which nothing lies any more."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import islice

import sqlalchemy as sa

from app.core import clock, storage
from app.core.db import db, rows_changed
from app.core.jobs import job
from app.domains.storage.files import FOLDER
from app.domains.storage.models import StoragePlace, StoredFile

_OLD = timedelta(days=1)
"""A file is there before its row, and outlives it until its deletion was kept."""
_BATCH = 500


@job("retention.prune", every=timedelta(days=1))
def sweep_files() -> int:
    """Delete files on our disk that came to nothing; returns how many."""
    files = storage.store()
    old = (file.key for file in files.listed(FOLDER) if file.age_seconds > _OLD.total_seconds())
    swept = 0
    for keys in _batches(old):
        known = set(db.session.scalars(sa.select(StoredFile.key).where(StoredFile.key.in_(keys))))
        for key in set(keys) - known:
            files.delete(key)
            swept += 1
    return swept


@job("retention.prune", every=timedelta(days=1))
def forget_places() -> int:
    """Delete replaced places, credentials and all, in which no file lies; returns how many."""
    used = sa.select(StoredFile.id).where(StoredFile.place_id == StoragePlace.id)
    gone = sa.delete(StoragePlace).where(StoragePlace.replaced_at < clock.now() - _OLD, ~used.exists())
    return rows_changed(gone)


def _batches(keys: Iterator[str]) -> Iterator[Sequence[str]]:
    while batch := list(islice(keys, _BATCH)):
        yield batch
