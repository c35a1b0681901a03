"""What happens to sessions of service users and clients by itself."""

from datetime import timedelta

import sqlalchemy as sa

from app.core import clock
from app.core.db import db, rows_changed
from app.core.jobs import job
from app.domains.sessions.models import UserSession

KEPT = timedelta(days=30)
"""How long an ended session stays, so that the trail's rows still lead somewhere."""
_AT_ONCE, _MOST = 2_000, 100_000
"""In one statement, which has a few seconds; and in one run, which others wait for: the rest has time."""


@job("retention.prune", every=timedelta(days=1))
def prune_sessions() -> int:
    """Delete sessions of service users and clients that ended long ago: each sign-in leaves one."""
    over = clock.now() - KEPT
    ended = sa.or_(UserSession.expires_at < over, UserSession.revoked_at < over)
    deleted, last = 0, 0
    while deleted < _MOST:
        query = sa.select(UserSession.id).where(UserSession.id > last, UserSession.created_at < over)
        query = query.where(UserSession.kind.in_(("service", "client")), ended)
        ids = db.session.scalars(query.order_by(UserSession.id).limit(_AT_ONCE)).all()
        if not ids:
            break
        deleted, last = deleted + rows_changed(sa.delete(UserSession).where(UserSession.id.in_(ids))), ids[-1]
    return deleted
