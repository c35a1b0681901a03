"""The instance in figures: totals for the API, and what the console draws."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from app.core import clock, figures, jobs, outbox
from app.core.access import Access, Actor, operation
from app.core.db import db
from app.core.figures import CALLS, MAILS, REFUSED, SIGN_UPS
from app.core.jobs import JobRun
from app.core.outbox import Backlog
from app.domains.accounts.models import User
from app.domains.tenants.models import Tenant, TenantStatus

VIOLATIONS = frozenset(
    {
        "rate:limited",
        "auth:permission_denied",
        "auth:role_required",
        "auth:scope_missing",
        "auth:platform_admin_required",
        "auth:address_not_allowed",
        "auth:method_not_allowed",
        "setting:locked",
        "auth:refresh_token_reused",
    }
)
"""Codes of calls that a rule turned down; an address held back after failed sign-ins is ``rate:limited``."""
SERIES = ("sign_ups", "mails", "requests", "violations")
DAYS = 30


@dataclass(frozen=True)
class Stats:
    """The instance's totals; what is of the last 24 hours is counted by the hour."""

    total_tenants: int
    active_tenants: int
    total_users: int
    total_api_requests_24h: int
    total_violations_24h: int


@dataclass(frozen=True)
class Engine:
    """How the work in the background stands."""

    backlog: Backlog
    jobs: Sequence[tuple[str, JobRun | None]]
    """Every periodic job with what is known of its runs."""


@operation(Access.PLATFORM_ADMIN)
def stats(actor: Actor) -> Stats:
    """Return the instance's totals: four queries."""
    active = sa.func.sum(sa.case((Tenant.status == TenantStatus.ACTIVE, 1), else_=0))
    tenants, active_ones = db.session.execute(
        sa.select(sa.func.count(), sa.func.coalesce(active, 0)).select_from(Tenant)
    ).one()
    placeholder = sa.and_(User.password_hash.is_(None), User.email_verified_at.is_(None))
    people = db.session.scalar(sa.select(sa.func.count()).select_from(User).where(~placeholder)) or 0
    since = figures.this_hour() - timedelta(hours=23)
    return Stats(
        tenants,
        int(active_ones),
        people,
        figures.total(since=since, beginning=CALLS),
        figures.total(since=since, beginning=REFUSED),
    )


@operation(Access.PLATFORM_ADMIN)
def days(actor: Actor) -> Mapping[str, Sequence[tuple[date, int]]]:
    """Return sign-ups, mails, requests and violations of the last 30 days, by the days of the actor."""
    zone = ZoneInfo(actor.particulars.timezone or "UTC")
    today = clock.now().astimezone(zone).date()
    wanted = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    counted: defaultdict[tuple[str, date], int] = defaultdict(int)
    first = datetime.combine(wanted[0], datetime.min.time(), zone)
    for hour, series, times in figures.by_hour(since=first, series=_SERIES_OF):
        counted[series, hour.astimezone(zone).date()] += times
    return {series: [(day, counted[series, day]) for day in wanted] for series in SERIES}


_SERIES_OF = {CALLS: "requests", REFUSED: "violations", MAILS: "mails", SIGN_UPS: "sign_ups"}


@operation(Access.PLATFORM_ADMIN)
def engine(actor: Actor) -> Engine:
    """Return what waits, what was given up, and how the periodic jobs ended last."""
    known = jobs.runs()
    return Engine(outbox.backlog(), [(name, known.get(name)) for name in sorted(jobs.JOBS)])
