"""What ends by itself: sign-ups nobody proved, and what is left of codes, links and tokens that ran out."""

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.sql.dml import ReturningDelete

from app.core import clock
from app.core.access import system
from app.core.db import db
from app.core.jobs import job
from app.domains.accounts.models import HeldAddress, HeldHandle, User
from app.domains.auth.erasure import erase
from app.domains.auth.models import LoginToken, MailedCode, MailedLink, SignUp
from app.domains.sessions.models import RefreshToken, UserSession
from app.domains.tenants.models import Membership
from app.domains.twofactor.passkey_models import PasskeyCeremony

_TIME_TO_PROVE = timedelta(days=30)
_AT_ONCE = 200
"""How many registrations go in one run; a flood of them is gone within days."""
_SPENT_KEPT = timedelta(days=7)
"""How long what ran out stays, so that its late use is told apart from a guess while somebody may wonder."""
_ENDED_KEPT = timedelta(days=180)
"""How long a sign-in that ended stays: it tells a known device from a new one."""


@job("users.drop_unproven", every=timedelta(days=1))
def drop_unproven() -> int:
    """Delete registrations whose mailbox never answered and that joined nothing."""
    joined = sa.select(Membership.id).where(Membership.user_id == User.id)
    unproven = (
        sa.select(User)
        .where(
            User.email_verified_at.is_(None),
            User.created_at < clock.now() - _TIME_TO_PROVE,
            User.is_platform_admin.is_(False),
            ~sa.exists(joined),
        )
        .order_by(User.id)
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True)  # who is proving it right now stays
    )
    found = db.session.scalars(unproven).all()
    for user in found:
        erase(system("users.drop_unproven"), user, reason="its mailbox never answered")
    return len(found)


@job("retention.prune", every=timedelta(days=1))
def prune_spent() -> int:
    """Delete spent codes, links and tokens, and sign-ins that ended long ago."""
    now = clock.now()
    spent = sum(
        _delete(sa.delete(model).where(model.expires_at < now - _SPENT_KEPT).returning(model.id))
        for model in (MailedCode, MailedLink, LoginToken, SignUp, RefreshToken, PasskeyCeremony)
    )
    held = sum(
        _delete(sa.delete(model).where(model.until < now).returning(model.id))
        for model in (HeldHandle, HeldAddress)
    )
    long_ago = now - _ENDED_KEPT
    ended = sa.or_(UserSession.revoked_at < long_ago, UserSession.expires_at < long_ago)
    return spent + held + _delete(sa.delete(UserSession).where(ended).returning(UserSession.id))


def _delete(statement: ReturningDelete[tuple[int]]) -> int:
    return len(db.session.scalars(statement.execution_options(synchronize_session=False)).all())
