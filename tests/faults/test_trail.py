"""P04: what cannot be written into the trail does not happen."""

from typing import Any

import sqlalchemy as sa

from app.core.db import db
from app.domains.audit.models import AuditEvent
from app.domains.tenants.models import Membership
from tests.support.members import join, plan
from tests.support.world import World


def test_p04_a_change_whose_row_cannot_be_written_is_taken_back(world: World) -> None:
    world.organization(world.person())
    plan(world, slug="world-corp")
    membership_id = join(world, "sam@world.example", slug="world-corp")
    token = world.token("api_v1")

    def fail(*_: Any) -> None:
        raise sa.exc.OperationalError("INSERT INTO audit_events", {}, Exception("disk full"))

    sa.event.listen(AuditEvent, "before_insert", fail)
    try:
        answer = world.call(
            "api_v1.users.update", token=token, path={"id": str(membership_id)}, json={"role": "viewer"}
        )
    finally:
        sa.event.remove(AuditEvent, "before_insert", fail)
    assert answer.status_code == 503, answer.text
    with world.app.app_context():
        role = db.session.scalar(sa.select(Membership.role).where(Membership.id == membership_id))
    assert str(role) == "member"
