"""Whoever signs in all the time leaves few rows: what is asked of one account stays quick."""

from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa

from app.core import clock, jobs
from app.core.db import db
from app.domains.clients.models import ClientAccount
from app.domains.sessions.models import UserSession
from app.surfaces.shared import keeping
from app.surfaces.shared.transaction import transaction
from tests.support.service import PASSWORD, put, service_user
from tests.support.world import World

ONE_DAY = 24 * 3600


def left_behind(
    world: World, count: int, *, client_id: int | None = None, service_user_id: int | None = None
) -> None:
    """Leave sessions of one account that ran out a while ago."""
    with world.app.app_context(), transaction():
        now = clock.now()
        for number in range(count):
            db.session.add(
                UserSession(
                    client_id=client_id,
                    service_user_id=service_user_id,
                    kind="client" if client_id else "service",
                    dialect="client_v1",
                    name="x",
                    proven_at=now,
                    last_used_at=now,
                    created_at=now - timedelta(days=40, seconds=number),
                    expires_at=now - timedelta(days=2, seconds=number),
                )
            )


def there_are(world: World) -> int:
    with world.app.app_context():
        return db.session.scalar(sa.select(sa.func.count()).select_from(UserSession)) or 0


def test_a_client_that_signs_in_all_the_time_leaves_a_hundred_ended_sessions(world: World) -> None:
    user = service_user(world)
    user.client()
    with world.app.app_context():
        client_id = db.session.scalars(sa.select(ClientAccount.id)).one()
    left_behind(world, 125, client_id=client_id)
    before = there_are(world)
    body = {"email": "new_client@client.com", "password": PASSWORD}
    for _ in range(4):
        user.done("session.login", json=body)
    assert there_are(world) == before + 4 - 25


def test_a_service_user_that_signs_in_all_the_time_leaves_those_of_a_day(world: World) -> None:
    user = service_user(world)
    left_behind(world, 25, service_user_id=user.id)
    before = there_are(world)
    for _ in range(3):
        user.sign_in()
    assert there_are(world) == before + 3 - 25


def test_old_sessions_are_deleted_a_few_at_a_time(world: World, move_clock: Callable[[int], None]) -> None:
    user = service_user(world)
    put(world, "clients.enabled", True)
    left_behind(world, 30, service_user_id=user.id)
    before = there_are(world)
    with world.app.app_context():
        keeping.run_job(jobs.JOBS["retention.prune"])
    assert there_are(world) == before
    move_clock(29 * ONE_DAY)
    with world.app.app_context():
        keeping.run_job(jobs.JOBS["retention.prune"])
    assert there_are(world) == before - 30
