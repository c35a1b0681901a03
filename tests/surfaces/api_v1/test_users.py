"""api_v1's people of an organization: one list, careful changes, ends that act at once."""

from typing import Any

import pytest
import sqlalchemy as sa

from app.core.db import db
from app.domains.audit.models import AuditEvent
from app.domains.tenants.models import Membership, MembershipStatus
from tests.support.members import join, membership_of, plan, uid_of
from tests.support.world import World
from tests.surfaces.api_v1.people import ADMIN, MANAGER, MEMBER, OWNER, act, refusal, staff


@pytest.fixture
def firm(world: World) -> World:
    return staff(world)


def listed(world: World, who: str = OWNER, **query: Any) -> Any:
    token = world.token("api_v1", who)
    client = world.app.test_client()
    answer = client.get("/api/v1/users", query_string=query, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def names(body: Any) -> list[str]:
    return [row["displayName"] for row in body["data"]]


# ---- the list


def test_the_list_is_sorted_by_name_and_counted(firm: World) -> None:
    body = listed(firm, limit=2)
    assert names(body) == ["Ada Byron", "Jane Doe"]
    assert body["meta"] == {"page": 1, "limit": 2, "total": 4, "totalPages": 2}
    assert names(listed(firm, limit=2, page=2)) == ["Kim Äpfel", "Max Roe"]
    assert listed(firm, page=9)["data"] == []


def test_a_row_has_all_that_the_document_names(firm: World) -> None:
    row = listed(firm, search="kim")["data"][0]
    assert row["id"] == membership_of(firm, MEMBER)
    told = {name: row[name] for name in ("email", "role", "isOwner", "profileId", "profileName", "status")}
    assert told == {
        "email": MEMBER,
        "role": "user",
        "isOwner": False,
        "profileId": 1,
        "profileName": "Standard",
        "status": "active",
    }
    assert (row["invitation"], row["lastLoginAt"], row["emailVerified"]) == (None, None, True)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("kim", ["Kim Äpfel"]),
        ("ÄPF", ["Kim Äpfel"]),
        ("da by", ["Ada Byron"]),
        ("MAX@WORLD", ["Max Roe"]),
        ("world.example", ["Ada Byron", "Jane Doe", "Kim Äpfel", "Max Roe"]),
        ("%", []),
        ("_", []),
        ("nobody", []),
    ],
)
def test_search_finds_any_part_of_names_and_address_in_any_case(
    firm: World, text: str, found: list[str]
) -> None:
    body = listed(firm, search=text)
    assert (names(body), body["meta"]["total"]) == (found, len(found))


def test_filters_narrow_the_list_together(firm: World) -> None:
    join(firm, "ida@world.example", status=MembershipStatus.INACTIVE)
    assert listed(firm, status="inactive")["meta"]["total"] == 1
    assert listed(firm, status="active")["meta"]["total"] == 4
    assert sorted(names(listed(firm, role="tenant_admin"))) == ["Ada Byron", "Jane Doe"]
    assert listed(firm, role="user", status="active", profileId=1)["meta"]["total"] == 1
    assert listed(firm, profileId=2)["meta"]["total"] == 0


def test_the_list_can_be_sorted_otherwise(firm: World) -> None:
    firm.token("api_v1", MANAGER)
    assert [row["email"] for row in listed(firm, sort="email")["data"]] == [ADMIN, OWNER, MEMBER, MANAGER]
    assert listed(firm, sort="-createdAt")["data"][0]["email"] == MEMBER
    assert [row["email"] for row in listed(firm, sort="-lastLoginAt")["data"]][:2] == [OWNER, MANAGER]


def test_a_limit_above_the_most_is_cut(firm: World) -> None:
    assert listed(firm, limit=5000)["meta"]["limit"] == 100


def test_names_follow_the_person_where_the_organization_has_none_of_its_own(firm: World) -> None:
    firm.done(
        "api_v1.auth.me_profile_update",
        token=firm.token("api_v1"),
        json={"firstName": "Zoë", "lastName": "Poe"},
    )
    assert names(listed(firm, search="zoë poe")) == ["Zoë Poe"]
    assert listed(firm, search="jane doe")["meta"]["total"] == 0


