"""Routes and contract are the same, both ways; what was built once stays; addresses read alike everywhere."""

import ast
import re
from pathlib import Path

from flask import Flask

from tests.architecture.source import sources
from tests.contract.endpoints import BY_CALL, ENDPOINTS, built, in_a_dialect, routes

BUILT = Path(__file__).with_name("built.txt")
"""Ids of all endpoints that were ever there, one a line: it only grows."""

WORD = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*(\.(json|css|js|svg|png|gif|ico|txt|webmanifest))?")
CONVERTER = re.compile(r"<([^:>]+:)?[^>]+>")
NAMED = re.compile(CONVERTER.pattern + r"(\.(css|gif))?")


def remembered() -> set[str]:
    return set(BUILT.read_text(encoding="utf-8").split())


def test_no_endpoint_that_was_there_has_gone(app: Flask) -> None:
    assert sorted(remembered() - set(built(app))) == []


def test_every_endpoint_that_is_there_is_remembered(app: Flask) -> None:
    new = sorted(set(built(app)) - remembered())
    assert new == [], f"add these lines to {BUILT.name}"


def test_what_is_remembered_is_in_the_contract_and_in_order() -> None:
    lines = BUILT.read_text(encoding="utf-8").split()
    assert lines == sorted(set(lines))
    assert set(lines) <= set(ENDPOINTS)


def test_an_endpoint_is_there_at_all_its_addresses(app: Flask) -> None:
    there = routes(app)
    half = {
        endpoint.id: [call for call in endpoint.calls if call not in there]
        for endpoint in built(app).values()
    }
    assert {name: lacking for name, lacking in half.items() if lacking} == {}


def test_a_dialect_has_nothing_that_the_contract_does_not_name(app: Flask) -> None:
    unnamed = [call for call in routes(app) if in_a_dialect(call[1]) and call not in BY_CALL]
    assert unnamed == []


def test_path_parameters_are_named_and_typed(app: Flask) -> None:
    untyped = [
        rule.rule
        for rule in app.url_map.iter_rules()
        for found in CONVERTER.finditer(rule.rule)
        if found[1] is None
    ]
    assert untyped == []


def test_addresses_are_words_joined_by_hyphens(app: Flask) -> None:
    odd = {
        rule.rule
        for call, rule in routes(app).items()
        if call not in BY_CALL and not call[1].startswith("/openapi/")  # these names are the documents' own
        for segment in rule.rule.strip("/").split("/")
        if segment and not NAMED.fullmatch(segment) and not WORD.fullmatch(segment)
    }
    assert odd == set()


def test_integers_in_addresses_fit_the_database(app: Flask) -> None:
    """An id past 2**63 is nobody's: it must be *not found*, never an error of the database."""
    client = app.test_client()
    for (method, _), rule in routes(app).items():
        if "<int:" in rule.rule and method == "GET":
            path = re.sub(r"<[^>]+>", "9" * 40, rule.rule)
            assert client.get(path).status_code < 500, path


def test_links_in_mails_lead_to_pages(app: Flask) -> None:
    """Whatever path the code gives to ``public_url`` is one that a browser can open."""
    adapter = app.url_map.bind("localhost")
    paths = {
        node.args[0].value
        for source in sources("app")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("public_url")
        if node.args and isinstance(node.args[0], ast.Constant)
    }
    assert [path for path in sorted(paths) if not adapter.test(path, "GET")] == []
