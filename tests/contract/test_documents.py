"""The OpenAPI documents are valid, complete, and say who may call what."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.contract.endpoints import BY_CALL, Endpoint, built, nameless

pytestmark = pytest.mark.once


DOCUMENTS = ("services_v1", "api_v1", "platform_api", "client_v1", "v0")
METHODS = ("get", "post", "put", "patch", "delete")
ERROR_KEYS = {
    "services_v1": {"message", "code", "errors"},
    "api_v1": {"success", "error"},
    "platform_api": {"detail", "code"},
    "client_v1": {"error"},
    "v0": {"status", "code", "details"},
}


def document(app: Flask, dialect: str) -> dict[str, Any]:
    answer = app.test_client().get(f"/openapi/{dialect}.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.get_json()
    return found


def operations(found: dict[str, Any]) -> Iterator[tuple[Endpoint, dict[str, Any]]]:
    for path, item in found["paths"].items():
        for method in METHODS:
            if method in item:
                yield BY_CALL[method.upper(), nameless(path)], item[method]


@pytest.mark.parametrize("dialect", DOCUMENTS)
def test_the_document_is_valid_openapi(app: Flask, dialect: str) -> None:
    errors = [error.message for error in OpenAPIV31SpecValidator(document(app, dialect)).iter_errors()]
    assert errors == []


@pytest.mark.parametrize("dialect", DOCUMENTS)
def test_the_document_names_its_server_and_every_call_by_its_contract_id(app: Flask, dialect: str) -> None:
    found = document(app, dialect)
    assert found["servers"] == [{"url": "http://localhost"}]
    assert found["info"]["title"]
    named = {endpoint.id: operation["operationId"] for endpoint, operation in operations(found)}
    assert named == {endpoint_id: endpoint_id for endpoint_id in named}
    assert set(named) == {endpoint.id for endpoint in built(app).values() if endpoint.dialect == dialect}
    assert [e.id for e, operation in operations(found) if not operation.get("summary")] == []


@pytest.mark.parametrize("dialect", DOCUMENTS)
def test_whoever_must_be_signed_in_is_told_how(app: Flask, dialect: str) -> None:
    found = document(app, dialect)
    schemes = [{name: []} for name in found["components"]["securitySchemes"]]
    assert schemes
    wrong = {
        endpoint.id: operation.get("security")
        for endpoint, operation in operations(found)
        if (operation.get("security") != []) is endpoint.public
        or not all(one in schemes for one in operation.get("security", [None]))
    }
    assert wrong == {}


@pytest.mark.parametrize("dialect", DOCUMENTS)
def test_each_error_of_the_contract_is_there_in_the_dialects_form(app: Flask, dialect: str) -> None:
    found = document(app, dialect)
    lacking = {}
    for endpoint, operation in operations(found):
        for status, codes in endpoint.entry["errors"].items():
            said = operation["responses"].get(str(status), {})
            named = re.findall(r"[a-z_0-9]+(?::[a-z_]+)?", said.get("description", ""))
            for code in [codes] if isinstance(codes, str) else codes:
                if code not in named:
                    lacking[endpoint.id, status] = code
    assert lacking == {}


@pytest.mark.parametrize("dialect", DOCUMENTS)
def test_errors_have_one_form(app: Flask, dialect: str) -> None:
    found = document(app, dialect)
    forms = {
        form
        for _, operation in operations(found)
        for status, said in operation["responses"].items()
        if status >= "400"
        for media in said.get("content", {}).values()
        for form in media["schema"].values()
    }
    assert forms <= {"#/components/schemas/Error"}
    assert set(found["components"]["schemas"]["Error"]["properties"]) == ERROR_KEYS[dialect]
