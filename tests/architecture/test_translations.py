"""Every sentence that people read is in the catalogues, translated; no page says one past them."""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message

from tests.architecture.source import Source
from translations.catalogs import CATALOGS, LANGUAGES, fresh, read, updated

pytestmark = pytest.mark.once


ROOT = CATALOGS.parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.html")) + sorted((ROOT / "templates").rglob("*.txt"))
PLACES = re.compile(r"%\(\w+\)[sd]|{{ ?\w+ ?}}|(?<!{){\w+}(?!})|<[^>]*>")
SPOKEN_ATTRIBUTES = frozenset({"title", "placeholder", "aria-label", "alt", "data-words"})
SAME_EVERYWHERE = frozenset({"html", "Esc", "Ctrl K", "UTC", "curl"})
"""What stands in templates as it is: names of things, keys, protocols."""
EXAMPLES = frozenset({"Acme Corp"})
"""Names that show what a field may hold."""


@pytest.fixture(scope="module")
def found() -> Catalog:
    return fresh()


def texts(part: object) -> list[str]:
    return [str(part or "")] if part is None or isinstance(part, str) else [str(text) for text in part]  # type: ignore[attr-defined]


def messages(catalog: Catalog) -> Iterator[Message]:
    return (message for message in catalog if message.id)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_has_what_the_code_says_and_nothing_else(language: str, found: Catalog) -> None:
    kept = read(CATALOGS / language / "LC_MESSAGES" / "messages.po", language)
    ours, wanted = {str(m.id) for m in messages(kept)}, {str(m.id) for m in messages(found)}
    assert (sorted(wanted - ours), sorted(ours - wanted)) == ([], []), "run `make messages`, then translate"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_translated_with_all_that_stands_in_it(language: str, found: Catalog) -> None:
    kept = updated(read(CATALOGS / language / "LC_MESSAGES" / "messages.po", language), found)
    assert [m.id for m in messages(kept) if not all(texts(m.string)) or m.fuzzy] == []
    uneven = [
        m.id
        for m in messages(kept)
        for said, told in zip(texts(m.id), texts(m.string), strict=True)
        if sorted(PLACES.findall(said)) != sorted(PLACES.findall(told))
    ]
    assert uneven == []


class Reader(HTMLParser):
    """Collects what a page says by itself: texts, and attributes that are read out."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in {"script", "style", "code", "pre"}
        self.said += [value for name, value in attrs if name in SPOKEN_ATTRIBUTES and value]

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in {"script", "style", "code", "pre"}

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.said.append(data)


def without_template(source: str) -> str:
    """Return a template's own words: no comments, no translated blocks, no expressions, no statements."""
    source = re.sub(r"{#.*?#}", "", source, flags=re.DOTALL)
    source = re.sub(r"{%-?\s*trans\b.*?endtrans\s*[-+]?%}", "", source, flags=re.DOTALL)
    source = re.sub(r"{% macro attributes.*?endmacro %}", "", source, flags=re.DOTALL)  # attributes, no text
    source = re.sub(r"{% block width %}.*?{% endblock %}", "", source)
    return re.sub(r"{%.*?%}|{{.*?}}", "", source, flags=re.DOTALL)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_a_template_says_nothing_past_the_catalogues(path: Path) -> None:
    reader = Reader()
    reader.feed(without_template(path.read_text(encoding="utf-8")))
    words = [text.strip() for text in reader.said if re.search(r"[A-Za-z]{2}", text)]
    assert [text for text in words if text not in SAME_EVERYWHERE] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_a_macro_is_given_no_sentence_past_the_catalogues(path: Path) -> None:
    source = re.sub(r"{#.*?#}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    source = re.sub(r"{%-?\s*trans\b[^%]*%}.*?endtrans\s*[-+]?%}", "", source, flags=re.DOTALL)
    expressions = re.findall(r"{{.*?}}|{%-?\s*(?:call|set)\b.*?%}", source, flags=re.DOTALL)
    literal = re.compile(r"(?<![_\w]\()[\"']([A-Z][a-z]+ [^\"']*)[\"']")
    assert [text for one in expressions for text in literal.findall(one) if text not in EXAMPLES] == []


def test_python_of_the_portal_says_nothing_past_the_catalogues(found: Catalog) -> None:
    known = {text for message in messages(found) for text in texts(message.id)}
    strays = {
        f"{path.name}:{node.lineno}": node.value
        for path in sorted((ROOT / "app/surfaces/portal").glob("*.py"))
        for node in spoken_constants(Source(path).tree)
        if node.value not in known
    }
    assert strays == {}


def spoken_constants(tree: ast.Module) -> Iterator[ast.Constant]:
    """Yield what reads like a sentence and is no docstring."""
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in alone:
            continue
        if re.match(r"[A-Z][\w']*( [^ ]+)+[.?!]$", node.value):
            yield node


def test_scripts_say_nothing_past_the_catalogues() -> None:
    strays = [
        text
        for path in sorted((ROOT / "static/js").glob("*.js"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if not line.lstrip().startswith("//")
        for text in re.findall(r"[\"'`]([A-Z][a-z]+ [a-z][^\"'`]*)[\"'`]", line)
    ]
    assert strays == []
