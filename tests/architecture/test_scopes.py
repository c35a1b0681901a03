"""What an API token reaches: each call asks for the scope that the catalog names, some for a person."""

from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.routing import Rule

from tests.architecture.test_strangers import address, closed, code
from tests.contract.catalog import CATALOG
from tests.contract.endpoints import BY_CALL, Call
from tests.support.world import World

INTERACTIVE = "auth:interactive_session_required"
SCOPE_MISSING = "auth:scope_missing"
NOT_FOR_TOKENS = {"auth:unauthenticated", "auth:global_token_required", "auth:platform_admin_required"}
"""What a call says that takes no API token at all, or none of a person who is no admin."""


def codes(call: Call) -> set[str]:
    """Return all codes that the contract lists for a call of its own."""
    found: set[str] = set()
    for named in BY_CALL[call].entry.get("errors", {}).values():
        found |= {named} if isinstance(named, str) else set(named)
    return found


def views(app: Flask) -> Iterator[tuple[Call, object]]:
    for call, rule in closed(app).items():
        yield call, app.view_functions[rule.endpoint]


def test_a_call_is_for_people_alone_where_the_contract_says(app: Flask) -> None:
    """services_v1 lists them all; in v0 the second factor's calls, which it does not describe, are too."""
    listed = {BY_CALL[call].id for call, _ in views(app) if INTERACTIVE in codes(call)}
    marked = {BY_CALL[call].id for call, view in views(app) if getattr(view, "interactive", False)}
    assert listed - marked == set()
    assert {name for name in marked - listed if not name.startswith("v0.")} == set()


def test_scopes_are_the_catalogs(app: Flask) -> None:
    named = {scope for _, view in views(app) if (scope := getattr(view, "scope", None))}
    assert named <= set(CATALOG["api_token_scopes"])


def made(world: World, *scopes: str, admin: bool = False) -> str:
    world.organization(world.person(admin=admin))
    body = {"name": "Sweeper", "scopes": scopes}
    made = world.done("services_v1.api_tokens.create", token=world.token("services_v1"), json=body)
    return str(made["data"]["token"])


def knock(world: World, call: Call, rule: Rule, token: str) -> tuple[int, str]:
    body = {} if call[0] == "GET" else {"json": {}}
    headers = {"Authorization": f"Bearer {token}"}
    answer = world.app.test_client().open(address(rule), method=call[0], headers=headers, **body)
    refusal = answer.status_code in (401, 403)
    return answer.status_code, code_in(BY_CALL[call].dialect, answer.get_json()) if refusal else ""


def code_in(dialect: str, body: dict[str, object]) -> str:
    if dialect == "v0":
        return str(body["code"])
    return code(dialect, body)


def test_a_token_that_reads_changes_nothing(world: World) -> None:
    """G03: every call that writes, in every dialect."""
    token = made(world, "read")
    for call, rule in closed(world.app).items():
        if call[0] == "GET":
            continue
        status, said = knock(world, call, rule, token)
        alone = getattr(world.app.view_functions[rule.endpoint], "interactive", False)
        wanted = {INTERACTIVE} if alone else {SCOPE_MISSING, *NOT_FOR_TOKENS}
        assert status in (401, 403), (call, status)
        assert said in wanted, (call, said)


def test_a_token_that_writes_does_not_read(world: World) -> None:
    token = made(world, "write")
    for call, rule in closed(world.app).items():
        if call[0] == "GET":
            status, said = knock(world, call, rule, token)
            assert said in {SCOPE_MISSING, *NOT_FOR_TOKENS}, (call, status, said)


def test_what_is_for_admins_wants_their_scope(world: World) -> None:
    token = made(world, "read", "write", "billing", admin=True)
    calls = {c: r for c, r in closed(world.app).items() if BY_CALL[c].entry["auth"] == "platform_admin"}
    assert calls
    for call, rule in calls.items():
        assert knock(world, call, rule, token)[1] == SCOPE_MISSING, call


@pytest.mark.parametrize("scopes", [("read", "write", "billing", "admin")])
def test_no_scope_opens_what_is_for_people_alone(world: World, scopes: tuple[str, ...]) -> None:
    token = made(world, *scopes, admin=True)
    alone = {call: rule for call, rule in closed(world.app).items() if INTERACTIVE in codes(call)}
    assert alone
    for call, rule in alone.items():
        assert knock(world, call, rule, token) == (403, INTERACTIVE), call
