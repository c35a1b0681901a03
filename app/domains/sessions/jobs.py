"""What happens to API tokens and to the counts of their calls by itself."""

from datetime import timedelta

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.jobs import job
from app.core.links import public_url
from app.domains.accounts.models import User
from app.domains.billing import usage
from app.domains.email import mails
from app.domains.sessions.api_token_queries import live
from app.domains.sessions.api_tokens import REMIND_AHEAD
from app.domains.sessions.models import UserSession
from app.domains.tenants.models import Membership, MembershipStatus, Tenant, TenantStatus


@job("api_tokens.remind", every=timedelta(days=1))
def remind() -> int:
    """Tell the owners of tokens that run out within a week, each once."""
    now = clock.now()
    working = sa.and_(Membership.tenant_id == Tenant.id, Membership.user_id == User.id)
    due = (
        live()
        .join(User, User.id == UserSession.user_id)
        .join(Tenant, Tenant.id == UserSession.tenant_id)
        .join(Membership, working)
        .add_columns(User, Tenant)
        .where(UserSession.expires_at <= now + REMIND_AHEAD, UserSession.reminded_at.is_(None))
        .where(User.disabled_at.is_(None), Tenant.status == TenantStatus.ACTIVE)
        .where(Membership.status == MembershipStatus.ACTIVE)
        .order_by(UserSession.id)
    )
    found = db.session.execute(due).all()
    for session, user, tenant in found:
        session.reminded_at = now
        mails.token_expiry(
            user.email,
            first_name=user.greeting,
            tenant_name=tenant.name,
            tenant_id=tenant.id,
            token_name=session.name,
            expires_at=session.expires_at,
            link=public_url("/account/tokens"),
        )
    return len(found)


@job("retention.prune", every=timedelta(days=1))
def prune_counts() -> int:
    """Delete the counts of calls of months long ago."""
    return usage.forget_long_ago()
