"""Reading our own source: every file of the product as a tree."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One Python file."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def tree(self) -> ast.Module:
        try:
            return ast.parse(self.text, self.name)
        except SystemError:
            # CPython before 3.11.5 loses count when a collection of garbage comes in between (gh-106905).
            return ast.parse(self.text, self.name)

    def functions(self) -> Iterator[Function]:
        """Yield every function and method, inner ones included."""
        return (
            node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        )

    def text_of(self, function: Function) -> str:
        """Return a function as it is written, without its decorators."""
        return "\n".join(self.text.splitlines()[function.lineno - 1 : function.end_lineno])

    @cached_property
    def calls(self) -> list[tuple[str, int]]:
        """What is called, as it is written (``db.session.commit``), with its line."""
        nodes = (node for node in ast.walk(self.tree) if isinstance(node, ast.Call))
        return [(ast.unparse(node.func), node.lineno) for node in nodes]


@cache
def source(path: Path) -> Source:
    """Return a file, one for all who ask: what is found in it is kept, its large tree is not."""
    return Source(path)


def sources(*folders: str) -> list[Source]:
    """Return the files of these folders, in a fixed order."""
    return [source(path) for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def length(function: Function) -> int:
    """Return how many lines a function's body takes, its docstring not counted."""
    body = function.body
    if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def decorators(function: Function) -> list[str]:
    """Return a function's decorators as they are written."""
    return [ast.unparse(decorator) for decorator in function.decorator_list]
