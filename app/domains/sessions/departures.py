"""What becomes of a member's ways into an organization when the membership ends."""

import sqlalchemy as sa

from app.core import clock
from app.core.access import Actor
from app.core.db import db, rows_changed
from app.core.touches import Departure, Ending, touches
from app.domains.sessions.lookup import joined_first
from app.domains.sessions.models import UserSession

_REASON = "membership_ended"


def _bound(departure: Departure, *, tokens: bool) -> list[sa.ColumnElement[bool]]:
    kind = UserSession.kind == "api_token"
    here = [UserSession.tenant_id == departure.tenant_id, UserSession.user_id == departure.user_id]
    return [*here, kind if tokens else ~kind]


def _live(departure: Departure, *, tokens: bool) -> int:
    live = (UserSession.revoked_at.is_(None), UserSession.expires_at > clock.now())
    query = sa.select(sa.func.count()).where(*_bound(departure, tokens=tokens), *live)
    return db.session.scalar(query) or 0


def _end(departure: Departure, *, tokens: bool) -> None:
    bound = _bound(departure, tokens=tokens)
    if departure.ending is Ending.ERASURE:
        rows_changed(sa.delete(UserSession).where(*bound))
        return
    now = clock.now()
    ended = sa.update(UserSession).where(*bound, UserSession.revoked_at.is_(None))
    rows_changed(ended.values(revoked_at=now, revoked_reason=_REASON, updated_at=now))


@touches("sign_ins", says="Sign-ins to this organization end", count=lambda gone: _live(gone, tokens=False))
def end_sign_ins(_actor: Actor, departure: Departure) -> None:
    """End the sign-ins to the organization."""
    _end(departure, tokens=False)


def _working_here(departure: Departure) -> int:
    """Count the person's own sign-ins that work in the organization now: of others it learns nothing."""
    here = UserSession.selected_tenant_id == departure.tenant_id
    by_default = sa.and_(
        UserSession.selected_tenant_id.is_(None),
        UserSession.kind == "browser",
        joined_first() == departure.tenant_id,
    )
    query = sa.select(sa.func.count()).where(
        UserSession.user_id == departure.user_id,
        UserSession.kind.in_(("browser", "app")),
        UserSession.tenant_id.is_(None),
        UserSession.revoked_at.is_(None),
        UserSession.expires_at > clock.now(),
        sa.or_(here, by_default),
    )
    return db.session.scalar(query) or 0


@touches(
    "devices", says="Devices are out of this organization; the person stays signed in", count=_working_here
)
def show_it_no_more(_actor: Actor, departure: Departure) -> None:
    """Let no browser go on showing the organization."""
    chosen = sa.update(UserSession).where(
        UserSession.user_id == departure.user_id, UserSession.selected_tenant_id == departure.tenant_id
    )
    rows_changed(chosen.values(selected_tenant_id=None))


@touches(
    "api_tokens",
    says="API tokens end and their places in the plan become free",
    count=lambda gone: _live(gone, tokens=True),
)
def end_api_tokens(_actor: Actor, departure: Departure) -> None:
    """End the person's API tokens for the organization."""
    _end(departure, tokens=True)
