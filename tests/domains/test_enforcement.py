"""A demand for the second factor: when it begins, whom it concerns, and who is told how often."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.core import clock, jobs
from app.core.access import Actor, Particulars
from app.core.db import db
from app.core.errors import ValidationFailed
from app.core.paging import CursorWindow
from app.core.permissions import Permission
from app.domains.accounts.models import User
from app.domains.audit.kinds import AuditKind
from app.domains.permissions.roles import Role
from app.domains.sessions.operations import StepUpRequired
from app.domains.settings import administration as settings_administration
from app.domains.settings import operations as settings_operations
from app.domains.settings import queries as settings
from app.domains.settings.errors import FactorWouldLockOut, SettingLocked
from app.domains.settings.factor_demand import DEMAND_KEYS, factor_demand
from app.domains.settings.models import SettingValue
from app.domains.tenants.models import Membership, Tenant
from app.domains.twofactor import enforcement
from app.surfaces.shared.transaction import transaction
from tests.support.world import World

DAY = 24 * 3600
JANE, KIM = "jane@world.example", "kim@world.example"
ASKS = "World Corp asks for a second factor"
Moves = Callable[[int], None]


def values(on: Any = True, day: Any = None, zone: Any = "UTC") -> dict[str, Any]:
    return dict(zip(DEMAND_KEYS, (on, day, zone), strict=True))


@pytest.mark.parametrize(
    ("given", "moment", "holds"),
    [
        (values(on=None), datetime(2026, 12, 1, tzinfo=UTC), False),
        (values(on=False), datetime(2026, 12, 1, tzinfo=UTC), False),
        (values(), datetime(2026, 11, 1, tzinfo=UTC), True),
        (values(day="2026-12-01"), datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC), False),
        (values(day="2026-12-01"), datetime(2026, 12, 1, tzinfo=UTC), True),
        (values(day="2026-12-01", zone="Europe/Berlin"), datetime(2026, 11, 30, 22, 59, tzinfo=UTC), False),
        (values(day="2026-12-01", zone="Europe/Berlin"), datetime(2026, 11, 30, 23, tzinfo=UTC), True),
        (values(day="2026-12-01", zone="America/New_York"), datetime(2026, 12, 1, 4, 59, tzinfo=UTC), False),
        (values(day="2026-12-01", zone="America/New_York"), datetime(2026, 12, 1, 5, tzinfo=UTC), True),
        (values(on=False, day="2026-01-01"), datetime(2026, 12, 1, tzinfo=UTC), False),
        (values(day="2026-12-01", zone=None), datetime(2026, 12, 1, tzinfo=UTC), True),
        (values(day="nonsense"), datetime(2026, 11, 1, tzinfo=UTC), True),
    ],
)
def test_it_begins_at_midnight_where_the_organization_is(
    given: dict[str, Any], moment: datetime, holds: bool
) -> None:
    demand = factor_demand(given)
    assert demand.holds(moment) is holds
    assert demand.is_announced(moment) is (demand.on and not holds)


# ---- in an organization


@pytest.fixture
def corp(world: World) -> int:
    """Return Jane's organization, in which Kim is a member."""
    tenant_id = world.organization(world.person(JANE))
    join(world, tenant_id, world.person(KIM))
    world.keep_promises()
    world.sent.clear()  # the welcomes
    return tenant_id


def join(world: World, tenant_id: int, user_id: int) -> None:
    with world.app.app_context(), transaction():
        db.session.add(Membership(tenant_id=tenant_id, user_id=user_id, role=Role.MEMBER))


def owner(world: World, tenant_id: int, *, factors: int = 1, proven: bool = True, **more: Any) -> Actor:
    with world.app.app_context():
        user = db.session.scalars(sa.select(User).where(User.email == JANE)).one()
        return Actor(
            kind="session",
            user_id=user.id,
            tenant_id=tenant_id,
            permissions=frozenset({Permission.SETTINGS_MANAGE}),
            factors=factors,
            proven_at=clock.now() - timedelta(days=0 if proven else 1),
            particulars=Particulars(two_factor_enabled=factors > 1),
            **more,
        )


def demand(world: World, actor: Actor, *, on: bool = True, ahead: int | None = None) -> None:
    with world.app.app_context(), transaction():
        enforcement.demand(actor, on=on, day=None if ahead is None else day(ahead))


def day(ahead: int) -> date:
    return (clock.now() + timedelta(days=ahead)).date()


def announce(world: World) -> None:
    with world.app.app_context(), transaction():
        jobs.run(jobs.JOBS["factor_demands.announce"])
    world.keep_promises()


def told(world: World, email: str = KIM) -> int:
    world.keep_promises()
    return sum(message.subject == ASKS and message.to == email for message in world.sent)


def test_members_without_one_are_told_once_when_it_is_made_a_week_and_a_day_ahead(
    world: World, corp: int, move_clock: Moves
) -> None:
    demand(world, owner(world, corp), ahead=14)
    assert told(world) == 1
    for days, times in ((0, 1), (6, 1), (1, 2), (5, 2), (1, 3), (1, 3), (1, 3)):
        move_clock(days * DAY)
        for _ in range(2):
            announce(world)
        assert told(world) == times, days


def test_one_that_is_near_already_is_announced_once_and_not_made_up_for(
    world: World, corp: int, move_clock: Moves
) -> None:
    demand(world, owner(world, corp), ahead=3)
    announce(world)
    assert told(world) == 1
    move_clock(2 * DAY + 3600)
    announce(world)
    assert told(world) == 2


