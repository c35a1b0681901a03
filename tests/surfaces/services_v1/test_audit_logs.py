"""Reading the trail: each scope for those it is for, each filter, by cursor, and nothing of anybody else."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.domains.audit import search
from app.domains.audit.kinds import AuditKind
from app.domains.audit.models import AuditEvent
from app.surfaces.shared.transaction import transaction
from tests.support.members import join, plan
from tests.support.world import World

LIST = "/services/platforms/v1/audit-logs/list"
OWNER, SAM = "jane@world.example", "sam@world.example"
ROW = {
    "id", "uid", "action", "actor", "subject", "tenant_id", "project_id", "dialect", "session_id", "ip",
    "user_agent", "changes", "created_at",
}  # fmt: skip


def get(world: World, token: str, query: str = "") -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    return world.app.test_client().get(LIST + query, headers=headers)


def rows(world: World, token: str, query: str = "") -> list[dict[str, Any]]:
    answer = get(world, token, query)
    assert answer.status_code == 200, answer.text
    return list(answer.get_json()["data"])


def refused(world: World, token: str, query: str) -> tuple[int, str]:
    answer = get(world, token, query)
    return answer.status_code, answer.get_json()["code"]


def happen(world: World, tenant_id: int | None, number: int = 1, **columns: Any) -> None:
    told: dict[str, Any] = {
        "kind": AuditKind.SETTING_UPDATED,
        "actor_kind": "system",
        "subject_type": "setting",
        "dialect": "test",
        "tenant_id": tenant_id,
        **columns,
    }
    with world.app.app_context(), transaction():
        at = clock.now()
        db.session.add_all(
            AuditEvent(**{"at": at - timedelta(seconds=number - n), **told}) for n in range(number)
        )


@pytest.fixture
def tenant(world: World) -> int:
    found = world.organization(world.person(OWNER))
    plan(world, slug="world-corp")
    return found


@pytest.fixture
def token(world: World, tenant: int) -> str:
    return world.token("services_v1", OWNER)


def test_mine_is_what_i_did_and_what_was_done_to_me(world: World, tenant: int, token: str) -> None:
    body = get(world, token).get_json()
    assert set(body) == {"data", "meta"}
    assert set(body["meta"]) == {"per_page", "next_cursor", "has_more"}
    assert body["meta"] == {"per_page": 50, "next_cursor": None, "has_more": False}
    assert all(set(row) == ROW for row in body["data"])
    first = body["data"][0]
    assert (first["action"], first["actor"]["name"], first["actor"]["email"]) == (
        "user.signed_in",
        "Jane Doe",
        OWNER,
    )
    assert set(first["actor"]) == {"id", "type", "name", "email"}
    assert set(first["subject"]) == {"type", "id", "label"}
    moments = [row["created_at"] for row in body["data"]]
    assert moments == sorted(moments, reverse=True)


def test_of_what_others_did_to_me_i_do_not_learn_where_from(world: World, tenant: int) -> None:
    join(world, SAM, slug="world-corp")
    me = world.persons_id(SAM)
    boss = world.persons_id(OWNER)
    happen(world, tenant, subject_type="user", subject_id=me, actor_user_id=boss, ip="203.0.113.5")
    (row,) = rows(world, world.token("services_v1", SAM), "?action=setting.updated")
    assert (row["actor"]["name"], row["ip"], row["user_agent"]) == ("Jane Doe", None, None)


def test_the_organizations_trail_is_for_those_who_may_read_it(world: World, tenant: int, token: str) -> None:
    happen(world, tenant)
    assert "setting.updated" in {row["action"] for row in rows(world, token, "?scope=tenant")}
    assert {row["tenant_id"] for row in rows(world, token, f"?scope=tenant&tenant_id={tenant}")} == {tenant}
    join(world, SAM, slug="world-corp")
    sam = world.token("services_v1", SAM)
    assert refused(world, sam, "?scope=tenant") == (403, "audit:scope_forbidden")
    world.person("charlie@elsewhere.example")
    charlie = world.token("services_v1", "charlie@elsewhere.example")
    for query in ("?scope=tenant", f"?scope=tenant&tenant_id={tenant}", "?scope=tenant&tenant_id=987654"):
        assert refused(world, charlie, query) == (404, "tenant:not_found")
    assert refused(world, charlie, "?scope=all") == (403, "auth:platform_admin_required")


def test_what_is_not_there_yet_is_not_found(world: World, token: str) -> None:
    assert refused(world, token, "?scope=project&project_id=1") == (404, "project:not_found")
    assert refused(world, token, "?smart_filter_id=1") == (404, "smart_filter:not_found")


def test_one_of_twins_never_sees_the_other(world: World, tenant: int, token: str) -> None:
    other = world.organization(world.person("twin@else.example"), "else-corp")
    me = world.persons_id(OWNER)
    happen(world, other, 3, actor_user_id=world.persons_id("twin@else.example"), ip="203.0.113.5")
    happen(world, other, subject_type="session", subject_id=1)
    for query in ("scope=tenant", "scope=tenant&ip=203.0.113.5", "scope=tenant&search=twin"):
        assert {row["tenant_id"] for row in rows(world, token, f"?{query}")} <= {tenant}
    assert {row["tenant_id"] for row in rows(world, token)} <= {tenant, None}
    assert rows(world, token, f"?scope=tenant&actor_id={me + 1}") == []


def test_admins_of_the_platform_have_no_name_there_but_in_a_members(
    world: World, tenant: int, token: str
) -> None:
    admin = world.person("root@platform.example", admin=True)
    happen(world, tenant, actor_user_id=admin, actor_kind="session")
    (row,) = rows(world, token, "?scope=tenant&action=setting.updated")
    assert row["actor"] == {"id": None, "type": "platform_admin", "name": None, "email": None}
    root = world.token("services_v1", "root@platform.example")
    found = rows(world, root, f"?scope=all&tenant_id={tenant}&action=setting.")
    assert found[0]["actor"]["email"] == "root@platform.example"
    assert len({row["tenant_id"] for row in rows(world, root, "?scope=all")}) > 1


FILTERS = {
    "action=setting.updated": 2,
    "action=setting.": 2,
    "action=setting": 0,
    "action=nothing.": 0,
    "subject_type=setting&subject_id=77": 1,
    "subject_type=setting": 2,
    "subject_id=77": 1,
    "subject_id=abc": 0,
    "ip=203.0.113.5": 1,
    "search=M%C3%BCnchen": 1,
    "search=100%25": 0,
    "search=general.website": 1,
    "from=2020-01-01&to=2020-01-02": 0,
    "action=setting.updated&from=2020-01-01T00:00:00Z": 2,
    "action=setting.updated&search=jane": 1,
}


@pytest.mark.parametrize("query", FILTERS)
def test_filters(world: World, tenant: int, token: str, query: str) -> None:
    jane = world.persons_id(OWNER)
    happen(world, tenant, subject_id=77, ip="203.0.113.5", changes={"city": {"from": "München", "to": "x"}})
    happen(world, tenant, subject_id=78, actor_user_id=jane, changes={"key": "general.website"})
    assert len(rows(world, token, f"?scope=tenant&{query}")) == FILTERS[query]


def test_changes_say_from_what_to_what(world: World, tenant: int, token: str) -> None:
    changes = {"name": {"from": "a", "to": "b"}, "key": "k", "value": [["x"], ["y", "z"]], "others": [1, 2]}
    happen(world, tenant, changes=changes)
    (row,) = rows(world, token, "?scope=tenant&action=setting.")
    assert row["changes"] == {
        "name": {"from": "a", "to": "b"},
        "key": {"from": None, "to": "k"},
        "value": {"from": ["x"], "to": ["y", "z"]},
        "others": {"from": None, "to": [1, 2]},
    }


def test_pages_go_on_where_the_cursor_says(world: World, tenant: int, token: str) -> None:
    happen(world, tenant, 7)
    seen: list[int] = []
    query = "?scope=tenant&action=setting.updated&per_page=3"
    cursor = ""
    for _ in range(3):
        body = get(world, token, f"{query}{cursor}").get_json()
        seen += [row["id"] for row in body["data"]]
        cursor = f"&cursor={body['meta']['next_cursor']}"
        happen(world, tenant)  # what happens meanwhile moves nothing
    assert (len(seen), len(set(seen)), body["meta"]["has_more"]) == (7, 7, False)
    assert refused(world, token, "?cursor=nonsense") == (422, "pagination:bad_cursor")
    first = get(world, token, f"{query}").get_json()["meta"]["next_cursor"]
    assert refused(world, token, f"?cursor={first}") == (422, "pagination:bad_cursor")
    assert get(world, token, "?per_page=1000").get_json()["meta"]["per_page"] == 200


def test_a_long_walk_says_how_far_it_came_and_is_gone_on_with(
    world: World, tenant: int, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "WALK", 5)
    happen(world, tenant, changes={"note": "needle"})
    happen(world, tenant, 12)
    found, steps, cursor = [], 0, ""
    while True:
        body = get(world, token, f"?scope=tenant&search=needle{cursor}").get_json()
        found += body["data"]
        steps += 1
        if not body["meta"]["has_more"]:
            break
        cursor = f"&cursor={body['meta']['next_cursor']}"
    assert (len(found), steps > 2) == (1, True)


@contextmanager
def counted() -> Iterator[list[str]]:
    told: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        told.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield told
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


def test_two_hundred_rows_cost_as_many_queries_as_one(world: World, tenant: int, token: str) -> None:
    me = world.persons_id(OWNER)
    happen(world, tenant, actor_user_id=me)
    with counted() as few:
        assert len(rows(world, token, "?scope=tenant&action=setting.updated")) == 1
    happen(world, tenant, 220, actor_user_id=me)
    with counted() as many:
        assert len(rows(world, token, "?scope=tenant&action=setting.updated&per_page=200")) == 200
    assert len(many) == len(few)


def test_a_token_reads_its_own_organization_alone(world: World, tenant: int, token: str) -> None:
    other = world.organization(world.persons_id(OWNER), "second-corp")
    made = {"name": "Reader", "scopes": ["read"], "tenant_id": tenant}
    pat = world.done("services_v1.api_tokens.create", token=token, json=made)["data"]["token"]
    assert {row["tenant_id"] for row in rows(world, pat)} == {tenant}
    assert {row["tenant_id"] for row in rows(world, pat, "?scope=tenant")} == {tenant}
    for scope in ("mine", "tenant"):
        assert refused(world, pat, f"?scope={scope}&tenant_id={other}") == (404, "tenant:not_found")


@pytest.mark.parametrize(
    "query", ["scope=none", "per_page=0", "tenant_id=x", "from=yesterday", "actor_id=99999999999999999999"]
)
def test_what_cannot_be_is_a_field_error(world: World, token: str, query: str) -> None:
    assert refused(world, token, f"?{query}") == (422, "validation")
