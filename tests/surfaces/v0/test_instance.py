"""v0's look at the instance: its health, and its documentation where it runs in debug."""

from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core.errors import DatabaseDown
from app.core.settings import Settings, use_settings
from app.domains.platform import health


@pytest.fixture
def debug(settings: Settings, client: FlaskClient) -> FlaskClient:
    use_settings(replace(settings, app_env="development"))
    yield client
    use_settings(settings)


def test_health_says_nothing_when_all_is_well(client: FlaskClient) -> None:
    answer = client.get("/health-check")
    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["Cache-Control"] == "no-store"


def test_health_never_says_why(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(_actor: object) -> None:
        raise DatabaseDown

    monkeypatch.setattr(health, "check", down)
    answer = client.get("/health-check")
    assert answer.status_code == 503
    assert answer.get_json() == {"status": 503, "code": "health:database_down"}
    assert answer.headers["Retry-After"] == "2"


def test_without_debug_the_documentation_is_not_there(client: FlaskClient) -> None:
    unknown = client.get("/v0/unknown")
    for path in ("/docs", "/swagger.json"):
        answer = client.get(path)
        assert (answer.status_code, answer.data) == (404, unknown.data)


def test_in_debug_the_page_and_the_document_are_there(app: Flask, debug: FlaskClient) -> None:
    page = debug.get("/docs")
    assert page.status_code == 200
    assert page.content_type == "text/html; charset=utf-8"
    assert 'data-document="/swagger.json"' in page.text
    document = debug.get("/swagger.json").get_json()
    assert document == debug.get("/openapi/v0.json").get_json()
    assert {"/v0/auth/login", "/health-check", "/swagger.json"} <= set(document["paths"])


def test_in_debug_an_error_is_explained(debug: FlaskClient) -> None:
    body = debug.post("/v0/auth/login", json={"email": "a@b.example"}).get_json()
    assert set(body) == {"status", "code", "details"}
