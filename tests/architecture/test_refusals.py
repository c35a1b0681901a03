"""Every refusal says which layer refused and who can change it: at each place where one is raised."""

import ast
from collections.abc import Iterator

import pytest

import app.surfaces  # noqa: F401 - so that every error of the product is defined
from app.core.errors import LAYERS, AppError, Forbidden, OverPlan
from tests.architecture.source import ROOT, Source

pytestmark = pytest.mark.once


PLACES = sorted((ROOT / "app").rglob("*.py"))

ANSWERS_FOR_ITSELF = frozenset({"auth:csrf_invalid", "auth:step_up_required"})
"""What the portal answers with the act itself (the page again, the question), and clients by its code."""


def below(kind: type[AppError]) -> Iterator[type[AppError]]:
    for error in kind.__subclasses__():
        yield error
        yield from below(error)


def refusals() -> dict[str, type[AppError]]:
    """Return the errors that refuse somebody, by name."""
    found = {error.__name__: error for kind in (Forbidden, OverPlan) for error in below(kind)}
    return {
        name: error
        for name, error in found.items()
        if error.code not in ANSWERS_FOR_ITSELF and "__init__" not in vars(error)
    }


def raised(tree: ast.Module, names: set[str]) -> Iterator[tuple[int, str, dict[str, ast.expr]]]:
    """Yield each place where one of the errors is made, with what is said of it."""
    called = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if name in names:
                called.add(id(node.func))
                yield node.lineno, name, {word.arg or "": word.value for word in node.keywords}
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None and not isinstance(node.exc, ast.Call):
            exc = node.exc
            name = exc.id if isinstance(exc, ast.Name) else exc.attr if isinstance(exc, ast.Attribute) else ""
            if name in names:
                yield node.lineno, name, {}


@pytest.mark.parametrize("word", ["layer", "remedy"])
def test_every_refusal_says_who_refused_and_who_can_change_it(word: str) -> None:
    names = {name for name, error in refusals().items() if getattr(error, word) is None}
    assert names
    silent = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in PLACES
        for line, name, words in raised(Source(path).tree, names)
        if word not in words and "" not in words
    ]
    assert silent == []


def test_layers_are_those_that_people_are_told_of() -> None:
    odd = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.value.value}"
        for path in PLACES
        for node in ast.walk(Source(path).tree)
        if isinstance(node, ast.keyword) and node.arg == "layer" and isinstance(node.value, ast.Constant)
        if node.value.value is not None and node.value.value not in LAYERS
    ]
    assert odd == []
