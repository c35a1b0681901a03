"""Around the ids: lists, caches, environments, roles, forms, the trail (H05, H07, H11, I11, M04, P01)."""

import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.surfaces.shared import throttles
from tests.contract.endpoints import BY_CALL, routes
from tests.portal.conftest import Visitor
from tests.support.members import join, membership_of, uid_of
from tests.support.service import put, service_user
from tests.support.twins import Twin, browse, twin
from tests.support.world import PASSWORD, World
from tests.surfaces.platform_api.test_configs import configs

OWNER, SAM = "jane@world.example", "sam@world.example"
FILES = re.compile(r"/(assets|static|brand|media)/|\.css$|/favicon|/robots")
"""What is the same for everybody."""


@pytest.fixture
def twins(world: World) -> tuple[Twin, Twin]:
    a, b = twin(world, "twin-a"), twin(world, "twin-b")
    browse(world, a)
    return a, b


def reads(app: Flask) -> Iterator[tuple[str, Rule]]:
    """Yield all that is read at an address without parts, with the dialect; none for a page."""
    for call, rule in routes(app).items():
        if call[0] != "GET" or "<" in rule.rule or FILES.search(rule.rule):
            continue
        endpoint = BY_CALL.get(call)
        if endpoint is not None or rule.endpoint.startswith("portal_"):
            yield endpoint.dialect if endpoint else "", rule


def ask(a: Twin, world: World, dialect: str, path: str, **headers: str) -> TestResponse:
    throttles.forget()
    if dialect == "":
        assert a.browser
        return a.browser.get(path, headers=headers)
    if dialect == "client_v1":
        assert a.service
        headers |= {**a.service.headers, "Authorization": f"Bearer {a.service.token}"}
    else:
        headers["Authorization"] = f"Bearer {a.tokens.get(dialect, a.tokens['services_v1'])}"
    return world.app.test_client().get(path, headers=headers)


ALL_OF_IT = "search=twin&q=%25&email=twin&status=all&sort=tenant_id&order=tenant_id&tenant_id={}&limit=100"


def test_h05_h07_nothing_that_is_read_holds_the_others_or_is_kept_on_the_way(
    world: World, twins: tuple[Twin, Twin]
) -> None:
    a, b = twins
    leaks, kept, read = [], [], 0
    for dialect, rule in reads(world.app):
        answer = ask(
            a, world, dialect, f"{rule.rule}?{ALL_OF_IT.format(b.tenant_id)}", **{"If-None-Match": "*"}
        )
        if answer.status_code in (400, 422):
            answer = ask(a, world, dialect, rule.rule)
        read += answer.status_code == 200
        if b.slug in answer.text:
            leaks.append(rule.rule)
        if answer.status_code == 304 or not is_private(answer):
            kept.append((rule.rule, answer.status_code, answer.headers.get("Cache-Control")))
    assert leaks == []
    assert kept == []
    assert read > 90


def is_private(answer: TestResponse) -> bool:
    """Say whether nobody on the way may keep an answer."""
    told = answer.headers.get("Cache-Control", "")
    return "no-store" in told or "private" in told


def test_h07_no_ending_makes_a_file_of_an_answer(world: World, twins: tuple[Twin, Twin]) -> None:
    a, _ = twins
    for dialect, path in (("api_v1", "/api/v1/auth/me"), ("", "/account"), ("v0", "/v0/user/me")):
        assert ask(a, world, dialect, path).status_code in (200, 403)
        for ending in ("/x.css", ".css", ";x.css", "%2Fx.css"):
            assert ask(a, world, dialect, path + ending).status_code == 404, path + ending


def test_h05_a_cursor_of_the_other_leads_to_nothing_of_theirs(world: World, twins: tuple[Twin, Twin]) -> None:
    a, b = twins
    assert a.service
    assert b.service
    b.service.client("second@client.com")
    page = b.service.done("account.list", query={"limit": "1"})
    cursor = page["next_cursor"]
    assert cursor
    answer = a.service.call("account.list", query={"limit": "10", "cursor": cursor})
    assert answer.status_code in (200, 422)
    assert b.ids["client"] not in answer.text
    assert "second@client.com" not in answer.text


# ---- H11


@pytest.fixture
def firm(world: World) -> World:
    world.organization(world.person(OWNER))
    join(world, SAM, "viewer")
    return world


