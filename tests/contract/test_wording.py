"""Each dialect words each error as the catalog says: its word, its status, its form."""

from importlib import import_module
from typing import Any

import pytest
from flask import Flask

from app.surfaces.shared.problems import STATUS, Problem
from tests.contract.catalog import CATALOG
from tests.contract.endpoints import DIALECTS

pytestmark = pytest.mark.once


KINDS, ERRORS = CATALOG["error_kinds"], CATALOG["errors"]


def allowed(dialect: str, code: str) -> list[int]:
    """Return the statuses that the catalog lets a dialect give a code."""
    kind = KINDS[ERRORS[code]["kind"]]
    found = ERRORS[code].get("status", {}).get(dialect, kind.get(dialect, kind["status"]))
    return found if isinstance(found, list) else [found]


def said(dialect: str, body: dict[str, Any]) -> str:
    inner = body["error"] if dialect in ("api_v1", "client_v1") else body
    return str(inner["code"])


def test_a_kind_has_the_catalogs_status() -> None:
    assert {kind: entry["status"] for kind, entry in KINDS.items()} == STATUS


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_error_has_the_dialects_word_and_status(app: Flask, dialect: str) -> None:
    render = import_module(f"app.surfaces.{dialect}.dialect").DIALECT.render
    with app.test_request_context("/"):
        for code, entry in ERRORS.items():
            fields = {"email": ["Give an e-mail address."]} if code == "validation" else {}
            problem = Problem(kind=entry["kind"], code=code, message=entry["says"], fields=fields)
            answer = render(problem)
            word = entry.get("words", {}).get(dialect, code).replace("<field>", "email")
            assert said(dialect, answer.get_json()) == word
            assert answer.status_code in allowed(dialect, code), code


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_field_at_fault_is_named(app: Flask, dialect: str) -> None:
    render = import_module(f"app.surfaces.{dialect}.dialect").DIALECT.render
    problem = Problem(
        kind="invalid", code="validation", message=ERRORS["validation"]["says"], fields={"email": ["Wrong."]}
    )
    with app.test_request_context("/"):
        text = render(problem).get_data(as_text=True)
    assert "email" in text or dialect == "client_v1"
