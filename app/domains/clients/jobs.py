"""What happens to sessions of service users and clients by itself."""

from datetime import timedelta

import sqlalchemy as sa

from app.core import clock
from app.core.db import rows_changed
from app.core.jobs import job
from app.domains.sessions.models import UserSession

KEPT = timedelta(days=30)
"""How long an ended session stays, so that the trail's rows still lead somewhere."""


@job("retention.prune", every=timedelta(days=1))
def prune_sessions() -> int:
    """Delete sessions of service users and clients that ended long ago: each sign-in leaves one."""
    over = clock.now() - KEPT
    ended = sa.or_(UserSession.expires_at < over, UserSession.revoked_at < over)
    return rows_changed(sa.delete(UserSession).where(UserSession.kind.in_(("service", "client")), ended))