def test_one_organization_cannot_rename_somebody_in_another(firm: World) -> None:
    firm.organization(firm.person("eve@beta.example"), slug="beta-ltd")
    join(firm, MEMBER, slug="beta-ltd")
    assert act(firm, "update", OWNER, MEMBER, firstName="Rude", lastName="Name").status_code == 200
    token = firm.token("api_v1", "eve@beta.example", "beta-ltd")
    there = firm.done(
        "api_v1.users.get", token=token, path={"id": str(membership_of(firm, MEMBER, "beta-ltd"))}
    )
    assert there["data"]["displayName"] == "Jane Doe"
    assert names(listed(firm, search="rude")) == ["Rude Name"]


def test_of_somebody_invited_nothing_of_their_account_is_shown(firm: World) -> None:
    number = join(firm, "secret@other.example", status=MembershipStatus.INVITED)
    row = act(firm, "get", OWNER, number).get_json()["data"]
    assert (row["firstName"], row["lastName"], row["emailVerified"], row["avatar"]) == ("", "", False, None)
    assert listed(firm, search="jane doe secret")["meta"]["total"] == 0


def test_a_list_costs_as_many_queries_for_a_hundred_as_for_one(firm: World, database: sa.Connection) -> None:
    asked: list[str] = []
    sa.event.listen(database, "before_cursor_execute", lambda *call: asked.append(call[2]))
    token, client = firm.token("api_v1"), firm.app.test_client()

    def costs(query: str) -> int:
        client.get(f"/api/v1/users?{query}", headers={"Authorization": f"Bearer {token}"})
        asked.clear()
        answer = client.get(f"/api/v1/users?{query}", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200
        return len(asked)

    ways = ("limit=100", "limit=100&search=e", "limit=100&sort=-lastLoginAt", "limit=100&status=active")
    before = [costs(way) for way in ways]
    for number in range(20):
        join(firm, f"person{number}@many.example")
    assert [costs(way) for way in ways] == before


# ---- changing


def test_a_change_is_shown_recorded_and_mailed(firm: World) -> None:
    firm.before = len(firm.trail())
    row = act(firm, "update", OWNER, MEMBER, role="manager", lastName="Roe", jobTitle="Lead").get_json()[
        "data"
    ]
    assert (row["role"], row["displayName"], row["jobTitle"]) == ("manager", "Kim Roe", "Lead")
    (told,) = [e for e in firm.trail()[firm.before :] if e.kind == "member.updated"]
    assert told.changes["role"] == {"from": "member", "to": "manager"}
    assert "Roe" not in str(told.changes)
    assert firm.sent[-1].subject == "Your access to World Corp changed"


def test_what_is_as_it_was_leaves_no_trace(firm: World) -> None:
    firm.before = len(firm.trail())
    assert act(firm, "update", OWNER, MEMBER, role="user", firstName="Kim").status_code == 200
    assert [e for e in firm.trail()[firm.before :] if e.kind == "member.updated"] == []


def test_an_owner_put_back_as_read_stays_the_owner(firm: World) -> None:
    row = act(firm, "update", ADMIN, OWNER, role="tenant_admin", status="active", lastName="Poe").get_json()
    assert (row["data"]["isOwner"], row["data"]["lastName"]) == (True, "Poe")


@pytest.mark.parametrize(
    ("who", "whom", "change", "expected"),
    [
        (OWNER, OWNER, {"role": "user"}, (403, "member:owner_fixed")),
        (ADMIN, OWNER, {"status": "inactive"}, (403, "member:owner_fixed")),
        (MANAGER, OWNER, {"role": "user"}, (403, "member:owner_fixed")),
        (MANAGER, OWNER, {"lastName": "Hacked"}, (403, "member:outranks_you")),
        (ADMIN, ADMIN, {"role": "user"}, (409, "member:self_forbidden")),
        (MANAGER, MANAGER, {"role": "tenant_admin"}, (409, "member:self_forbidden")),
        (MANAGER, MANAGER, {"status": "inactive"}, (409, "member:self_forbidden")),
        (MANAGER, MANAGER, {"profileId": 3}, (403, "member:outranks_you")),
        (MANAGER, ADMIN, {"firstName": "X"}, (403, "member:outranks_you")),
        (MANAGER, MEMBER, {"role": "tenant_admin"}, (403, "member:role_above_own")),
        (MANAGER, MEMBER, {"role": "manager"}, (403, "member:role_above_own")),
        (MANAGER, MEMBER, {"profileId": 3}, (403, "profile:above_own")),
        (MEMBER, MANAGER, {"role": "viewer"}, (403, "auth:role_required")),
        (MEMBER, MEMBER, {"role": "manager"}, (403, "auth:role_required")),
        (MEMBER, MEMBER, {"profileId": 3}, (403, "auth:role_required")),
        (MEMBER, MEMBER, {"status": "inactive"}, (403, "auth:role_required")),
        (OWNER, MEMBER, {"profileId": 999}, (400, "validation")),
        (OWNER, MEMBER, {"profileId": 1001}, (400, "validation")),
    ],
)
def test_i02_i03_nobody_reaches_above_themselves(
    firm: World, who: str, whom: str, change: dict[str, Any], expected: tuple[int, str]
) -> None:
    before = act(firm, "get", OWNER, whom).get_json()
    assert refusal(act(firm, "update", who, whom, **change)) == expected
    after = act(firm, "get", OWNER, whom).get_json()
    assert {**before["data"], "lastLoginAt": None} == {**after["data"], "lastLoginAt": None}


def test_a_manager_changes_people_below_and_their_own_name(firm: World) -> None:
    assert act(firm, "update", MANAGER, MEMBER, role="viewer").get_json()["data"]["role"] == "viewer"
    assert act(firm, "update", MANAGER, MEMBER, status="inactive").get_json()["data"]["status"] == "inactive"
    assert act(firm, "update", MANAGER, MANAGER, lastName="Poe").get_json()["data"]["lastName"] == "Poe"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"role": "ADMIN "},
        {"role": ["viewer", "tenant_admin"]},
        {"role": "viewer,tenant_admin"},
        {"role": 0},
        {"role": None},
        {"role": "owner"},
        {"status": "invited"},
        {"profileId": "1"},
        {"profileId": True},
        {"profileId": -1},
        {"firstName": ""},
        {"firstName": "A\r\nBcc: x@evil.example"},
        {"isOwner": True},
        {"is_platform_admin": True},
        {"tenantId": 1},
        {"emailVerified": True},
        {"id": 7},
        {"permissions": ["members.erase"]},
    ],
)
def test_i01_i11_what_is_no_field_or_no_value_of_it_is_refused(firm: World, body: dict[str, Any]) -> None:
    before = act(firm, "get", OWNER, MEMBER).get_json()
    number = str(membership_of(firm, MEMBER))
    answer = firm.call("api_v1.users.update", token=firm.token("api_v1"), path={"id": number}, json=body)
    assert refusal(answer) == (400, "validation")
    assert act(firm, "get", OWNER, MEMBER).get_json() == before


