"""api_v1's erasing of people: under a tombstone, and never more of them than is this organization's."""

import pytest
import sqlalchemy as sa

from app.core.db import db
from app.domains.accounts.models import User
from app.domains.sessions.models import UserSession
from app.domains.tenants.models import MembershipStatus
from tests.support.members import join, membership_of
from tests.support.world import World
from tests.surfaces.api_v1.people import MEMBER, OWNER, act, refusal, staff


@pytest.fixture
def firm(world: World) -> World:
    return staff(world)


def test_the_last_membership_takes_the_account_along(firm: World) -> None:
    number = membership_of(firm, MEMBER)
    firm.token("api_v1", MEMBER)
    body = act(firm, "delete_permanent", OWNER, MEMBER).get_json()["data"]
    assert (body["id"], body["deleted"], body["personErased"]) == (number, True, True)
    assert body["tombstone"] == {"name": "Deleted user"}
    assert body["kept"]["messages"] == 0
    assert body["kept"]["auditEvents"] >= 1
    assert refusal(act(firm, "get", OWNER, int(number or 0))) == (404, "member:not_found")
    answer = firm.call(
        "api_v1.auth.login", json={"email": MEMBER, "password": "x" * 12, "tenantSlug": "world-corp"}
    )
    assert answer.status_code == 401
    assert MEMBER not in " ".join(str(row.changes) for row in firm.trail())
    assert join(firm, MEMBER) != number


def test_an_account_that_others_need_stays(firm: World) -> None:
    firm.organization(firm.person("eve@beta.example"), slug="beta-ltd")
    join(firm, MEMBER, slug="beta-ltd")
    here, there = firm.token("api_v1", MEMBER), firm.token("api_v1", MEMBER, "beta-ltd")
    body = act(firm, "delete_permanent", OWNER, MEMBER).get_json()["data"]
    assert body["personErased"] is False
    assert firm.call("api_v1.auth.me", token=here).status_code == 401
    assert firm.call("api_v1.auth.me", token=there).status_code == 200
    with firm.app.app_context():
        bound = sa.select(UserSession.id).join(User, User.id == UserSession.user_id)
        left = db.session.scalars(bound.where(User.email == MEMBER, UserSession.tenant_id.is_not(None))).all()
        assert len(left) == 1


def test_nobody_can_erase_the_account_of_whom_they_merely_invited(firm: World) -> None:
    number = join(firm, "own@other.example", status=MembershipStatus.INVITED)
    body = act(firm, "delete_permanent", OWNER, number).get_json()["data"]
    assert body["personErased"] is False
    assert firm.token("platform_api", "own@other.example")


def test_an_admin_of_the_platform_is_not_erased_by_an_organization(firm: World) -> None:
    firm.person("root@platform.example", admin=True)
    number = join(firm, "root@platform.example")
    assert act(firm, "delete_permanent", OWNER, number).get_json()["data"]["personErased"] is False
