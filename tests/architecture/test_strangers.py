"""What is not public refuses a stranger, in its dialect's words, whatever else is wrong with the call."""

from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from tests.contract.endpoints import BY_CALL, Call, routes

UNAUTHENTICATED = "auth:unauthenticated"
FILLED = {"int": "1", "uuid": str(UUID(int=1)), "path": "x", "string": "x"}

STRANGERS: dict[str, dict[str, str]] = {
    "nobody": {},
    "a bearer of nonsense": {"Authorization": "Bearer nonsense"},
    "a bearer of an unsigned token": {
        "Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1c3JfMSIsImV4cCI6OTk5OTk5OTk5OX0."
    },
    "a bearer of a dead API token": {"Authorization": "Bearer pat_" + "0" * 40},
    "another scheme": {"Authorization": "Basic amFuZTpzZWNyZXQ="},
    "an unknown cookie": {"Cookie": "session_id=" + "0" * 43},
}


def address(rule: Rule) -> str:
    """Return an address of this route with something in place of each parameter."""
    path = rule.rule
    for part in rule.rule.split("<")[1:]:
        inner = part.partition(">")[0]
        converter = inner.partition("(")[0].partition(":")[0]
        path = path.replace(f"<{inner}>", FILLED.get(converter, "x"))
    return path


def code(dialect: str, body: Any) -> str:
    """Return the error's word from the place where the dialect has it, whose whole form is checked too."""
    if dialect == "services_v1":
        assert set(body) == {"message", "code"}
        assert isinstance(body["message"], str)
        return str(body["code"])
    if dialect == "api_v1":
        assert body["success"] is False
        assert set(body) == {"success", "error"}
        assert set(body["error"]) <= {"code", "message", "details"}
        return str(body["error"]["code"])
    if dialect == "platform_api":
        assert set(body) == {"detail", "code"}
        return str(body["code"])
    if dialect == "client_v1":
        assert set(body["error"]) == {"code", "message"}
        return str(body["error"]["code"])
    assert body["status"] == 401
    assert set(body) <= {"status", "code", "details"}
    return str(body["code"])


def closed(app: Flask) -> dict[Call, Rule]:
    """Return what a person's credential may open; client_v1, which takes none, has a sweep of its own."""
    return {
        call: rule
        for call, rule in routes(app).items()
        if (endpoint := BY_CALL.get(call)) is not None and not endpoint.public
        if endpoint.dialect != "client_v1"
    }


def knock(app: Flask, call: Call, rule: Rule, headers: dict[str, str]) -> TestResponse:
    body = {} if call[0] == "GET" else {"json": {}}
    return app.test_client().open(address(rule), method=call[0], headers=headers, **body)


@pytest.mark.parametrize("stranger", STRANGERS)
def test_every_closed_endpoint_refuses(app: Flask, stranger: str) -> None:
    assert closed(app)
    for call, rule in closed(app).items():
        answer = knock(app, call, rule, STRANGERS[stranger])
        assert answer.status_code == 401, (call, answer.status_code, answer.text[:300])
        assert answer.content_type == "application/json", call
        assert code(BY_CALL[call].dialect, answer.get_json()) == UNAUTHENTICATED, call


def test_a_refused_stranger_is_told_how_to_sign_in_and_nothing_is_stored(app: Flask) -> None:
    for call, rule in closed(app).items():
        answer = knock(app, call, rule, {})
        assert "Set-Cookie" not in answer.headers, call
        assert answer.headers["Cache-Control"] == "no-store", call


# ---- the portal


def pages(app: Flask) -> dict[Call, Rule]:
    """Return the portal's routes that are for people who are signed in."""
    return {
        call: rule
        for call, rule in routes(app).items()
        if rule.endpoint.startswith("portal_")
        if getattr(app.view_functions[rule.endpoint], "level", "public") != "public"
    }


def test_every_page_for_signed_in_people_sends_a_stranger_to_sign_in(app: Flask) -> None:
    asked = {call: rule for call, rule in pages(app).items() if call[0] == "GET"}
    assert asked
    for call, rule in asked.items():
        answer = app.test_client().get(address(rule))
        assert answer.status_code == 303, (call, answer.status_code)
        assert answer.location.startswith("/sign-in"), (call, answer.location)


def test_no_form_of_the_portal_takes_what_another_site_sends(app: Flask) -> None:
    forms = {
        call: rule
        for call, rule in routes(app).items()
        if rule.endpoint.startswith("portal_") and call[0] != "GET"
    }
    assert forms
    for call, rule in forms.items():
        answer = app.test_client().post(address(rule), data={"email": "jane@acme.example"})
        assert answer.status_code == 419, (call, answer.status_code)
