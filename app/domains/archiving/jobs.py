"""What happens to the trail by itself: days are written away, old rows and exports go."""

from datetime import timedelta

import sqlalchemy as sa

from app.core import storage
from app.core.db import db
from app.core.jobs import job
from app.domains.archiving import archive as _archive  # noqa: F401 - registers its own job
from app.domains.archiving import exports, retention
from app.domains.archiving import person_data as _person_data  # noqa: F401 - says what an export leaves out
from app.domains.archiving.models import AuditExportPart
from app.domains.audit import watching as _watching  # noqa: F401 - has a job of its own

_OLD_SECONDS = 24 * 3600


@job("retention.prune", every=timedelta(days=1))
def prune_trail() -> int:
    """Let go of rows whose time is over."""
    return retention.prune()


@job("exports.prune", every=timedelta(hours=1))
def prune_exports() -> int:
    """Let go of exports that ran out and of those that nobody goes on with."""
    return exports.prune()


@job("retention.prune", every=timedelta(days=1))
def sweep_files() -> int:
    """Delete pieces of exports of the whole instance that came to nothing; returns how many."""
    swept = 0
    for file in list(storage.store().listed(exports.FOLDER)):
        if file.age_seconds > _OLD_SECONDS:
            known = sa.select(AuditExportPart.id).where(AuditExportPart.key == file.key)
            if db.session.scalar(known) is None:
                storage.store().delete(file.key)
                swept += 1
    return swept
