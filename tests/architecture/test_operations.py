"""Access sits on the operation: whatever a way in can call has one, and nobody can forget it."""

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

import app.domains
from app.core.access import OPERATIONS, Access
from app.core.permissions import Permission
from tests.architecture.source import ROOT, Source, sources

pytestmark = pytest.mark.once


OPEN_TO_SURFACES: dict[str, str] = {
    "app.domains.accounts.policies.may_be_awaited": "reads what was asked of the caller for the page",
    "app.domains.accounts.preferences.look_by": "reads what was asked of the caller for the page",
    "app.domains.accounts.preferences.of": "came along with the person who has just signed in",
    "app.domains.auth.codes.rules": "how long a code is good for is said to everybody",
    "app.domains.billing.invoices.money": "an amount of an invoice that was handed out",
    "app.domains.clients.instances.identify": "makes the actor of a service user's call",
    "app.domains.clients.instances.visitor": "makes the actor of a call to an instance without a token",
    "app.domains.members.access_requests.can_be_asked_for": "a list of words, the same for everybody",
    "app.domains.members.access_requests.label_of": "a list of words, the same for everybody",
    "app.domains.onboarding.queries.left_by": "reads what was asked of the caller for the page",
    "app.domains.sessions.identify.identify": "makes the actor",
    "app.domains.sessions.tokens.csrf_matches": "judges the call before there is an actor",
    "app.domains.settings.budgets.rules_of": "counts every call, the refused ones too",
    "app.domains.settings.queries.face_and_style": "``instance_face`` and ``house_style`` at once",
    "app.domains.settings.queries.first_day_of_week": "how the caller's own organization counts weeks",
    "app.domains.settings.queries.house_style": "how the caller's own organization writes dates",
    "app.domains.settings.queries.instance_face": "stands on every page, that of a database that is away too",
    "app.domains.settings.queries.integer": "what the instance is set to is no secret of anybody's",
    "app.domains.settings.sheet.grown": "arranges what was handed out already",
    "app.domains.twofactor.pictures.png": "draws what the caller was shown a moment ago",
    "app.domains.twofactor.pictures.svg": "draws what the caller was shown a moment ago",
}
"""Functions of domains that surfaces call though they are no operation, each with the reason."""


def modules(package: ModuleType) -> list[ModuleType]:
    found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    return [importlib.import_module(module.name) for module in found]


def full_name(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__name__}"


def domain_functions() -> Iterator[Callable[..., Any]]:
    for module in modules(app.domains):
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == module.__name__ and not name.startswith("_"):
                yield function


def called_from(source: Source) -> Iterator[Callable[..., Any]]:
    """Yield the functions of domains that a file names, whether it imports them or their module."""
    known: dict[str, Any] = {}
    nodes = list(ast.walk(source.tree))
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("app.domains"):
            for alias in node.names:
                known[alias.asname or alias.name] = _imported(node.module or "", alias.name)
    for node in nodes:
        if isinstance(node, ast.Name) and inspect.isfunction(known.get(node.id)):
            yield known[node.id]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = known.get(node.value.id)
            found = getattr(owner, node.attr, None) if inspect.ismodule(owner) else None
            if inspect.isfunction(found):
                yield found


def _imported(module: str, name: str) -> Any:
    found = getattr(importlib.import_module(module), name, None)
    return found if found is not None else importlib.import_module(f"{module}.{name}")


def test_every_operation_has_an_access_that_exists() -> None:
    modules(app.domains)
    assert OPERATIONS
    assert [o.name for o in OPERATIONS.values() if not isinstance(o.access, Access | Permission)] == []


def test_surfaces_call_operations_only() -> None:
    unguarded = {
        full_name(function)
        for source in sources("app/surfaces")
        for function in called_from(source)
        if function.__module__.startswith("app.domains") and not hasattr(function, "access")
    }
    assert unguarded == set(OPEN_TO_SURFACES)


def test_operations_take_plain_keywords() -> None:
    positional = [
        full_name(function)
        for function in domain_functions()
        if hasattr(function, "access")
        for parameter in list(inspect.signature(function).parameters.values())[1:]
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY
    ]
    assert positional == []


def test_operations_take_six_keywords_at_most() -> None:
    wide = {
        full_name(function): len(inspect.signature(function).parameters) - 1
        for function in domain_functions()
        if hasattr(function, "access") and len(inspect.signature(function).parameters) > 7
    }
    assert wide == {}


def test_every_operation_says_what_it_does() -> None:
    silent = [
        full_name(function)
        for function in domain_functions()
        if hasattr(function, "access") and not function.__doc__
    ]
    assert silent == []


def test_every_package_is_found() -> None:
    folders = [path for path in (ROOT / "app").rglob("*") if path.is_dir() and list(path.glob("*.py"))]
    assert [str(f.relative_to(ROOT)) for f in folders if not (f / "__init__.py").exists()] == []
