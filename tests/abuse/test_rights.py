"""Rights that somebody has no more, or never had, give nothing to anybody."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.access import Actor, RoleRequired
from app.core.db import db
from app.core.permissions import Permission
from app.domains.members import access_requests
from app.domains.members.ranks import SelfForbidden
from app.domains.permissions.models import AccessRequest
from app.domains.permissions.roles import Role
from app.domains.tenants.models import Membership
from app.surfaces.shared.transaction import transaction
from tests.portal.conftest import Visitor
from tests.support.invited import SAM, accept, found, mailed
from tests.support.members import join
from tests.support.world import PASSWORD, World

ADMIN, MANAGER, MAX = "ada@world.example", "mia@world.example", "max@world.example"


def actor_of(world: World, email: str) -> Actor:
    """Return somebody as the door let them in a moment ago."""
    user_id = world.persons_id(email)
    with world.app.app_context():
        mine = db.session.scalars(sa.select(Membership).where(Membership.user_id == user_id)).one()
        known = Actor(kind="session", user_id=user_id, email=email, tenant_id=mine.tenant_id)
        return replace(known, membership_id=mine.id, role=str(mine.role), permissions=mine.role.base)


def asked(world: World, membership_id: int, wanted: str) -> AccessRequest:
    with world.app.app_context(), transaction():
        mine = db.session.get_one(Membership, membership_id)
        made = AccessRequest(
            tenant_id=mine.tenant_id,
            user_id=mine.user_id,
            wanted=wanted,
            expires_at=clock.now() + access_requests.LIFE,
        )
        db.session.add(made)
        db.session.flush()
        db.session.refresh(made)
        db.session.expunge(made)
        return made


def role_of(world: World, membership_id: int) -> Role:
    with world.app.app_context():
        return db.session.get_one(Membership, membership_id).role


@pytest.mark.parametrize("now", [Role.MEMBER, Role.VIEWER])
def test_i03_an_admin_who_is_none_by_now_grants_nothing(world: World, now: Role) -> None:
    found(world)
    admin_id, member_id = join(world, ADMIN, "admin"), join(world, MAX)
    actor, request = actor_of(world, ADMIN), asked(world, member_id, "role:admin")
    with world.app.app_context(), transaction():
        db.session.get_one(Membership, admin_id).role = now
    with world.app.app_context(), pytest.raises(RoleRequired), transaction():
        access_requests.grant(actor, uid=request.uid, role=Role.ADMIN)
    assert role_of(world, member_id) is Role.MEMBER


def test_nobody_grants_what_they_asked_for_themselves(world: World) -> None:
    """A manager asked, and was made an admin meanwhile; whoever gives it is another."""
    found(world)
    admin_id = join(world, ADMIN, "manager")
    request = asked(world, admin_id, str(Permission.AUDIT_VIEW))
    with world.app.app_context(), transaction():
        db.session.get_one(Membership, admin_id).role = Role.ADMIN
    with world.app.app_context(), pytest.raises(SelfForbidden), transaction():
        access_requests.grant(actor_of(world, ADMIN), uid=request.uid, profile_id=1)


def test_a_person_without_an_organization_asks_nobody(world: World) -> None:
    world.person(MAX)
    visitor = Visitor(world.app.test_client())
    assert visitor.sign_in(MAX, PASSWORD).status_code == 303
    sent = visitor.send(
        "/organization/permissions/ask", {"wanted": Permission.AUDIT_VIEW}, on="/account/password"
    )
    assert sent.status_code == 403


def test_a_manager_who_sends_again_what_an_admin_gave_takes_nothing_away(world: World) -> None:
    owner = found(world)
    join(world, MANAGER, "manager")
    world.person(SAM)
    with_profile = {"email": SAM, "firstName": "Sam", "lastName": "Roe", "role": "user", "profileId": 3}
    made = world.done("api_v1.users.create", token=world.token("api_v1"), json=with_profile)["data"]
    assert owner
    listed = world.done("platform_api.invites.list", token=owner)
    again = {"invite_id": listed["items"][0]["id"] if isinstance(listed, dict) else listed[0]["id"]}
    world.done("platform_api.invites.resend", token=world.scoped_token(MANAGER), path=again)
    assert accept(world, SAM, mailed(world)).status_code == 200
    assert made["profileId"] == 3


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("members.default_profile_id", "5"),
        ("members.default_role", "manager"),
        ("members.domain_joining", "join"),
    ],
)
def test_i03_who_may_only_set_settings_says_nothing_of_new_peoples_rights(
    world: World, key: str, value: str
) -> None:
    found(world)
    settings_alone = {"name": "Settings", "permissions": [7, 8]}
    owner = world.token("api_v1")
    made = world.done("api_v1.profiles.create", token=owner, json=settings_alone)["data"]
    join(world, MAX, profile_id=made["id"])
    visitor = Visitor(world.app.test_client())
    assert visitor.sign_in(MAX, PASSWORD).status_code == 303
    before = len(world.trail())
    page = f"/organization/settings/{key}"
    assert visitor.send(page, {"value": value}, on=page).status_code == 403
    assert len(world.trail()) == before
    other = "/organization/settings/general.website"
    assert visitor.send(other, {"value": "https://acme.example"}, on=other).status_code == 303
