"""api_v1's permission profiles, and how what they hold counts from the next call on."""

from typing import Any

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from app.core import clock
from app.core.access import Actor
from app.core.db import db
from app.core.errors import ValidationFailed
from app.core.permissions import PERMISSIONS, Permission
from app.domains.permissions import queries
from app.domains.permissions.models import PermissionProfile
from app.domains.permissions.queries import ProfileAboveOwn
from app.domains.permissions.roles import Role
from app.domains.tenants.models import Membership, MembershipStatus, Tenant
from app.surfaces.shared.transaction import transaction
from tests.support.world import World

OWNER = "olga@world.example"
JANE = "jane@world.example"
SALES = {"name": "Sales Manager", "description": "Full sales access", "permissions": [38, 1, 2, 3]}


def join(world: World, slug: str, email: str, role: Role, profile_id: int = 1) -> int:
    """Add a new person to an organization; returns the membership's id."""
    user_id = world.person(email)
    with world.app.app_context(), transaction():
        tenant = db.session.scalars(sa.select(Tenant).where(Tenant.slug == slug)).one()
        made = Membership(
            tenant_id=tenant.id, user_id=user_id, role=role, profile_id=profile_id, joined_at=clock.now(),
            status=MembershipStatus.ACTIVE,
        )  # fmt: skip
        db.session.add(made)
        db.session.flush()
        return made.id


def give(world: World, membership_id: int, profile_id: int) -> None:
    with world.app.app_context(), transaction():
        db.session.get_one(Membership, membership_id).profile_id = profile_id


@pytest.fixture
def owner(world: World) -> str:
    """Return what Olga, who owns World Corp, calls with."""
    world.organization(world.person(OWNER))
    return world.token("api_v1", OWNER)