def test_a_lost_role_counts_at_the_next_call(firm: World) -> None:
    token = firm.token("api_v1", MANAGER)
    assert act(firm, "update", OWNER, MANAGER, role="viewer").status_code == 200
    answer = firm.call(
        "api_v1.users.update",
        token=token,
        path={"id": str(membership_of(firm, MEMBER))},
        json={"role": "viewer"},
    )
    assert refusal(answer) == (403, "auth:role_required")


# ---- access


def test_deactivation_ends_what_opens_this_organization_and_nothing_else(firm: World) -> None:
    scoped, own = firm.token("api_v1", MEMBER), firm.token("services_v1", MEMBER)
    wanted = {"name": "Nightly export", "scopes": ["read"]}
    made = firm.done("services_v1.api_tokens.create", token=own, json=wanted)["data"]["token"]
    row = act(firm, "deactivate", OWNER, MEMBER).get_json()["data"]
    assert (row["status"], row["role"]) == ("inactive", "user")
    assert firm.call("api_v1.auth.me", token=scoped).status_code == 401
    assert firm.call("services_v1.user.get", token=made).status_code == 401
    assert firm.call("services_v1.user.get", token=own).status_code == 200
    firm.keep_promises()
    assert firm.sent[-1].subject == "Your access to World Corp has ended"
    assert OWNER in firm.sent[-1].text.replace("\u2060", "")
    assert act(firm, "activate", OWNER, MEMBER).get_json()["data"]["status"] == "active"
    assert firm.call("api_v1.auth.me", token=scoped).status_code == 401
    assert firm.call("services_v1.user.get", token=made).status_code == 401
    firm.keep_promises()
    assert firm.sent[-1].subject == "You can use World Corp again"