def test_another_day_is_told_anew_and_a_withdrawn_demand_no_more(
    world: World, corp: int, move_clock: Moves
) -> None:
    demand(world, owner(world, corp), ahead=14)
    assert told(world) == 1
    demand(world, owner(world, corp), ahead=30)
    assert told(world) == 2
    demand(world, owner(world, corp), on=False)
    move_clock(29 * DAY)
    announce(world)
    assert told(world) == 2


def test_a_new_member_is_told_and_one_with_a_second_factor_is_not(world: World, corp: int) -> None:
    demand(world, owner(world, corp), ahead=14)
    join(world, corp, world.person("new@world.example"))
    safe = world.person("safe@world.example")
    join(world, corp, safe)
    world.authenticator(safe)
    announce(world)
    assert told(world, "new@world.example") == 1
    assert told(world, "safe@world.example") == 0


def test_a_demand_set_on_the_command_line_is_announced_too(world: World, corp: int) -> None:
    with world.app.app_context(), transaction():
        db.session.add(SettingValue(tenant_id=corp, key="auth.mfa_enforced", value=True))
    announce(world)
    assert told(world) == 1
    assert "from now on" in world.sent[-1].text


def test_nobody_demands_it_at_once_without_having_shown_their_own(world: World, corp: int) -> None:
    with pytest.raises(FactorWouldLockOut):
        demand(world, owner(world, corp))
    demand(world, owner(world, corp, factors=2))
    with world.app.app_context():
        assert factor_demand(settings.values(DEMAND_KEYS, tenant_id=corp)).holds()


@pytest.mark.parametrize("key", ["auth.mfa_enforced", "auth.mfa_enforced_from"])
def test_no_way_of_setting_it_goes_round_that(world: World, corp: int, key: str) -> None:
    actor = owner(world, corp)
    if key == "auth.mfa_enforced_from":
        demand(world, actor, ahead=14)
    value = True if key == "auth.mfa_enforced" else None
    with world.app.app_context(), pytest.raises(FactorWouldLockOut), transaction():
        settings_operations.set_value(actor, key=key, value=value)


def test_it_takes_a_fresh_proof(world: World, corp: int) -> None:
    with pytest.raises(StepUpRequired):
        demand(world, owner(world, corp, proven=False), ahead=14)


@pytest.mark.parametrize("ahead", [0, -1])
def test_its_day_is_to_come(world: World, corp: int, ahead: int) -> None:
    with pytest.raises(ValidationFailed):
        demand(world, owner(world, corp, factors=2), ahead=ahead)


def test_each_setting_that_changes_leaves_its_row_and_no_other(world: World, corp: int) -> None:
    before = len(world.trail())
    demand(world, owner(world, corp), ahead=14)
    demand(world, owner(world, corp), ahead=14)
    demand(world, owner(world, corp), ahead=20)
    rows = [row for row in world.trail()[before:] if row.kind is AuditKind.SETTING_UPDATED]
    keys = [row.changes["key"] for row in rows]
    assert keys == ["auth.mfa_enforced_from", "auth.mfa_enforced", "auth.mfa_enforced_from"]


def test_a_lock_of_the_platform_holds_the_day_too(world: World, corp: int) -> None:
    admin = Actor(kind="session", user_id=owner(world, corp).user_id, is_platform_admin=True)
    demand(world, owner(world, corp), ahead=14)
    with world.app.app_context(), transaction():
        settings_administration.set_platform_value(admin, key="auth.mfa_enforced", value=True, locked=True)
    with world.app.app_context():
        assert factor_demand(settings.values(DEMAND_KEYS, tenant_id=corp)).holds()
        assert enforcement.standing(owner(world, corp)).locked
    with world.app.app_context(), pytest.raises(SettingLocked), transaction():
        settings_operations.set_value(owner(world, corp), key="auth.mfa_enforced_from", value="2099-01-01")


# ---- whom it concerns


def preview(world: World, tenant_id: int, **window: Any) -> enforcement.Preview:
    with world.app.app_context():
        return enforcement.preview(owner(world, tenant_id), window=CursorWindow(**window))


def test_the_preview_counts_people_sign_ins_and_tokens(world: World, corp: int) -> None:
    safe = world.person("safe@world.example")
    join(world, corp, safe)
    world.authenticator(safe)
    weak = world.person("weak@world.example")
    join(world, corp, weak)
    world.token("services_v1", "weak@world.example")
    world.authenticator(weak)
    wanted = {"name": "Nightly export", "scopes": ["read"]}
    world.done("services_v1.api_tokens.create", token=world.token("services_v1", KIM), json=wanted)
    found = preview(world, corp)
    assert (found.members, found.without_factor, found.one_factor_only, found.api_tokens) == (4, 2, 1, 1)
    listed = {one.membership.user.email: (one.has_factor, one.api_tokens) for one in found.affected}
    assert listed == {JANE: (False, 0), KIM: (False, 1), "weak@world.example": (True, 0)}


def test_the_preview_lists_in_parts(world: World, corp: int) -> None:
    first = preview(world, corp, limit=1)
    rest = preview(world, corp, limit=1, cursor=first.next_cursor)
    emails = [one.membership.user.email for one in (*first.affected, *rest.affected)]
    assert sorted(emails) == [JANE, KIM]
    assert rest.next_cursor is None


def test_other_organizations_people_are_none_of_its_business(world: World, corp: int) -> None:
    world.organization(world.person("charlie@other.example"), slug="other-corp")
    with world.app.app_context():
        other = db.session.scalars(sa.select(Tenant.id).where(Tenant.slug == "other-corp")).one()
    assert preview(world, other).members == 1
    assert preview(world, corp).members == 2
