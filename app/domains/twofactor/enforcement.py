"""Demanding the second factor in an organization: whom it would concern, and from which day on."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager

from app.core import clock
from app.core.access import Actor, operation
from app.core.db import db
from app.core.errors import ValidationFailed
from app.core.languages import zone_of
from app.core.paging import CursorWindow, keyset
from app.core.permissions import Permission
from app.domains.accounts.models import User
from app.domains.sessions.models import UserSession
from app.domains.sessions.proofs import require_strong
from app.domains.settings import operations as settings_operations
from app.domains.settings import queries as settings
from app.domains.settings.factor_demand import DEMAND_KEYS, LOCKED_TOGETHER, FactorDemand, factor_demand
from app.domains.tenants.models import Membership, MembershipStatus
from app.domains.twofactor import announcements

USUAL_NOTICE = timedelta(days=14)
"""How far ahead the day is proposed."""


@dataclass(frozen=True)
class Enforcement:
    """An organization's demand as its admins see it."""

    demand: FactorDemand
    timezone: str
    locked: bool
    """Whether the platform holds it for all organizations."""
    proposed_day: date
    would_lock_out: bool
    """Whether demanding it at once would refuse whoever asks: it takes their own, shown in this sign-in."""


@dataclass(frozen=True)
class Affected:
    """A member whom the demand would refuse as things stand."""

    membership: Membership
    has_factor: bool
    one_factor_sessions: int
    api_tokens: int


@dataclass(frozen=True)
class Preview:
    """Whom the demand would concern: in numbers, and a part of the list."""

    members: int
    without_factor: int
    one_factor_only: int
    """Members with a second factor who are signed in somewhere without having shown it."""
    api_tokens: int
    """Tokens of members without a second factor, which would be refused with them."""
    affected: Sequence[Affected]
    next_cursor: str | None


@operation(Permission.SETTINGS_MANAGE)
def standing(actor: Actor) -> Enforcement:
    """Return how the demand stands in the actor's organization."""
    values = settings.values(DEMAND_KEYS, tenant_id=actor.tenant_id)
    timezone = str(values["localization.timezone"])
    return Enforcement(
        demand=factor_demand(values),
        timezone=timezone,
        locked="auth.mfa_enforced" in settings.locked(tuple(LOCKED_TOGETHER), tenant_id=actor.tenant_id or 0),
        proposed_day=_today(timezone) + USUAL_NOTICE,
        would_lock_out=not actor.particulars.two_factor_enabled or actor.factors < 2,
    )


@operation(Permission.SETTINGS_MANAGE)
def preview(actor: Actor, *, window: CursorWindow) -> Preview:
    """Return whom the demand would concern: as many queries for a thousand members as for one."""
    without, weak = User.two_factor_enabled_at.is_(None), _has_one_factor_session(actor.tenant_id)
    members = _members(actor.tenant_id)
    counted = db.session.execute(
        members.with_only_columns(
            sa.func.count(),
            sa.func.count(sa.case((without, 1))),
            sa.func.count(sa.case((sa.and_(~without, weak), 1))),
        )
    ).one()
    listed = keyset(
        members.where(sa.or_(without, weak)).options(contains_eager(Membership.user)),
        window,
        name="factor_demand",
        newest_first=[Membership.id],
    )
    return Preview(
        members=counted[0],
        without_factor=counted[1],
        one_factor_only=counted[2],
        api_tokens=db.session.scalar(_tokens_without_factor(actor.tenant_id)) or 0,
        affected=_with_sign_ins(actor.tenant_id, listed.items),
        next_cursor=listed.next_cursor,
    )


@operation(Permission.SETTINGS_MANAGE)
def demand(actor: Actor, *, on: bool, day: date | None = None) -> FactorDemand:
    """Demand the second factor from a day on (00:00 where the organization is), at once, or not any more.

    Members without one are told. Each setting that changes leaves its own row in the trail.

    :param day: None: at once
    :raises StepUpRequired: if the last proof is too old, or was made without the second factor
    :raises ValidationFailed: at day, if it is not to come
    :raises FactorWouldLockOut: at once, by someone whose sign-in has not shown a second factor
    :raises SettingLocked: while the platform holds it for all
    """
    require_strong(actor)
    before = settings.values(DEMAND_KEYS, tenant_id=actor.tenant_id)
    if on and day is not None and day <= _today(str(before["localization.timezone"])):
        raise ValidationFailed({"day": ["Choose a day to come."]})
    # The day first: a switch that is on without it would hold at once.
    wanted = {"auth.mfa_enforced_from": day.isoformat() if on and day else None, "auth.mfa_enforced": on}
    for key, value in wanted.items() if on else reversed(wanted.items()):
        if before[key] != value:
            settings_operations.set_value(actor, key=key, value=value)
    announcements.follow(actor.tenant_id or 0, on=on)
    return factor_demand({**before, **wanted})


def _today(timezone: str) -> date:
    return clock.now().astimezone(zone_of(timezone)).date()


def _members(tenant_id: int | None) -> sa.Select[tuple[Membership]]:
    return (
        sa.select(Membership)
        .join(Membership.user)
        .where(
            Membership.tenant_id == tenant_id,
            Membership.status == MembershipStatus.ACTIVE,
            User.disabled_at.is_(None),
        )
    )


def _live(tenant_id: int | None) -> tuple[sa.ColumnElement[bool], ...]:
    """Choose what is good for work in the organization now: sign-ins to any, and those bound to it."""
    return (
        UserSession.revoked_at.is_(None),
        UserSession.expires_at > clock.now(),
        sa.or_(UserSession.tenant_id.is_(None), UserSession.tenant_id == tenant_id),
    )


def _has_one_factor_session(tenant_id: int | None) -> sa.ColumnElement[bool]:
    weak = sa.exists().where(
        UserSession.user_id == User.id,
        UserSession.kind != "api_token",
        UserSession.factors < 2,
        *_live(tenant_id),
    )
    return weak.correlate(User)


def _tokens_without_factor(tenant_id: int | None) -> sa.Select[tuple[int]]:
    return (
        _members(tenant_id)
        .join(UserSession, UserSession.user_id == User.id)
        .where(
            User.two_factor_enabled_at.is_(None),
            UserSession.kind == "api_token",
            UserSession.tenant_id == tenant_id,
            *_live(tenant_id),
        )
        .with_only_columns(sa.func.count())
    )


def _with_sign_ins(tenant_id: int | None, memberships: Sequence[Membership]) -> Sequence[Affected]:
    counted = _sign_ins_of(tenant_id, [membership.user_id for membership in memberships])
    return [
        Affected(
            membership,
            membership.user.two_factor_enabled,
            *(counted[membership.user_id][1:] if membership.user_id in counted else (0, 0)),
        )
        for membership in memberships
    ]


def _sign_ins_of(tenant_id: int | None, user_ids: Collection[int]) -> Mapping[int, sa.Row[Any]]:
    token = UserSession.kind == "api_token"
    query = (
        sa.select(
            UserSession.user_id,
            sa.func.count(sa.case((sa.and_(~token, UserSession.factors < 2), 1))),
            sa.func.count(sa.case((sa.and_(token, UserSession.tenant_id == tenant_id), 1))),
        )
        .where(UserSession.user_id.in_(user_ids), *_live(tenant_id))
        .group_by(UserSession.user_id)
    )
    return {row.user_id: row for row in db.session.execute(query)}
