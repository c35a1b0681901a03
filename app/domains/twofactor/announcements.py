"""Telling members without a second factor of a demand for it: when it is made, a week and a day ahead."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from app.core import clock, outbox
from app.core.db import db, is_sqlite
from app.core.jobs import job
from app.core.links import public_url
from app.core.outbox import Claimed
from app.domains.accounts.models import User
from app.domains.email import mails
from app.domains.settings import queries as settings
from app.domains.settings.factor_demand import DEMAND_KEYS, FactorDemand, factor_demand
from app.domains.tenants.models import Membership, MembershipStatus, Tenant, TenantStatus
from app.domains.twofactor.models import FactorDemandNotice

ANNOUNCE = "twofactor.announce"
_BATCH = 200
_AHEAD = (timedelta(days=7), timedelta(days=1))
_BEGUN = len(_AHEAD) + 1


def follow(tenant_id: int, *, on: bool) -> None:
    """Have the members told of a demand that was just made; forget what they were told of one withdrawn."""
    if on:
        outbox.promise(ANNOUNCE, {"tenant_id": tenant_id})
    else:
        _forget([tenant_id])


@job("factor_demands.announce", every=timedelta(hours=1))
def announce_all() -> int:
    """Have the members of every organization that demands it told what they have not been told."""
    demanding = _demanding()
    for tenant_id in demanding:
        outbox.promise(ANNOUNCE, {"tenant_id": tenant_id})
    told_of = db.session.scalars(sa.select(FactorDemandNotice.tenant_id).distinct())
    _forget([tenant_id for tenant_id in told_of if tenant_id not in set(demanding)])
    return len(demanding)


@outbox.effect(ANNOUNCE)
def _announce(claimed: Claimed) -> None:
    tenant = db.session.get(Tenant, claimed.payload["tenant_id"])
    if tenant is None or not tenant.is_active:
        return
    demand = factor_demand(settings.values(DEMAND_KEYS, tenant_id=tenant.id))
    if not demand.on:
        return
    asked = _take(tenant.id, demand)
    for user in asked:
        mails.two_factor_demand(
            user.email,
            first_name=user.greeting,
            tenant_name=tenant.name,
            tenant_id=tenant.id,
            begins=_begins(demand),
            link=public_url("/account/security"),
        )
    if len(asked) == _BATCH:
        outbox.promise(ANNOUNCE, {"tenant_id": tenant.id})


def _begins(demand: FactorDemand) -> date | str:
    return "now" if demand.day is None or demand.holds() else demand.day


def _stage(demand: FactorDemand, now: datetime) -> int:
    """Return how near it is: each step is told once, and those that are past already are not made up for."""
    if demand.begins_at is None or demand.holds(now):
        return _BEGUN
    return sum(demand.begins_at - now <= ahead for ahead in _AHEAD)


def _take(tenant_id: int, demand: FactorDemand) -> Sequence[User]:
    """Mark those who are to be told now as told, and return them: of two at once one gets each."""
    stage, day = _stage(demand, clock.now()), "" if demand.day is None else demand.day.isoformat()
    rows = [
        {"tenant_id": tenant_id, "user_id": user_id, "day": day, "stage": stage, "told_at": clock.now()}
        for user_id in db.session.scalars(_untold(tenant_id, day, stage))
    ]
    if not rows:
        return []
    insert: Any = (sqlite_insert if is_sqlite() else postgresql_insert)(FactorDemandNotice)
    marked = insert.on_conflict_do_update(
        index_elements=["tenant_id", "user_id"],
        set_={name: insert.excluded[name] for name in ("day", "stage", "told_at")},
        where=sa.or_(FactorDemandNotice.day != day, FactorDemandNotice.stage < stage),
    ).returning(FactorDemandNotice.user_id)
    taken = db.session.execute(marked, rows).scalars().all()
    return db.session.scalars(sa.select(User).where(User.id.in_(taken)).order_by(User.id)).all()


def _untold(tenant_id: int, day: str, stage: int) -> sa.Select[tuple[int]]:
    """Select active members without a second factor who were told nothing, another day, or less."""
    notice = FactorDemandNotice
    news = [notice.id.is_(None), notice.day != day]
    if stage < _BEGUN:  # who was told that it comes need not hear that it is there
        news.append(notice.stage < stage)
    told = sa.and_(notice.tenant_id == Membership.tenant_id, notice.user_id == Membership.user_id)
    return (
        sa.select(Membership.user_id)
        .join(User, User.id == Membership.user_id)
        .outerjoin(notice, told)
        .where(
            Membership.tenant_id == tenant_id,
            Membership.status == MembershipStatus.ACTIVE,
            User.two_factor_enabled_at.is_(None),
            User.disabled_at.is_(None),
            sa.or_(*news),
        )
        .order_by(Membership.user_id)
        .limit(_BATCH)
    )


def _demanding() -> Sequence[int]:
    ids = db.session.scalars(
        sa.select(Tenant.id).where(Tenant.status == TenantStatus.ACTIVE).order_by(Tenant.id)
    ).all()
    found: list[int] = []
    for begin in range(0, len(ids), _BATCH):
        switched = settings.by_tenant("auth.mfa_enforced", ids[begin : begin + _BATCH])
        found.extend(tenant_id for tenant_id, on in switched.items() if on is True)
    return found


def _forget(tenant_ids: Sequence[int]) -> None:
    db.session.execute(
        sa.delete(FactorDemandNotice)
        .where(FactorDemandNotice.tenant_id.in_(tenant_ids))
        .execution_options(synchronize_session=False)
    )
