"""Sessions of service users and clients that ended: a few are kept for whoever reads the trail.

An application may sign in a hundred times a minute. So each sign-in takes some old sessions of its own away,
and what is asked of one account's stays as quick as it was on the first day.
"""

from datetime import timedelta

import sqlalchemy as sa

from app.core import clock
from app.core.db import rows_changed
from app.domains.sessions.models import UserSession

KEPT_OF_A_CLIENT = 100
KEPT_OF_A_SERVICE_USER = timedelta(days=1)
_AT_ONCE = 10
"""More than a sign-in adds."""


def forget_clients(client_id: int) -> int:
    """Delete some of a client's ended sessions that are older than the newest hundred; returns how many."""
    ended = sa.or_(UserSession.revoked_at.is_not(None), UserSession.expires_at <= clock.now())
    return _forget(
        sa.select(UserSession.id)
        .where(UserSession.client_id == client_id, ended)
        .order_by(UserSession.id.desc())
        .offset(KEPT_OF_A_CLIENT)
    )


def forget_service_users(service_user_id: int) -> int:
    """Delete some of a service user's sessions that ran out a day ago or longer; returns how many."""
    return _forget(
        sa.select(UserSession.id)
        .where(UserSession.service_user_id == service_user_id)
        .where(UserSession.expires_at < clock.now() - KEPT_OF_A_SERVICE_USER)
        .order_by(UserSession.expires_at)
    )


def _forget(old: sa.Select[tuple[int]]) -> int:
    return rows_changed(sa.delete(UserSession).where(UserSession.id.in_(old.limit(_AT_ONCE))))
