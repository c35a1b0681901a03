"""Forms as a page of the portal offers them, filled in and sent as a browser without scripts does."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any


@dataclass
class Form:
    """One form of a page: where it goes and what it sends as it stands."""

    action: str
    values: dict[str, list[str]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    """All names that it can send, chosen or not."""

    def filled(self, **typed: Any) -> dict[str, Any]:
        """Return what is sent when this is typed into it.

        :raises AssertionError: if the page has no such field
        """
        unknown = sorted(typed.keys() - self.names)
        assert unknown == [], f"{self.action} has no {unknown} but {sorted(self.names)}"
        return {**self.values, **typed}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.by_id: dict[str, Form] = {}
        self.inside: Form | None = None
        self.select: tuple[str, bool] | None = None
        self.options: list[tuple[str, bool]] = []
        self.area: str | None = None

    def form_of(self, about: Mapping[str, Any]) -> Form | None:
        return self.by_id.setdefault(about["form"], Form("")) if about.get("form") else self.inside

    def put(self, form: Form | None, name: str, value: str) -> None:
        if form is not None:
            form.values.setdefault(name, []).append(value)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = dict(attrs)
        if tag == "form":
            self._form(about)
            return
        form, name = self.form_of(about), about.get("name") or ""
        if form is not None and name:
            form.names.add(name)
        if tag == "button" and form is not None and about.get("formaction"):
            self.forms.append(Form(about["formaction"] or "", form.values, form.names))
        elif tag == "input" and name:
            self._input(form, name, about)
        else:
            self._choice_or_area(tag, form, name, about)

    def _form(self, about: Mapping[str, Any]) -> None:
        self.inside = self.by_id.setdefault(about["id"], Form("")) if about.get("id") else Form("")
        self.inside.action = about.get("action") or ""
        if (about.get("method") or "").lower() == "post":
            self.forms.append(self.inside)

    def _choice_or_area(self, tag: str, form: Form | None, name: str, about: Mapping[str, Any]) -> None:
        if tag == "select":
            self.select, self.options = (name, "multiple" in about), []
        elif tag == "option":
            self.options.append((about.get("value") or "", "selected" in about))
        elif tag == "textarea":
            self.area = name
            self.put(form, name, "")

    def _input(self, form: Form | None, name: str, about: Mapping[str, Any]) -> None:
        kind = about.get("type") or "text"
        if kind in ("submit", "file", "button") or (kind in ("checkbox", "radio") and "checked" not in about):
            return
        self.put(form, name, about.get("value") or ("on" if kind == "checkbox" else ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = None
        elif tag == "textarea":
            self.area = None
        elif tag == "select" and self.select:
            name, multiple = self.select
            chosen = [value for value, is_chosen in self.options if is_chosen]
            for value in chosen or ([] if multiple else [value for value, _ in self.options[:1]]):
                self.put(self.inside, name, value)
            self.select = None

    def handle_data(self, data: str) -> None:
        if self.area and self.inside is not None:
            self.inside.values[self.area][-1] += data.removeprefix("\n")


def forms_of(text: str) -> list[Form]:
    """Return the forms of a page that change something."""
    reader = _Reader()
    reader.feed(text)
    return reader.forms


def form_to(text: str, rule: str, *, at: str) -> Form:
    """Return a page's first form to a route, the ids in its address whichever they are.

    :param at: where the page is, to which a form without an address goes
    :raises AssertionError: if the page has none
    """
    pattern = re.compile(re.sub(r"<[^>]+>", "[^/?#]+", rule))
    offered = forms_of(text)
    for form in offered:
        form.action = form.action or at
        if pattern.fullmatch(form.action.partition("?")[0]):
            return form
    raise AssertionError(f"no form to {rule}, but to {sorted({form.action for form in offered})}")
