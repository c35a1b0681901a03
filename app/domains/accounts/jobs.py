"""What is swept of people's accounts: files of pictures that no row knows."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import islice

import sqlalchemy as sa

from app.core import storage
from app.core.db import db
from app.core.jobs import job
from app.domains.accounts.models import Picture
from app.domains.accounts.pictures import FOLDER

_OLD_SECONDS = 86_400
"""A file is there before its row: one so old has waited for it long enough."""
_BATCH = 500


@job("retention.prune", every=timedelta(days=1))
def sweep_pictures() -> int:
    """Delete files whose upload came to nothing or whose person is gone; returns how many."""
    files = storage.store()
    old = (file.key for file in files.listed(FOLDER) if file.age_seconds > _OLD_SECONDS)
    swept = 0
    for keys in _batches(old):
        known = set(db.session.scalars(sa.select(Picture.key).where(Picture.key.in_(keys))))
        for key in set(keys) - known:
            files.delete(key)
            swept += 1
    return swept


def _batches(keys: Iterator[str]) -> Iterator[Sequence[str]]:
    while batch := list(islice(keys, _BATCH)):
        yield batch