def test_doing_it_again_changes_nothing(firm: World) -> None:
    act(firm, "deactivate", OWNER, MEMBER)
    firm.before = len(firm.trail())
    assert act(firm, "deactivate", OWNER, MEMBER).get_json()["data"]["status"] == "inactive"
    assert [e for e in firm.trail()[firm.before :] if e.kind == "member.deactivated"] == []
    act(firm, "activate", OWNER, MEMBER)
    firm.before, mails = len(firm.trail()), len(firm.sent)
    assert act(firm, "activate", OWNER, MEMBER).status_code == 200
    assert [e for e in firm.trail()[firm.before :] if e.kind == "member.activated"] == []
    assert len(firm.sent) == mails


@pytest.mark.parametrize("name", ["deactivate", "activate", "delete_permanent"])
def test_managers_have_no_access_to_take_or_give(firm: World, name: str) -> None:
    assert refusal(act(firm, name, MANAGER, MEMBER)) == (403, "auth:role_required")


@pytest.mark.parametrize("name", ["deactivate", "delete_permanent"])
def test_owner_and_self_are_safe(firm: World, name: str) -> None:
    assert refusal(act(firm, name, ADMIN, OWNER)) == (403, "member:owner_fixed")
    assert refusal(act(firm, name, OWNER, OWNER)) == (403, "member:owner_fixed")
    assert refusal(act(firm, name, ADMIN, ADMIN)) == (409, "member:self_forbidden")


def test_who_never_accepted_cannot_be_activated(firm: World) -> None:
    number = join(firm, "sam@other.example", status=MembershipStatus.INVITED)
    assert refusal(act(firm, "activate", OWNER, number)) == (409, "member:never_joined")
    assert refusal(act(firm, "update", OWNER, number, status="active")) == (409, "member:never_joined")
    firm.keep_promises()
    mails = len(firm.sent)
    assert act(firm, "deactivate", OWNER, number).get_json()["data"]["status"] == "inactive"
    firm.keep_promises()
    assert len(firm.sent) == mails
    assert refusal(act(firm, "activate", OWNER, number)) == (409, "member:never_joined")


def test_activation_asks_for_a_seat(firm: World) -> None:
    act(firm, "deactivate", OWNER, MEMBER)
    plan(firm, "dev")
    assert refusal(act(firm, "activate", OWNER, MEMBER)) == (402, "plan:seat_limit")
    assert refusal(act(firm, "update", OWNER, MEMBER, status="active")) == (402, "plan:seat_limit")
    assert act(firm, "get", OWNER, MEMBER).get_json()["data"]["status"] == "inactive"


# ---- strangers


@pytest.mark.parametrize("name", ["get", "update", "deactivate", "activate", "delete_permanent"])
def test_h01_anothers_member_is_as_little_there_as_nobody(firm: World, name: str) -> None:
    firm.organization(firm.person("eve@beta.example"), slug="beta-ltd")
    token = firm.token("api_v1", "eve@beta.example", "beta-ltd")
    number = membership_of(firm, MEMBER)
    body = {"lastName": "Hacked", "role": "viewer"} if name == "update" else None
    theirs = firm.call(f"api_v1.users.{name}", token=token, path={"id": str(number)}, json=body)
    nobodys = firm.call(f"api_v1.users.{name}", token=token, path={"id": "99999999"}, json=body)
    assert refusal(theirs) == (404, "member:not_found")
    assert theirs.get_json() == nobodys.get_json()
    assert act(firm, "get", OWNER, MEMBER).get_json()["data"]["lastName"] == "Äpfel"
    with firm.app.app_context():
        status = db.session.scalar(sa.select(Membership.status).where(Membership.id == number))
        assert status is MembershipStatus.ACTIVE


def test_own_membership(firm: World) -> None:
    row = firm.done("api_v1.users.me", token=firm.token("api_v1", MEMBER))["data"]
    assert (row["id"], row["role"], row["lastLoginAt"] is not None) == (
        membership_of(firm, MEMBER),
        "user",
        True,
    )


def test_platform_ids_name_the_same_people(firm: World) -> None:
    scoped = firm.scoped_token()
    rows = firm.done("platform_api.members.list", token=scoped)
    assert [row["role"] for row in rows] == ["owner", "admin", "manager", "member"]
    assert rows[3]["user_id"] == uid_of(firm, MEMBER)
    with firm.app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(AuditEvent))