def make(world: World, token: str, **changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = world.done("api_v1.profiles.create", token=token, json=SALES | changes)["data"]
    return body


def at(profile_id: object) -> dict[str, str]:
    return {"id": str(profile_id)}


def said(answer: TestResponse) -> tuple[int, Any]:
    return answer.status_code, answer.get_json()["error"]["code"]


def test_a_new_profile_is_answered_whole_with_its_permissions_in_order(world: World, owner: str) -> None:
    answer = world.call(
        "api_v1.profiles.create", token=owner, json=SALES | {"permissions": [38, 1, 2, 3, 1, 38]}
    )
    assert answer.status_code == 201
    data = answer.get_json()["data"]
    assert data["id"] >= 1001
    assert data["permissions"] == [1, 2, 3, 38]
    assert data["permissionCodes"] == ["members.view", "members.manage", "members.erase", "audit.view"]
    assert (data["isSystem"], data["isActive"], data["userCount"]) == (False, True, 0)
    assert (data["permissionCount"], data["description"]) == (4, "Full sales access")
    assert set(data["createdBy"]) == {"userId", "name", "avatar", "deleted"}
    assert (data["createdBy"]["name"], data["createdBy"]["deleted"]) == ("Jane Doe", False)
    assert world.done("api_v1.profiles.get", token=owner, path=at(data["id"]))["data"] == data


def test_the_list_begins_with_the_systems_and_counts_active_and_invited_people(
    world: World, owner: str
) -> None:
    made = make(world, owner)
    make(world, owner, name="another")
    join(world, "world-corp", JANE, Role.MEMBER, made["id"])
    gone = join(world, "world-corp", "gone@world.example", Role.MEMBER, made["id"])
    asked = join(world, "world-corp", "asked@world.example", Role.MEMBER, made["id"])
    with world.app.app_context(), transaction():
        db.session.get_one(Membership, gone).status = MembershipStatus.INACTIVE
        db.session.get_one(Membership, asked).status = MembershipStatus.INVITED
    found = world.done("api_v1.profiles.list", token=owner)["data"]
    assert [profile["id"] for profile in found[:7]] == [1, 2, 3, 4, 5, 6, 7]
    assert [profile["name"] for profile in found[7:]] == ["another", "Sales Manager"]
    assert found[8]["userCount"] == 2
    assert (found[0]["isSystem"], found[0]["userCount"]) == (True, 1)
    world.done("api_v1.profiles.deactivate", token=owner, path=at(made["id"]))
    path = "/api/v1/profiles?status="
    headers = {"Authorization": f"Bearer {owner}"}
    inactive = world.app.test_client().get(f"{path}inactive", headers=headers).get_json()["data"]
    assert [profile["id"] for profile in inactive] == [made["id"]]
    assert world.app.test_client().get(f"{path}odd", headers=headers).status_code == 400


def test_all_permissions_are_listed_by_number(world: World, owner: str) -> None:
    found = world.done("api_v1.profiles.permissions", token=owner)["data"]
    assert [permission["id"] for permission in found] == sorted(about.id for about in PERMISSIONS.values())
    assert set(found[0]) == {"id", "code", "module", "label"}


@pytest.mark.parametrize(
    "name", ["Sales Manager", "sales MANAGER", "  Sales   Manager ", "Auditor", "standard"]
)
def test_names_differ_without_regard_to_case(world: World, owner: str, name: str) -> None:
    made = make(world, owner)
    world.done("api_v1.profiles.deactivate", token=owner, path=at(made["id"]))
    answer = world.call("api_v1.profiles.create", token=owner, json=SALES | {"name": name})
    assert said(answer) == (409, "profile:name_taken")
    other = make(world, owner, name="Other")
    renamed = world.call("api_v1.profiles.update", token=owner, path=at(other["id"]), json={"name": name})
    assert said(renamed) == (409, "profile:name_taken")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"permissions": [1, 4711, 0, -1]}, "permissions"),
        ({"permissions": ["members.view"]}, "permissions"),
        ({"permissions": [True]}, "permissions"),
        ({"permissions": None}, "permissions"),
        ({"name": "   "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "two\nlines\x07"}, "name"),
        ({"description": "x" * 501}, "description"),
        ({"isSystem": True}, "isSystem"),
        ({"tenantId": 1}, "tenantId"),
        ({"id": 1}, "id"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(
    world: World, owner: str, changes: dict[str, Any], field: str
) -> None:
    answer = world.call("api_v1.profiles.create", token=owner, json=SALES | changes)
    assert said(answer) == (400, "validation")
    assert any(name.split(".")[0] == field for name in answer.get_json()["error"]["details"])


def test_unknown_permissions_are_named(world: World, owner: str) -> None:
    answer = world.call("api_v1.profiles.create", token=owner, json=SALES | {"permissions": [1, 4711]})
    assert answer.get_json()["error"]["details"] == {"permissions": ["There is no permission 4711."]}


def test_an_update_changes_what_is_sent_and_nothing_else(world: World, owner: str) -> None:
    made = make(world, owner)
    path = at(made["id"])
    data = world.done("api_v1.profiles.update", token=owner, path=path, json={"description": None})["data"]
    assert (data["description"], data["name"], data["permissions"]) == (None, "Sales Manager", [1, 2, 3, 38])
    data = world.done("api_v1.profiles.update", token=owner, path=path, json={"permissions": []})["data"]
    assert data["permissions"] == []
    empty = world.call("api_v1.profiles.update", token=owner, path=path, json={})
    assert said(empty) == (400, "validation")
    same = {"name": "SALES manager"}
    assert (
        world.done("api_v1.profiles.update", token=owner, path=path, json=same)["data"]["name"]
        == same["name"]
    )


def test_a_profile_acts_from_the_next_call_on_and_rests_while_it_is_inactive(
    world: World, owner: str
) -> None:
    made = make(world, owner)
    member = join(world, "world-corp", JANE, Role.MEMBER)
    jane = world.token("api_v1")

    def rights() -> dict[str, Any]:
        found: dict[str, Any] = world.done("api_v1.permissions.me", token=jane)["data"]
        return found

    assert "audit.view" not in rights()["permissions"]
    give(world, member, made["id"])
    mine = rights()
    assert mine["profile"] == {"id": made["id"], "name": "Sales Manager", "isActive": True}
    assert "audit.view" in mine["permissions"]
    assert 38 in mine["permissionIds"]
    path = at(made["id"])
    world.done("api_v1.profiles.update", token=owner, path=path, json={"permissions": [1]})
    assert "audit.view" not in rights()["permissions"]
    world.done("api_v1.profiles.update", token=owner, path=path, json={"permissions": [1, 38]})
    state = world.done("api_v1.profiles.deactivate", token=owner, path=path)["data"]
    assert state == {"id": made["id"], "name": "Sales Manager", "isActive": False, "affectedUsers": 1}
    assert world.done("api_v1.profiles.deactivate", token=owner, path=path)["data"] == state
    mine = rights()
    assert "audit.view" not in mine["permissions"]
    assert mine["profile"]["isActive"] is False
    offered = world.done("api_v1.users.profiles", token=owner)["data"]
    assert made["id"] not in [profile["id"] for profile in offered]
    assert world.done("api_v1.profiles.activate", token=owner, path=path)["data"]["isActive"] is True
    assert "audit.view" in rights()["permissions"]
    kinds = [row.kind for row in world.trail() if str(row.kind).startswith("permission_profile")]
    assert [str(kind).partition(".")[2] for kind in kinds] == [
        "created", "updated", "updated", "deactivated", "activated",
    ]  # fmt: skip


def test_the_systems_profiles_cannot_be_changed(world: World, owner: str) -> None:
    wanted = {"name": "Mine"}
    answer = world.call("api_v1.profiles.update", token=owner, path=at(1), json=wanted)
    assert said(answer) == (403, "profile:system_readonly")
    assert answer.headers["X-Refused-By"] == "platform"
    answer = world.call("api_v1.profiles.deactivate", token=owner, path=at(7))
    assert said(answer) == (403, "profile:system_readonly")
    assert world.done("api_v1.profiles.activate", token=owner, path=at(1))["data"]["isActive"] is True


@pytest.mark.parametrize("role", [Role.MANAGER, Role.MEMBER, Role.VIEWER])
def test_i03_i05_only_owner_and_admins_make_and_change_profiles(world: World, owner: str, role: Role) -> None:
    """I03 and I05: whatever the body holds, and although the profile they have allows to manage profiles."""
    every = make(world, owner, permissions=[about.id for about in PERMISSIONS.values()])
    join(world, "world-corp", JANE, role, every["id"])
    jane = world.token("api_v1")
    assert world.done("api_v1.permissions.me", token=jane)["data"]["all"] is True
    path, odd = at(every["id"]), [None, [], [1, 1], "omitted"]
    for permissions in odd:
        body = {} if permissions == "omitted" else {"permissions": permissions}
        answer = world.call("api_v1.profiles.update", token=jane, path=path, json=body)
        assert said(answer) == (403, "auth:role_required")
        answer = world.call("api_v1.profiles.create", token=jane, json={"name": "New", **body})
        assert said(answer) == (403, "auth:role_required")
    assert answer.headers["X-Refused-By"] == "role"
    assert answer.headers["X-Remedy"]
    for operation in ("deactivate", "activate"):
        answer = world.call(f"api_v1.profiles.{operation}", token=jane, path=path)
        assert said(answer) == (403, "auth:role_required")
    after = world.done("api_v1.profiles.get", token=owner, path=path)["data"]
    assert len(after["permissions"]) == len(PERMISSIONS)


def test_anothers_profile_is_not_there_and_adds_nothing(world: World, owner: str) -> None:
    """H01 and H03: a twin organization's profile."""
    made = make(world, owner)
    world.organization(world.person("eve@twin.example"), slug="twin-corp")
    eve = world.token("api_v1", "eve@twin.example", "twin-corp")
    for operation, body in (
        ("get", None),
        ("update", {"name": "X"}),
        ("deactivate", None),
        ("activate", None),
    ):
        for profile_id in (made["id"], 999_999, 999):
            answer = world.call(f"api_v1.profiles.{operation}", token=eve, path=at(profile_id), json=body)
            assert said(answer) == (404, "profile:not_found")
    assert make(world, eve)["id"] > made["id"]
    join(world, "twin-corp", JANE, Role.MEMBER, made["id"])
    mine = world.done("api_v1.permissions.me", token=world.token("api_v1", JANE, "twin-corp"))["data"]
    assert mine["profile"] is None
    assert "audit.view" not in mine["permissions"]


def test_a_manager_may_give_what_they_may_do_themselves(world: World, owner: str) -> None:
    above, within = make(world, owner), make(world, owner, name="Within", permissions=[1, 2])
    join(world, "world-corp", JANE, Role.MANAGER)
    join(world, "world-corp", "max@world.example", Role.MEMBER, 2)
    offered = world.done("api_v1.users.profiles", token=world.token("api_v1"))["data"]
    assert set(offered[0]) == {"id", "name", "description", "isSystem", "permissionCount", "assignable"}
    givable = {profile["id"] for profile in offered if profile["assignable"]}
    assert givable == {1, 4, within["id"]}
    assert above["id"] not in givable
    member = world.token("api_v1", "max@world.example")
    assert not any(p["assignable"] for p in world.done("api_v1.users.profiles", token=member)["data"])
    assert all(p["assignable"] for p in world.done("api_v1.users.profiles", token=owner)["data"])


def test_giving_is_checked_by_rights_and_by_organization(world: World, owner: str) -> None:
    above, rests = make(world, owner), make(world, owner, name="Rests", permissions=[1])
    world.done("api_v1.profiles.deactivate", token=owner, path=at(rests["id"]))
    with world.app.app_context():
        tenant_id = db.session.scalars(sa.select(Tenant.id)).one()
        base = Role.MANAGER.base
        manager = Actor(kind="session", tenant_id=tenant_id, role="manager", permissions=base)
        stranger = Actor(
            kind="session", tenant_id=tenant_id + 1, role="owner", permissions=frozenset(Permission)
        )
        assert queries.check_assignable(manager, 1).id == 1
        with pytest.raises(ProfileAboveOwn):
            queries.check_assignable(manager, above["id"])
        for actor, profile_id in (
            (stranger, above["id"]),
            (manager, rests["id"]),
            (manager, 8),
            (manager, 0),
        ):
            with pytest.raises(ValidationFailed) as refused:
                queries.check_assignable(actor, profile_id, field="profile")
            assert list(refused.value.fields) == ["profile"]


def test_the_list_costs_the_same_for_one_and_for_a_hundred(
    world: World, owner: str, database: sa.Connection
) -> None:
    asked: list[str] = []
    sa.event.listen(database, "before_cursor_execute", lambda *call: asked.append(call[2]))
    make(world, owner)
    asked.clear()
    world.done("api_v1.profiles.list", token=owner)
    for_one = len(asked)
    with world.app.app_context(), transaction():
        tenant_id = db.session.scalars(sa.select(Tenant.id)).one()
        for number in range(100):
            name = f"Profile {number}"
            db.session.add(
                PermissionProfile(tenant_id=tenant_id, name=name, name_key=name, permission_ids=[1])
            )
    asked.clear()
    found = world.done("api_v1.profiles.list", token=owner)["data"]
    assert len(found) == 108
    assert len(asked) == for_one
