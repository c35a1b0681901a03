"""platform_api's members: the same people, by their own ids; roles, removal and leaving."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.core.db import db
from app.domains.tenants.models import Membership, MembershipStatus
from app.surfaces.shared.transaction import transaction
from tests.support.members import join, membership_of, plan, uid_of
from tests.support.world import World

OWNER, ADMIN = "jane@world.example", "ada@world.example"
MANAGER, MEMBER = "max@world.example", "kim@world.example"
HELPER = "ida@world.example"


@pytest.fixture
def firm(world: World) -> World:
    world.organization(world.person(OWNER))
    plan(world)
    join(world, MEMBER, first_name="Kim", last_name="Lee")
    join(world, ADMIN, "admin")
    join(world, MANAGER, "manager")
    join(world, HELPER, profile_id=2)
    return world


def act(world: World, name: str, who: str, whom: str, **body: Any) -> TestResponse:
    uid = whom if whom.startswith("usr_") else uid_of(world, whom)
    token = world.scoped_token(who)
    return world.call(f"platform_api.members.{name}", token=token, path={"user_id": uid}, json=body or None)


def refusal(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, str(answer.get_json()["code"])


def listed(world: World, query: str = "", who: str = OWNER) -> TestResponse:
    head = {"Authorization": f"Bearer {world.scoped_token(who)}"}
    return world.app.test_client().get(f"/platform/api/service/members{query}", headers=head)


def test_the_owner_comes_first_then_who_joined_first(firm: World) -> None:
    answer = listed(firm)
    rows = answer.get_json()
    assert [row["email"] for row in rows] == [OWNER, MEMBER, ADMIN, MANAGER, HELPER]
    assert answer.headers["X-Total-Count"] == "5"
    assert rows[1]["id"].startswith("mem_")
    assert set(rows[1]) == {
        *("id", "user_id", "email", "first_name", "last_name", "role", "status", "joined_at"),
    }
    assert [row["email"] for row in listed(firm, "?limit=2&offset=1").get_json()] == [MEMBER, ADMIN]


def test_invited_ones_only_when_asked_for(firm: World) -> None:
    join(firm, "sam@other.example", status=MembershipStatus.INVITED)
    join(firm, "old@other.example", status=MembershipStatus.INACTIVE)
    assert len(listed(firm).get_json()) == 6
    (row,) = listed(firm, "?status=invited").get_json()
    assert (row["first_name"], row["last_name"], row["joined_at"]) == (None, None, None)
    assert len(listed(firm, "?status=all").get_json()) == 7
    assert [row["email"] for row in listed(firm, "?role=manager").get_json()] == [MANAGER]
    assert listed(firm, "?role=king").status_code == 422


def test_a_role_is_changed(firm: World) -> None:
    row = act(firm, "update_role", OWNER, MEMBER, role="admin").get_json()
    assert (row["role"], row["user_id"]) == ("admin", uid_of(firm, MEMBER))
    before = len(firm.trail())
    assert act(firm, "update_role", OWNER, MEMBER, role="admin").status_code == 200
    assert [e for e in firm.trail()[before:] if e.kind == "member.updated"] == []


@pytest.mark.parametrize(
    ("who", "whom", "role", "expected"),
    [
        (OWNER, OWNER, "admin", (403, "member:owner_fixed")),
        (ADMIN, OWNER, "viewer", (403, "member:owner_fixed")),
        (ADMIN, ADMIN, "viewer", (409, "member:self_forbidden")),
        (MANAGER, ADMIN, "viewer", (403, "member:outranks_you")),
        (MANAGER, MEMBER, "admin", (403, "member:role_above_own")),
        (MANAGER, MEMBER, "manager", (403, "member:role_above_own")),
        (HELPER, MEMBER, "viewer", (403, "member:outranks_you")),
        (HELPER, HELPER, "admin", (409, "member:self_forbidden")),
        (MEMBER, HELPER, "viewer", (403, "auth:permission_denied")),
        (OWNER, MEMBER, "owner", (422, "validation")),
        (OWNER, MEMBER, "ADMIN ", (422, "validation")),
        (OWNER, "usr_00000000000000000000000000000000", "admin", (404, "member:not_found")),
        (OWNER, "usr_x", "admin", (404, "member:not_found")),
    ],
)
def test_i02_i03_nobody_reaches_above_themselves(
    firm: World, who: str, whom: str, role: str, expected: tuple[int, str]
) -> None:
    assert refusal(act(firm, "update_role", who, whom, role=role)) == expected


def test_a_removal_ends_everything_here_at_once(firm: World) -> None:
    scoped, own = firm.token("api_v1", MEMBER), firm.token("services_v1", MEMBER)
    platform = firm.scoped_token(MEMBER)
    wanted = {"name": "Nightly export", "scopes": ["read"]}
    made = firm.done("services_v1.api_tokens.create", token=own, json=wanted)["data"]["token"]
    assert act(firm, "remove", OWNER, MEMBER).get_json() == {"message": "Member removed"}
    assert firm.call("api_v1.auth.me", token=scoped).status_code == 401
    assert firm.call("platform_api.tenant.info", token=platform).status_code == 401
    assert firm.call("services_v1.user.get", token=made).status_code == 401
    assert firm.call("services_v1.user.get", token=own).status_code == 200
    assert refusal(act(firm, "remove", OWNER, MEMBER)) == (404, "member:not_found")
    (told,) = [row for row in firm.trail() if row.kind == "member.removed"]
    assert (told.changes["api_tokens"], told.changes["left"]) == (1, False)
    assert firm.sent[-1].subject == "Your access to World Corp has ended"


def test_the_place_of_a_token_becomes_free(firm: World) -> None:
    plan(firm, "dev")
    own = firm.token("services_v1", MEMBER)
    wanted = {"name": "Only one", "scopes": ["read"]}
    firm.done("services_v1.api_tokens.create", token=own, json=wanted)
    other = firm.token("services_v1", ADMIN)
    assert firm.call("services_v1.api_tokens.create", token=other, json=wanted).status_code == 402
    act(firm, "remove", OWNER, MEMBER)
    assert firm.call("services_v1.api_tokens.create", token=other, json=wanted).status_code == 201


@pytest.mark.parametrize(
    ("who", "whom", "expected"),
    [
        (OWNER, OWNER, (403, "member:owner_fixed")),
        (ADMIN, OWNER, (403, "member:owner_fixed")),
        (MANAGER, ADMIN, (403, "member:outranks_you")),
        (HELPER, MEMBER, (403, "member:outranks_you")),
        (MEMBER, HELPER, (403, "auth:permission_denied")),
    ],
)
def test_who_cannot_be_removed(firm: World, who: str, whom: str, expected: tuple[int, str]) -> None:
    assert refusal(act(firm, "remove", who, whom)) == expected
    assert membership_of(firm, whom)


def test_everybody_but_the_owner_may_leave(firm: World) -> None:
    assert act(firm, "remove", MEMBER, MEMBER).status_code == 200
    assert act(firm, "remove", ADMIN, ADMIN).status_code == 200
    (told, _) = [row for row in firm.trail() if row.kind == "member.removed"]
    assert told.changes["left"] is True


def test_an_invited_one_goes_without_a_mail(firm: World) -> None:
    join(firm, "sam@other.example", status=MembershipStatus.INVITED)
    firm.keep_promises()
    mails = len(firm.sent)
    assert act(firm, "remove", OWNER, "sam@other.example").status_code == 200
    firm.keep_promises()
    assert len(firm.sent) == mails


def test_h01_anothers_member_is_as_little_there_as_nobody(firm: World) -> None:
    firm.organization(firm.person("eve@beta.example"), slug="beta-ltd")
    for name, body in (("update_role", {"role": "viewer"}), ("remove", {})):
        theirs = act(firm, name, "eve@beta.example", MEMBER, **body)
        nobodys = act(firm, name, "eve@beta.example", "usr_" + "0" * 31 + "1", **body)
        assert refusal(theirs) == (404, "member:not_found")
        assert theirs.get_json() == nobodys.get_json()
    assert membership_of(firm, MEMBER)


def test_e05_a_lost_role_counts_at_the_next_call(firm: World) -> None:
    scoped = firm.scoped_token(ADMIN)
    assert act(firm, "update_role", OWNER, ADMIN, role="viewer").status_code == 200
    path = {"user_id": uid_of(firm, MEMBER)}
    answer = firm.call("platform_api.members.update_role", token=scoped, path=path, json={"role": "viewer"})
    assert refusal(answer) == (403, "auth:permission_denied")
    assert firm.call("platform_api.members.remove", token=scoped, path=path).status_code == 403


def test_a_person_with_two_organizations_is_judged_in_each(firm: World) -> None:
    firm.organization(firm.person("eve@beta.example"), slug="beta-ltd")
    join(firm, MEMBER, "admin", slug="beta-ltd")
    token = firm.token("api_v1", MEMBER, "world-corp")
    number = str(membership_of(firm, ADMIN))
    assert firm.call("api_v1.users.deactivate", token=token, path={"id": number}).status_code == 403
    with firm.app.app_context(), transaction():
        assert db.session.get_one(Membership, int(number)).status is MembershipStatus.ACTIVE
