"""For each call of the setup hub that changes something: what makes it leave its row."""

import sqlalchemy as sa

from app.core.db import db
from app.surfaces.shared.transaction import transaction
from tests.architecture.audit_cases import act, leaves
from tests.support.world import World


def founded(world: World) -> str:
    world.organization(world.person())
    return world.token("api_v1")


@leaves("api_v1.setup.task_update", "setup.task_updated")
def task_updated(world: World) -> None:
    token = founded(world)
    body = {"status": "completed"}
    act(world, "api_v1.setup.task_update", token=token, path={"taskCode": "review_policies"}, json=body)


@leaves("api_v1.setup.auto_check", "setup.auto_checked")
def auto_checked(world: World) -> None:
    act(world, "api_v1.setup.auto_check", token=founded(world))


@leaves("api_v1.setup.complete", "setup.completed")
def completed(world: World) -> None:
    token = founded(world)
    for code in ("company_profile", "verify_owner_email", "review_policies"):
        world.done(
            "api_v1.setup.task_update", token=token, path={"taskCode": code}, json={"status": "completed"}
        )
    with world.app.app_context(), transaction():
        assert db.session.scalar(sa.text("SELECT count(*) FROM setup_tasks")) == 3
    act(world, "api_v1.setup.complete", token=token)
