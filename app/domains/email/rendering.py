"""From a mail's variables to its subject and its two parts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import css_inline
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from app.domains.email.definitions import MAILS
from app.domains.email.wording import harmless

_TEMPLATES = Path(__file__).parents[3] / "templates" / "mail"

_environment = Environment(
    loader=FileSystemLoader(_TEMPLATES),
    autoescape=select_autoescape(["html"], default_for_string=False),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

# What is for dark mode and small screens cannot be inlined and stays in a style block.
_inliner = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


@dataclass(frozen=True)
class RenderedMail:
    """A mail as it is read."""

    subject: str
    html: str
    text: str


def render(name: str, variables: Mapping[str, str]) -> RenderedMail:
    """Write a mail; ``variables`` are its own and the common ones, in snake_case.

    :raises KeyError: for a mail that does not exist
    :raises jinja2.UndefinedError: for a variable that lacks
    """
    definition = MAILS[name]
    ours = definition.secret | {"link"}
    shown = {key: value if key in ours else harmless(value) for key, value in variables.items()}
    shown["first_name"] = shown["first_name"] or "there"
    shown["tenant_name"] = shown["tenant_name"] or shown["app_name"]
    subject = _environment.from_string(definition.subject).render(shown)
    text = _environment.get_template(f"{name}.txt").render(shown, subject=subject)
    html = _environment.get_template(f"{name}.html").render(shown, subject=subject)
    return RenderedMail(subject, _inliner.inline(html), text)
