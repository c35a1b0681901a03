"""What sign-ins and API tokens hold of a person."""

from collections.abc import Sequence

import sqlalchemy as sa

from app.core.personal import Row, exported, rows_of
from app.domains.sessions.models import UserSession
from app.domains.tenants.models import Tenant

_PLACE = (
    UserSession.uid.label("id"),
    UserSession.name,
    Tenant.name.label("organization"),
    UserSession.environment,
    UserSession.created_at,
    UserSession.last_used_at,
    UserSession.expires_at,
    UserSession.revoked_at.label("ended_at"),
    UserSession.revoked_reason.label("ended_because"),
    UserSession.user_agent,
    UserSession.ip,
    UserSession.country,
)


@exported("sessions", about="Where you signed in, ended sign-ins too.", tables=["sessions"])
def sessions(user_id: int, after: int, limit: int) -> Sequence[Row]:
    """Read sign-ins; nothing that could carry one on."""
    query = sa.select(
        *_PLACE,
        UserSession.kind,
        UserSession.dialect.label("through"),
        UserSession.method,
        UserSession.factors,
        UserSession.proven_at.label("last_proof_at"),
        UserSession.two_factor_at.label("second_factor_at"),
        UserSession.persistent.label("remembered"),
    )
    return rows_of(_of(query, user_id).where(UserSession.kind != "api_token"), UserSession.id, after, limit)


@exported("api-tokens", about="API tokens you made; never what they are.", tables=["sessions"])
def api_tokens(user_id: int, after: int, limit: int) -> Sequence[Row]:
    """Read API tokens without value or hash."""
    query = sa.select(
        *_PLACE,
        UserSession.scopes,
        UserSession.prefix,
        UserSession.used_at,
        UserSession.reminded_at.label("told_of_its_end_at"),
    )
    return rows_of(_of(query, user_id).where(UserSession.kind == "api_token"), UserSession.id, after, limit)


def _of(query: sa.Select[tuple[object, ...]], user_id: int) -> sa.Select[tuple[object, ...]]:
    joined = query.select_from(UserSession).outerjoin(Tenant, Tenant.id == UserSession.tenant_id)
    return joined.where(UserSession.user_id == user_id)
