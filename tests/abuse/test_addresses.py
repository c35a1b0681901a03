"""I08: no other way of writing a call gets past a decision: the same one, or nothing is there."""

import pytest
from werkzeug.test import TestResponse

from app.domains.permissions.roles import Role
from tests.support.world import World
from tests.surfaces.api_v1.test_profiles import join

PATH = "/api/v1/profiles"
JANE = "jane@world.example"
NOWHERE = {404, 405, 308}


@pytest.fixture
def member(world: World) -> str:
    """Return what a member calls with, who may read profiles and make none."""
    world.organization(world.person("olga@world.example"))
    join(world, "world-corp", JANE, Role.MEMBER)
    return world.token("api_v1")


def send(
    world: World, token: str, method: str, path: str, headers: dict[str, str] | None = None
) -> TestResponse:
    sent = {"Authorization": f"Bearer {token}", **(headers or {})}
    body = {} if method in ("GET", "HEAD") else {"json": {"name": "Mine", "permissions": [5]}}
    return world.app.test_client().open(path, method=method, headers=sent, **body)


@pytest.mark.parametrize(
    "path",
    [
        f"{PATH}/",
        f"/{PATH}",
        f"{PATH}//",
        "/api//v1/profiles",
        "/api/v1%2fprofiles",
        "/api/v1/%70rofiles",
        f"{PATH};x",
        f"{PATH};/1",
        f"{PATH}.json",
        f"{PATH}%00",
        f"{PATH}%20",
        "/API/v1/profiles",
        "/api/v1/Profiles",
        "/api/v1/../v1/profiles",
        "/api/v1/./profiles",
        "/api/v1/health/../profiles",
    ],
)
def test_i08_no_other_address_lets_a_member_make_a_profile(world: World, member: str, path: str) -> None:
    answer = send(world, member, "POST", path)
    assert answer.status_code in NOWHERE | {403}, (path, answer.status_code, answer.text)
    assert all(p["isSystem"] for p in world.done("api_v1.profiles.list", token=member)["data"])


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_i08_a_read_stays_a_read_whatever_a_header_says(
    world: World, member: str, header: str, method: str
) -> None:
    assert send(world, member, "GET", PATH, {header: method}).get_json()["success"] is True
    assert send(world, member, "GET", f"{PATH}?_method={method}").status_code == 200
    assert send(world, member, "POST", PATH, {header: "GET"}).status_code == 403


def test_i08_head_is_decided_as_get(world: World, member: str) -> None:
    assert send(world, member, "HEAD", PATH).status_code == 200
    assert send(world, "nonsense", "HEAD", PATH).status_code == 401
    assert send(world, member, "HEAD", f"{PATH}/1/activate").status_code == 405


@pytest.mark.parametrize("method", ["PATCH", "TRACE", "CONNECT", "PROPFIND", "POST "])
def test_i08_methods_that_are_not_there_open_nothing(world: World, member: str, method: str) -> None:
    answer = send(world, member, method, f"{PATH}/1")
    assert answer.status_code in (403, 405), (method, answer.status_code)


@pytest.mark.parametrize(
    "headers", [{"X-Original-URL": PATH}, {"X-Rewrite-URL": PATH}, {"X-Forwarded-Prefix": PATH}]
)
def test_headers_of_proxies_name_no_address(world: World, member: str, headers: dict[str, str]) -> None:
    assert send(world, member, "POST", "/api/v1/nowhere", headers).status_code == 404
