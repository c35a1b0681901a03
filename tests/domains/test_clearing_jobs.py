"""What ends by itself: unproven sign-ups, unclaimed organizations, spent tokens; and what must not."""

import itertools
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core import clock, ids, jobs, redis
from app.core.db import db
from app.domains.accounts.models import HeldAddress, User
from app.domains.audit.models import AuditEvent
from app.domains.auth.models import LinkPurpose, MailedLink
from app.domains.billing.models import Subscription, SubscriptionStatus
from app.domains.email import deliveries
from app.domains.email.settings_models import Delivery
from app.domains.permissions.roles import Role
from app.domains.tenants.models import Membership, MembershipStatus, Tenant, TenantStatus
from app.surfaces.shared import keeping

DAY = 24 * 3600


@pytest.fixture(autouse=True)
def _no_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis, "ring", lambda: None)


def person(name: str, *, proven: bool = False, admin: bool = False) -> User:
    email = f"{name}@example.org"
    user = User(email=email, email_key=email, is_platform_admin=admin)
    user.email_verified_at = clock.now() if proven else None
    db.session.add(user)
    db.session.flush()
    return user


def owned_by(user: User, slug: str, status: MembershipStatus) -> Tenant:
    tenant = Tenant(slug=slug, name=slug)
    db.session.add(tenant)
    db.session.flush()
    db.session.add(Membership(tenant_id=tenant.id, user_id=user.id, role=Role.OWNER, status=status))
    db.session.commit()
    return tenant


def run(name: str) -> int:
    done = keeping.run_job(jobs.JOBS[name])
    db.session.expire_all()
    return done


def test_a_sign_up_that_nobody_proved_goes_after_thirty_days(
    in_app: Flask, move_clock: Callable[[int], None]
) -> None:
    person("unproven")
    person("proven", proven=True)
    person("operator", admin=True)
    owned_by(person("owner"), "kept", MembershipStatus.ACTIVE)
    move_clock(29 * DAY)
    person("late")
    db.session.commit()
    assert run("users.drop_unproven") == 0
    move_clock(2 * DAY)
    assert run("users.drop_unproven") == 1
    left = set(db.session.scalars(sa.select(User.email)))
    assert left == {f"{name}@example.org" for name in ("proven", "operator", "owner", "late")}


def test_an_organization_that_nobody_claimed_goes_after_seven_days_and_frees_its_slug(
    in_app: Flask, move_clock: Callable[[int], None]
) -> None:
    owned_by(person("asked"), "unclaimed", MembershipStatus.INVITED)
    owned_by(person("founder"), "claimed", MembershipStatus.ACTIVE)
    move_clock(6 * DAY)
    assert run("tenants.drop_unclaimed") == 0
    move_clock(2 * DAY)
    assert run("tenants.drop_unclaimed") == 1
    assert run("tenants.drop_unclaimed") == 0
    by_status = {tenant.status: tenant.slug for tenant in db.session.scalars(sa.select(Tenant))}
    assert by_status[TenantStatus.ACTIVE] == "claimed"
    assert by_status[TenantStatus.ARCHIVED] != "unclaimed"
    (row,) = db.session.scalars(sa.select(AuditEvent))
    assert (str(row.kind), row.actor_kind, row.dialect) == (
        "tenant.status_changed",
        "system",
        "tenants.drop_unclaimed",
    )


def test_spent_links_go_a_week_after_they_ran_out(in_app: Flask, move_clock: Callable[[int], None]) -> None:
    user = person("kim", proven=True)
    for number, hours in enumerate((1, 24 * 20)):
        db.session.add(
            MailedLink(
                purpose=LinkPurpose.PASSWORD_RESET,
                token_hash=bytes([number]) * 32,
                user_id=user.id,
                email_key=user.email_key,
                expires_at=clock.now() + timedelta(hours=hours),
            )
        )
    db.session.commit()
    move_clock(6 * DAY)
    assert run("retention.prune") == 0
    move_clock(2 * DAY)
    assert run("retention.prune") == 1
    assert db.session.scalar(sa.select(sa.func.count(MailedLink.id))) == 1


def test_an_address_given_up_is_kept_only_as_long_as_it_is_held(
    in_app: Flask, move_clock: Callable[[int], None]
) -> None:
    user = person("kim", proven=True)
    held_until = clock.now() + timedelta(days=7)
    email = "old@example.org"
    db.session.add(HeldAddress(email=email, email_key=email, user_id=user.id, until=held_until))
    db.session.commit()
    move_clock(6 * DAY)
    assert run("retention.prune") == 0
    move_clock(2 * DAY)
    assert run("retention.prune") == 1
    assert db.session.scalar(sa.select(sa.func.count(HeldAddress.id))) == 0


def _on_plan(slug: str, code: str | None, *, until: timedelta | None = None) -> int:
    tenant = owned_by(person(slug, proven=True), slug, MembershipStatus.ACTIVE)
    if code is not None:
        status = SubscriptionStatus.ACTIVE if until is None else SubscriptionStatus.CANCELLED
        period_end = None if until is None else clock.now() + until
        db.session.add(
            Subscription(
                tenant_id=tenant.id,
                plan_code=code,
                status=status,
                period_start=clock.now(),
                period_end=period_end,
            )
        )
    return tenant.id


def test_what_became_of_mails_is_known_as_long_as_the_plan_keeps_logs(
    in_app: Flask, move_clock: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan that is over counts as dev; mails of nobody's organization are the instance's own."""
    monkeypatch.setattr(deliveries, "_AT_ONCE", 1)
    kept = {
        _on_plan("none", None): 7,
        _on_plan("dev", "dev"): 7,
        _on_plan("pro", "pro"): 90,
        _on_plan("enterprise", "enterprise"): 365,
        _on_plan("ended", "pro", until=timedelta(days=5)): 7,
        None: deliveries.KEPT_DAYS,
    }
    for tenant_id in [*kept, *kept]:
        about = {"mail": "x", "event": "y", "to": "kim@example.org", "own_server": False}
        deliveries.begin(ids.new_uid(), tenant_id=tenant_id, **about)
    db.session.commit()
    for before, days in itertools.pairwise((0, 6, 8, 89, 91, 364, 366)):
        move_clock((days - before) * DAY)
        run("retention.prune")
        left = set(db.session.scalars(sa.select(Delivery.tenant_id)))
        assert left == {tenant_id for tenant_id, most in kept.items() if most > days}, days
