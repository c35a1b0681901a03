"""What a frame of the portal has, no page takes away: names that both use would hide each other."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import meta, nodes

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "templates" / "portal"
FRAME = "base.py"
NO_FACTS = {"setting_forms.py": {"viewer"}}
"""Words that are no names of what a page reads: a role."""


def words(tree: ast.AST) -> Iterator[str]:
    """Yield the names of what a module hands to templates: keys of its dicts, keywords of ``page``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            yield from (
                key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)
            )
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "page":
            yield from (keyword.arg for keyword in node.keywords if keyword.arg)


def of_the_frame() -> set[str]:
    tree = ast.parse((ROOT / "app" / "surfaces" / "portal" / FRAME).read_text("utf-8"))
    (frame,) = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "frame"]
    later = {
        node.slice.value
        for node in ast.walk(frame)
        if isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Constant)
        and isinstance(node.slice.value, str)
    }
    return set(words(frame)) | later


@pytest.mark.once
def test_no_view_hands_a_page_what_its_frame_has() -> None:
    taken = of_the_frame()
    assert {"may", "viewer", "navigation"} <= taken
    hidden = {
        path.name: sorted(found)
        for path in sorted((ROOT / "app" / "surfaces" / "portal").glob("*.py"))
        if path.name != FRAME
        and (found := taken & set(words(ast.parse(path.read_text("utf-8")))) - NO_FACTS.get(path.name, set()))
    }
    assert hidden == {}


def test_no_page_reads_a_name_that_its_layout_sets(app: Flask) -> None:
    def parsed(path: Path) -> nodes.Template:
        return app.jinja_env.parse(path.read_text("utf-8"))

    layouts = {path: parsed(path) for path in sorted((PAGES / "layouts").glob("*.html"))}
    names = {
        target.name
        for tree in layouts.values()
        for node in tree.find_all(nodes.Assign)
        for target in (node.target, *node.target.find_all(nodes.Name))
        if isinstance(target, nodes.Name)
    }
    assert names
    read = {
        str(path.relative_to(PAGES)): sorted(found)
        for path in sorted(PAGES.rglob("*.html"))
        if path not in layouts and (found := names & meta.find_undeclared_variables(parsed(path)))
    }
    assert read == {}
