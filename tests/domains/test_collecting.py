"""Jobs trials.expire and billing.collect: what happens to plans while months go by."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core import clock, jobs
from app.core.access import Actor, system
from app.core.db import db
from app.core.ids import Ref
from app.domains.billing import operations
from app.domains.billing.invoices import close
from app.domains.billing.models import Invoice, InvoiceStatus, Subscription, SubscriptionStatus
from app.domains.billing.operations import agree
from app.domains.billing.periods import after_months, next_month, part_of
from app.domains.tenants.administration import set_status
from app.domains.tenants.models import Tenant, TenantStatus
from app.surfaces.shared import keeping
from app.surfaces.shared.transaction import transaction
from tests.support.world import World

DAY = 24 * 3600
OWNER = "jane@world.example"


@pytest.fixture
def tenant_id(world: World) -> int:
    made = world.organization(world.person(OWNER))
    world.keep_promises()
    world.sent.clear()
    return made


@pytest.fixture
def at(app: Flask, move_clock: Callable[[int], None]) -> Callable[[datetime], None]:
    """Give a way to go to a moment of the future."""

    def go(moment: datetime) -> None:
        with app.app_context():
            move_clock(round((moment - clock.now()).total_seconds()))

    return go


def run(world: World, name: str) -> None:
    with world.app.app_context():
        keeping.run_job(jobs.JOBS[name])
    world.keep_promises()


def subscription(world: World) -> Subscription:
    with world.app.app_context():
        found = db.session.scalars(sa.select(Subscription)).one()
        db.session.expunge(found)
        return found


def invoices(world: World) -> list[Invoice]:
    with world.app.app_context():
        found = db.session.scalars(sa.select(Invoice).order_by(Invoice.id)).all()
        db.session.expunge_all()
        return list(found)


def tenant(world: World) -> Tenant:
    with world.app.app_context():
        found = db.session.scalars(sa.select(Tenant)).one()
        db.session.expunge(found)
        return found


def owner_of(tenant_id: int) -> Actor:
    return Actor(kind="session", user_id=1, tenant_id=tenant_id, role="owner")


def subscribe(world: World, tenant_id: int, plan: str = "pro") -> None:
    with world.app.app_context(), transaction():
        operations.subscribe(owner_of(tenant_id), plan_code=plan)


def give(world: World, tenant_id: int, plan: str, until: datetime | None, price: int | None) -> None:
    with world.app.app_context(), transaction():
        agree(system("test"), tenant_id=tenant_id, plan_code=plan, until=until, price=price)


def settle(world: World, status: InvoiceStatus = InvoiceStatus.PAID) -> None:
    for invoice in invoices(world):
        if invoice.status is InvoiceStatus.OPEN:
            with world.app.app_context(), transaction():
                close(system("test"), found=db.session.get(Invoice, invoice.id), status=status)


def subjects(world: World) -> list[str]:
    world.keep_promises()
    return [message.subject for message in world.sent]


# ---- months


@pytest.mark.parametrize(
    ("start", "ends"),
    [
        ((2027, 1, 31), [(2027, 2, 28), (2027, 3, 31), (2027, 4, 30), (2027, 5, 31)]),
        ((2028, 1, 31), [(2028, 2, 29), (2028, 3, 31)]),
        ((2028, 2, 29), [(2028, 3, 29), (2028, 4, 29)]),
        ((2027, 12, 30), [(2028, 1, 30), (2028, 2, 29), (2028, 3, 30)]),
        ((2026, 11, 15), [(2026, 12, 15), (2027, 1, 15)]),
    ],
)
def test_the_end_of_a_month_is_kept(start: tuple[int, int, int], ends: list[tuple[int, int, int]]) -> None:
    anchor = datetime(*start, 10, 30, tzinfo=UTC)
    moment = anchor
    for number, end in enumerate(ends, start=1):
        moment = next_month(anchor, moment)
        assert moment == datetime(*end, 10, 30, tzinfo=UTC) == after_months(anchor, number)


def test_a_part_is_rounded_down() -> None:
    start = datetime(2027, 1, 1, tzinfo=UTC)
    whole = (start, start + timedelta(days=30))
    assert part_of(29_900, (start + timedelta(days=10), whole[1]), whole) == 19_933


# ---- trials


def test_the_end_of_a_trial_is_told_once_and_then_it_is_dev(
    world: World, tenant_id: int, move_clock: Callable[[int], None]
) -> None:
    run(world, "trials.expire")
    assert subjects(world) == []
    move_clock(12 * DAY)
    for _ in range(3):
        run(world, "trials.expire")
    assert subjects(world) == ["Your trial ends in 2 days"]
    move_clock(2 * DAY + 60)
    before = subscription(world)
    for _ in range(2):
        run(world, "trials.expire")
    after = subscription(world)
    assert (after.plan_code, after.status) == ("dev", SubscriptionStatus.NONE)
    assert after.uid != before.uid
    assert after.period_start == before.period_end
    assert [str(row.kind) for row in world.trail()].count("subscription.changed") == 1
    assert len(subjects(world)) == 1


def test_choosing_during_the_trial_begins_the_paid_time_at_once(
    world: World, tenant_id: int, move_clock: Callable[[int], None]
) -> None:
    subscribe(world, tenant_id)
    assert subscription(world).status is SubscriptionStatus.ACTIVE
    move_clock(12 * DAY)
    run(world, "trials.expire")
    assert not [subject for subject in subjects(world) if subject.startswith("Your trial")]


# ---- months go by


def test_each_month_has_one_invoice_and_the_numbers_have_no_gap(
    world: World, tenant_id: int, at: Callable[[datetime], None]
) -> None:
    at(datetime(2028, 1, 31, 10, 30, tzinfo=UTC))
    subscribe(world, tenant_id)
    for month, day in ((2, 29), (3, 31), (4, 30)):
        at(datetime(2028, month, day, 11, tzinfo=UTC))
        for _ in range(3):
            run(world, "billing.collect")
        settle(world)
    found = invoices(world)
    starts = [(i.period_start.month, i.period_start.day) for i in found]
    assert starts == [(1, 31), (2, 29), (3, 31), (4, 30)]
    assert all(a.period_end == b.period_start for a, b in itertools.pairwise(found))
    assert [i.sequence for i in found] == [1, 2, 3, 4]
    assert {i.total for i in found} == {29_900}


def test_a_job_that_did_not_run_for_months_catches_up(
    world: World, tenant_id: int, at: Callable[[datetime], None]
) -> None:
    at(datetime(2027, 11, 5, 9, tzinfo=UTC))
    subscribe(world, tenant_id)
    at(datetime(2028, 1, 20, 9, tzinfo=UTC))
    run(world, "billing.collect")
    assert [i.number for i in invoices(world)] == [
        "INV-2027-000001",
        "INV-2028-000001",
        "INV-2028-000002",
    ]


def test_an_agreed_term_is_invoiced_by_the_month_and_goes_on_from_its_end(
    world: World, tenant_id: int, at: Callable[[datetime], None]
) -> None:
    begin = datetime(2027, 3, 1, 12, tzinfo=UTC)
    at(begin)
    give(world, tenant_id, "enterprise", datetime(2027, 5, 16, 12, tzinfo=UTC), 100_000)
    for month, day in ((4, 2), (5, 2), (5, 17), (6, 17)):
        at(datetime(2027, month, day, tzinfo=UTC))
        run(world, "billing.collect")
        settle(world)
    totals = [i.total for i in invoices(world)]
    assert totals[:2] == [100_000, 100_000]
    assert 45_000 < totals[2] < 50_000
    assert totals[3:] == [100_000, 100_000]
    assert [i.period_start.day for i in invoices(world)[2:]] == [1, 16, 16]


def test_a_plan_without_a_price_is_renewed_without_invoices(
    world: World, tenant_id: int, at: Callable[[datetime], None]
) -> None:
    at(datetime(2027, 3, 1, 12, tzinfo=UTC))
    give(world, tenant_id, "enterprise", None, None)
    at(datetime(2027, 6, 10, tzinfo=UTC))
    run(world, "billing.collect")
    ends = subscription(world).period_end
    assert ends is not None
    assert (ends.month, ends.day) == (7, 1)
    assert invoices(world) == []


# ---- what is not paid


@pytest.fixture
def overdue(world: World, tenant_id: int, move_clock: Callable[[int], None]) -> int:
    """Give an organization whose invoice was not paid in time."""
    subscribe(world, tenant_id)
    world.keep_promises()
    world.sent.clear()
    move_clock(14 * DAY + 60)
    for _ in range(2):
        run(world, "billing.collect")
    return tenant_id


def test_what_is_not_paid_in_time_is_told_once(world: World, overdue: int) -> None:
    assert subjects(world) == ["A payment failed"]
    assert subscription(world).status is SubscriptionStatus.PAST_DUE
    assert tenant(world).status is TenantStatus.ACTIVE
    with world.app.app_context(), pytest.raises(operations.PaymentOverdue), transaction():
        operations.subscribe(owner_of(overdue), plan_code="dev")


def test_after_the_grace_days_it_is_suspended_and_payment_lifts_it(
    world: World, overdue: int, move_clock: Callable[[int], None]
) -> None:
    move_clock(13 * DAY)
    run(world, "billing.collect")
    assert tenant(world).status is TenantStatus.ACTIVE
    move_clock(DAY + 60)
    run(world, "billing.collect")
    suspended = tenant(world)
    assert (suspended.status, suspended.status_reason) == (TenantStatus.SUSPENDED, "Payment overdue")
    move_clock(40 * DAY)
    run(world, "billing.collect")
    assert len(invoices(world)) == 1
    settle(world)
    assert tenant(world).status is TenantStatus.ACTIVE
    found = subscription(world)
    assert found.status is SubscriptionStatus.ACTIVE
    assert len(invoices(world)) == 2
    assert found.period_start == invoices(world)[1].period_start > suspended.updated_at


@pytest.mark.parametrize("status", [InvoiceStatus.VOID, InvoiceStatus.WRITTEN_OFF])
def test_what_is_not_owed_any_more_lifts_it_too(world: World, overdue: int, status: InvoiceStatus) -> None:
    settle(world, status)
    assert subscription(world).status is SubscriptionStatus.ACTIVE


def test_another_reason_is_not_lifted_by_payment(
    world: World, overdue: int, move_clock: Callable[[int], None]
) -> None:
    with world.app.app_context(), transaction():
        set_status(system("test"), tenant=Ref(id=overdue), status=TenantStatus.SUSPENDED, reason="Abuse")
    move_clock(20 * DAY)
    run(world, "billing.collect")
    settle(world)
    assert (tenant(world).status, tenant(world).status_reason) == (TenantStatus.SUSPENDED, "Abuse")


def test_whom_an_admin_lets_go_on_is_not_suspended_for_the_same_again(
    world: World, overdue: int, move_clock: Callable[[int], None]
) -> None:
    move_clock(14 * DAY + 60)
    run(world, "billing.collect")
    assert tenant(world).status is TenantStatus.SUSPENDED
    with world.app.app_context(), transaction():
        set_status(system("test"), tenant=Ref(id=overdue), status=TenantStatus.ACTIVE)
    run(world, "billing.collect")
    assert tenant(world).status is TenantStatus.ACTIVE


def test_a_closed_organization_gets_no_more_invoices(
    world: World, tenant_id: int, move_clock: Callable[[int], None]
) -> None:
    subscribe(world, tenant_id)
    settle(world)
    with world.app.app_context(), transaction():
        set_status(system("test"), tenant=Ref(id=tenant_id), status=TenantStatus.ARCHIVED)
    move_clock(70 * DAY)
    run(world, "billing.collect")
    run(world, "trials.expire")
    assert len(invoices(world)) == 1
    assert (subscription(world).plan_code, subscription(world).status) == ("dev", SubscriptionStatus.NONE)
