"""What sign-ins and API tokens hold of a person."""

from typing import Any

import sqlalchemy as sa

from app.core.personal import exported_rows
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


@exported_rows("sessions", about="Where you signed in, ended sign-ins too.", by=UserSession.id)
def sessions(user_id: int) -> sa.Select[Any]:
    """Select sign-ins; nothing that could carry one on."""
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
    return _of(query, user_id).where(UserSession.kind != "api_token")


@exported_rows("api-tokens", about="API tokens you made; never what they are.", by=UserSession.id)
def api_tokens(user_id: int) -> sa.Select[Any]:
    """Select API tokens without value or hash."""
    query = sa.select(
        *_PLACE,
        UserSession.scopes,
        UserSession.prefix,
        UserSession.used_at,
        UserSession.reminded_at.label("told_of_its_end_at"),
    )
    return _of(query, user_id).where(UserSession.kind == "api_token")


def _of(query: sa.Select[tuple[object, ...]], user_id: int) -> sa.Select[tuple[object, ...]]:
    joined = query.select_from(UserSession).outerjoin(Tenant, Tenant.id == UserSession.tenant_id)
    return joined.where(UserSession.user_id == user_id)
