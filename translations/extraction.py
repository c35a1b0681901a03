"""Finds the sentences of Python code: what is marked, and what is shown to people without a mark.

Core and domains speak plain English and know no catalogues; what they say is translated where it is shown.
It is found by where it stands: an error's ``message``, at a field refused, a remedy, a mail's subject.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from babel.messages.extract import extract_python

MARKS: Mapping[str, Any] = {
    "_": None,
    "_l": None,
    "_n": (1, 2),
    "gettext": None,
    "lazy_gettext": None,
    "ngettext": (1, 2),
    "lazy_ngettext": (1, 2),
    "Sentence": None,
    "said": None,
}
"""Functions whose texts are translated, and which of their arguments these are (None: the first)."""
_CALLS = frozenset({"ValidationError", "Sentence", "_need", "_form", "_matching"})
"""Functions whose texts people read: refusals of schemas and of settings."""
_WORDED = {"Task": slice(1, 2), "PermissionDefinition": slice(2, 3), "SystemProfile": slice(2, 4)}
"""Definitions whose words people read, and where they stand in them."""
_SPOKEN = frozenset({"message", "remedy", "subject", "problem"})
"""Names under which core and domains keep sentences for people."""
_TABLES = frozenset({"_SAYS", "_BY_HTTP", "faults", "wrong", "invalid", "WORDS"})
"""Tables of such sentences."""

Found = tuple[int, str | None, Any, list[str]]


def sentences(file: BinaryIO, _keywords: Any, comment_tags: Any, options: dict[str, str]) -> Iterator[Found]:
    """Yield every sentence of a file, as Babel asks for them."""
    marked = list(extract_python(file, MARKS, comment_tags, options))
    yield from marked
    file.seek(0)
    tree = _tree(file.read())
    seen = {text for found in marked for text in (found[2] if isinstance(found[2], tuple) else [found[2]])}
    for line, text in _spoken(tree):
        if text not in seen and not _is_name(text):
            seen.add(text)
            yield line, None, text, []


def _spoken(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            yield from _assigned(node)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            if node.value is not None and node.target.id in _SPOKEN | _TABLES:
                yield from _texts(node.value)
        elif isinstance(node, ast.Call):
            yield from _called(node)
        elif isinstance(node, ast.keyword) and node.arg in _SPOKEN:
            yield from _texts(node.value)
        if isinstance(node, ast.Call):
            yield from _of_a_setting(node)


def _assigned(node: ast.Assign) -> Iterator[tuple[int, str]]:
    for target in node.targets:
        if isinstance(target, ast.Name) and target.id in _SPOKEN | _TABLES:
            yield from _texts(node.value)
        if isinstance(target, ast.Subscript) and getattr(target.value, "id", "") in _TABLES:
            yield from _texts(node.value)
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            for name, value in zip(target.elts, node.value.elts, strict=False):
                if isinstance(name, ast.Name) and name.id in _SPOKEN:
                    yield from _texts(value)


def _tree(text: bytes) -> ast.Module:
    try:
        return ast.parse(text)
    except SystemError:  # CPython before 3.11.5 loses count when garbage is collected meanwhile (gh-106905)
        return ast.parse(text)


def _called(node: ast.Call) -> Iterator[tuple[int, str]]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    for spoken in _spoken_arguments(name, node.args):
        yield from _texts(spoken)


def _spoken_arguments(name: str, arguments: list[ast.expr]) -> list[ast.expr]:
    """Return those arguments of a call that people read."""
    if name in _WORDED:
        return arguments[_WORDED[name]]
    if name == "done":
        return arguments[1:]
    return arguments if name == "ValidationFailed" or name in _CALLS else []


def _of_a_setting(node: ast.Call) -> Iterator[tuple[int, str]]:
    """Yield a setting's label and the headings above it, where the registry defines it."""
    named = {keyword.arg: keyword.value for keyword in node.keywords}
    if "governs" in named and "label" in named:
        yield from _texts(named["label"])
    if "tree" in named:
        yield from _texts(named["tree"])


def _texts(node: ast.expr) -> Iterator[tuple[int, str]]:
    """Yield the whole strings of an expression, not the pieces of a string that is put together."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.lineno, node.value
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
    elif isinstance(node, ast.Dict):
        for value in node.values:
            yield from _texts(value)
    elif isinstance(node, ast.DictComp):
        yield from _texts(node.value)
    elif isinstance(node, ast.List | ast.Tuple):
        for one in node.elts:
            yield from _texts(one)


def _is_name(text: str) -> bool:
    """Tell names of fields, codes and patterns from what people read."""
    return not text.strip() or not re.search(
        r"^[A-Z]| |^(active|suspended|archived|missing|partial|ok)$", text
    )
