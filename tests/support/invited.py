"""What tests of invitations do again and again."""

from typing import Any

import sqlalchemy as sa
from werkzeug.test import TestResponse

from app.core.db import db
from app.domains.permissions.roles import Role
from app.domains.tenants.models import Membership, MembershipStatus
from app.surfaces.shared.transaction import transaction
from tests.support.world import World

SAM = "sam@world.example"


def found(world: World, email: str = "jane@world.example", slug: str = "world-corp") -> str:
    """Open an organization for somebody new; returns their token in it."""
    world.organization(world.person(email), slug)
    return world.scoped_token(email)


def invite(world: World, token: str, email: str = SAM, role: str = "member") -> str:
    """Invite an address; returns the invitation's id."""
    body = {"email": email, "role": role}
    return str(world.done("platform_api.invites.create", token=token, json=body)["id"])


def mailed(world: World, email: str = SAM) -> str:
    """Return the token in the newest invitation to an address."""
    world.keep_promises()
    before, world.sent[:] = list(world.sent), [m for m in world.sent if m.to == email]
    try:
        return world.mailed(r"accept-invitation\?token=([\w-]+)")
    finally:
        world.sent[:] = before


def accept(world: World, email: str, token: str) -> TestResponse:
    """Take an invitation as somebody who has an account."""
    signed_in = world.token("platform_api", email)
    return world.call("platform_api.invites.accept", token=signed_in, json={"token": token})


def member(world: World, tenant_id: int, email: str, role: Role) -> int:
    """Put somebody new into an organization; returns the person's id."""
    user_id = world.person(email)
    with world.app.app_context(), transaction():
        db.session.add(
            Membership(tenant_id=tenant_id, user_id=user_id, role=role, status=MembershipStatus.ACTIVE)
        )
    return user_id


def rows(world: World, statement: sa.Select[Any]) -> list[Any]:
    """Return what a query finds, cut loose."""
    with world.app.app_context():
        return [tuple(row) for row in db.session.execute(statement).all()]
