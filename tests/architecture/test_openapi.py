"""The OpenAPI documents that are handed out agree with the contract, by its own comparison."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest
from flask import Flask

from tests.contract.documents import CONTRACT
from tests.contract.endpoints import DIALECTS, ENDPOINTS, built

pytestmark = pytest.mark.once


def checker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("contract_check", CONTRACT / "check.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def report(app: Flask, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return the lines of ``check.py --openapi`` over all documents of the product."""
    files = []
    for dialect in sorted({endpoint.dialect for endpoint in built(app).values()}):
        answer = app.test_client().get(f"/openapi/{dialect}.json")
        assert answer.status_code == 200, dialect
        files.append(tmp_path / f"{dialect}.json")
        files[-1].write_text(json.dumps(answer.get_json()), encoding="utf-8")
    checker().check_openapi([str(file) for file in files])
    return capsys.readouterr().out.splitlines()


def test_no_document_shows_a_call_that_the_contract_does_not_name(report: list[str]) -> None:
    assert [line for line in report if line.startswith("undocumented")] == []


def test_every_endpoint_that_is_built_is_in_its_document_with_every_field(
    app: Flask, report: list[str]
) -> None:
    found = [
        re.match(r"missing, \w+\s*\w*\s+([a-z_0-9]+\.[a-z_]+\.[a-z_0-9]+): (.*)", line) for line in report
    ]
    lacking = [line[0] for line in found if line is not None and line[1] in built(app)]
    assert lacking == []


def test_the_report_was_read(report: list[str]) -> None:
    """Guard the two tests above: lines of endpoints not built yet must be recognised as such."""
    named = {word for line in report for word in re.findall(r"[a-z_0-9]+\.[a-z_]+\.[a-z_0-9]+", line)}
    assert all(any(line.startswith(dialect) for line in report) for dialect in DIALECTS)
    assert named <= set(ENDPOINTS) or not named