def hours(firm: World, token: str) -> int:
    """Return how long clients stay signed in where a token works."""
    tree = firm.done("platform_api.configs.get", token=token)
    return int(configs(tree)["clients.session_hours"]["val"])


def test_h11_staging_reads_nothing_of_prod(firm: World) -> None:
    put(firm, "clients.session_hours", 48)
    token = firm.scoped_token()
    assert hours(firm, token) == 48
    staging = {"environment": "staging"}
    there = firm.done("platform_api.auth.switch_environment", token=token, json=staging)["access_token"]
    assert hours(firm, there) == 12
    prod, beside = service_user(firm), service_user(firm, environment="staging")
    client, _ = prod.client()
    beside.refused("account.get", "404 client:not_found", user_id=client)
    assert beside.done("account.list")["items"] == []
    beside.refused("account.get", "401 auth:unauthenticated", user_id=client, headers=prod.headers)


def test_h11_who_may_not_switch_stays_where_they_are(firm: World) -> None:
    body = {"environment": "staging"}
    answer = firm.call("platform_api.auth.switch_environment", token=firm.scoped_token(SAM), json=body)
    assert answer.status_code == 403
    assert "access_token" not in answer.text


# ---- I11

NO_ROLES: list[Any] = [
    "ADMIN ",
    "Admin",
    "viewer,admin",
    ["viewer", "admin"],
    0,
    None,
    "",
    "root",
    {"a": 1},
    True,
]


@pytest.mark.parametrize("role", NO_ROLES, ids=repr)
def test_i11_what_is_no_role_is_given_nowhere(firm: World, role: Any) -> None:
    scoped, api = firm.scoped_token(), firm.token("api_v1")
    new = {"email": "new@world.example", "role": role}
    names = {"firstName": "New", "lastName": "Low"}
    sam = {"user_id": uid_of(firm, SAM)}
    tried = [
        firm.call("platform_api.invites.create", token=scoped, json=new),
        firm.call("api_v1.users.create", token=api, json={**new, **names}),
        firm.call("platform_api.members.update_role", token=scoped, path=sam, json={"role": role}),
    ]
    assert {answer.status_code for answer in tried} <= {400, 422}, [answer.text for answer in tried]
    assert membership_of(firm, "new@world.example") is None
    shown = {"id": str(membership_of(firm, SAM))}
    assert firm.done("api_v1.users.get", token=api, path=shown)["data"]["role"] == "viewer"


# ---- M04


def test_m04_a_form_of_very_many_parts_is_refused_early(firm: World) -> None:
    visitor = Visitor(firm.app.test_client())
    visitor.sign_in(OWNER, PASSWORD)
    found = re.search(r'name="csrf_token" value="([^"]+)"', visitor.get("/account").text)
    assert found
    parts: dict[str, Any] = {f"part{number}": "x" for number in range(2_000)}
    sent = {"csrf_token": found[1], "picture": (io.BytesIO(b"x"), "me.png"), **parts}
    assert visitor.client.post("/account/picture", data=sent).status_code == 413


# ---- P01


def test_p01_the_trail_is_read_and_nothing_else(firm: World) -> None:
    trails = [rule for _, rule in reads(firm.app) if re.search(r"audit|security-log", rule.rule)]
    assert len(trails) >= 4
    headers = {"Authorization": f"Bearer {firm.token('services_v1')}"}
    before = [(row.id, str(row.kind)) for row in firm.trail()]
    for rule in trails:
        for method in ("PUT", "PATCH", "DELETE"):
            for path in (rule.rule, f"{rule.rule}/{before[0][0]}"):
                answer = firm.app.test_client().open(path, method=method, headers=headers, json={})
                assert answer.status_code in (404, 405), (method, path, answer.status_code)
    assert [(row.id, str(row.kind)) for row in firm.trail()] == before


def test_p01_nobody_says_who_did_it(firm: World) -> None:
    key = {"key": "general.website"}
    for more in ({"actor": 1}, {"actor_user_id": 1}, {"actorId": 1}, {"at": "2020-01-01T00:00:00Z"}):
        body = {"value": "https://acme.example", **more}
        answer = firm.call("api_v1.org_settings.update", token=firm.token("api_v1"), path=key, json=body)
        assert answer.status_code in (400, 422)
    assert [row for row in firm.trail() if str(row.kind) == "setting.updated"] == []
