"""Rules of the house that can be read off the source: sizes, time, commits, output, markup."""

import re
from collections.abc import Iterator

import pytest

from tests.architecture.source import ROOT, Function, Source, decorators, length, sources

pytestmark = pytest.mark.once


FILE_LINES = 400
FUNCTION_LINES = 40
VIEW_LINES = 12

LONG_FILES: dict[str, str] = {}
"""Files over the limit, each with the reason why it stays whole."""

LONG_FUNCTIONS: dict[str, str] = {
    "app/core/settings.py:_parse": "one line for each variable of the environment",
    "app/domains/sessions/lookup.py:_statement": "one query, which every call makes, column by column",
}
"""Functions over the limit, each with the reason why it stays whole."""

TRUSTED_MARKUP: dict[str, str] = {
    "templates/portal/pages/policy.html": "the policies are texts of our own, made into HTML by us",
}
"""Templates that put in HTML as it is, each with the reason why nobody else can write it."""

IMPORTED_BY_NAME: dict[str, str] = {
    "app/core/db.py": "flask_migrate, which the command line alone needs; the contract names this file",
    "app/core/late.py": "what another file imports for the type checker, which the contracts see",
    "app/surfaces/__init__.py": "the surfaces, so that none of them imports another",
    "app/surfaces/cli.py": "the worker and the commands of migrations, each when it is called",
}
"""Files that import by a name, past the import contracts, each with what and why."""

ROUTE = re.compile(r"\w+\.(get|post|put|patch|delete|route)\(")


def too_long(source: Source, limit: int) -> Iterator[tuple[str, Function, int]]:
    for function in source.functions():
        if length(function) > limit:
            yield f"{source.name}:{function.name}", function, length(function)


def test_files_stay_small_enough_to_be_read() -> None:
    found = sources("app", "sandbox", "tests", "benchmarks")
    long = {s.name: len(s.text.splitlines()) for s in found if len(s.text.splitlines()) > FILE_LINES}
    assert set(long) == set(LONG_FILES), long


def test_functions_stay_small_enough_to_be_seen_whole() -> None:
    long = {name: lines for source in sources("app") for name, _, lines in too_long(source, FUNCTION_LINES)}
    assert set(long) == set(LONG_FUNCTIONS), long


def test_views_hide_no_operation() -> None:
    long = {
        name: lines
        for source in sources("app/surfaces")
        for name, function, lines in too_long(source, VIEW_LINES)
        if any(ROUTE.match(decorator) for decorator in decorators(function))
    }
    assert long == {}


def test_only_the_clock_knows_the_time() -> None:
    clocks = re.compile(r"(^|\.)(datetime\.(now|utcnow|today)|date\.today|time\.time)$")
    asked = [
        f"{source.name}:{line} {call}"
        for source in sources("app")
        if source.name != "app/core/clock.py"
        for call, line in source.calls
        if clocks.search(call)
    ]
    assert asked == []


def test_only_the_transaction_commits() -> None:
    ended = [
        f"{source.name}:{line} {call}"
        for source in sources("app")
        if source.name != "app/surfaces/shared/transaction.py"
        for call, line in source.calls
        if re.search(r"\.(commit|rollback)$", call) and not call.startswith("savepoint.")
    ]
    assert ended == []


def test_nothing_prints() -> None:
    printed = [
        f"{source.name}:{line}" for source in sources("app") for call, line in source.calls if call == "print"
    ]
    assert printed == []


def test_only_the_settings_read_the_environment() -> None:
    reads = [
        source.name
        for source in sources("app")
        if source.name != "app/core/settings.py" and re.search(r"\bos\.(environ|getenv)\b", source.text)
    ]
    assert reads == []


def test_every_module_says_what_lives_in_it() -> None:
    silent = [s.name for s in sources("app", "sandbox") if not s.text.lstrip().startswith(('"""', 'r"""'))]
    assert silent == []


def test_no_module_is_named_for_nothing() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "base_utils"}
    assert [s.name for s in sources("app", "sandbox") if s.path.stem in vague] == []


def test_pages_obey_the_content_security_policy() -> None:
    inline = re.compile(
        r"<script(?![^>]*\bsrc=)[^>]*>|\sstyle=|\son[a-z]+=\"|javascript:|<style\b", re.IGNORECASE
    )
    data = re.compile(r'<script[^>]*type="application/(json|ld\+json)"')
    broken = [
        f"{path.relative_to(ROOT).as_posix()}: {found[0]}"
        for path in sorted((ROOT / "templates").rglob("*.html"))
        if "mail" not in path.parts
        for found in inline.finditer(path.read_text(encoding="utf-8"))
        if not data.match(found[0])
    ]
    assert broken == []


def test_nothing_a_page_shows_goes_round_the_escaping() -> None:
    unsafe = {
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "templates").rglob("*.html"))
        if re.search(r"\|\s*safe\b|autoescape false", path.read_text(encoding="utf-8"))
    }
    assert unsafe == set(TRUSTED_MARKUP)


def test_nothing_is_imported_past_the_contracts() -> None:
    by_name = {
        s.name
        for s in sources("app")
        if re.search(r"\b(importlib|__import__)\b|(?<![\w.])(exec|eval)\(", s.text)
    }
    assert by_name == set(IMPORTED_BY_NAME)
    unseen = [
        f"{source.name}: {name}"
        for source in sources("app")
        for name in re.findall(r"\bLate\(\"([\w.]+)\"\)", source.text)
        if source.name != "app/core/late.py" and not _imports(source, name)
    ]
    assert unseen == [], "import it under TYPE_CHECKING too"


def _imports(source: Source, name: str) -> bool:
    package, _, module = name.rpartition(".")
    return bool(
        re.search(
            rf"^    (import {name}|from {package or name} import .*\b{module})\b", source.text, re.MULTILINE
        )
    )
