"""From a mail's variables to its subject and its two parts."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import css_inline
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from app.core.languages import catalog, said
from app.domains.email.definitions import MAILS
from app.domains.email.dress import Dress
from app.domains.email.readers import Reader
from app.domains.email.wording import LONGEST_NAME, LONGEST_TEXT, TEXTS, Kept, called, harmless, written

_ANYBODY = Reader()
_TEMPLATES = Path(__file__).parents[3] / "templates" / "mail"


@functools.cache
def _environment(language: str) -> Environment:
    """Return what renders the templates in one language."""
    environment: Any = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(["html"], default_for_string=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_translations(catalog(language), newstyle=True)
    environment.globals["language"] = language
    return cast("Environment", environment)


# What is for dark mode and small screens cannot be inlined and stays in a style block.
_inliner = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


@dataclass(frozen=True)
class RenderedMail:
    """A mail as it is read."""

    subject: str
    html: str
    text: str


def render(
    name: str, variables: Mapping[str, Kept], reader: Reader = _ANYBODY, dress: Dress | None = None
) -> RenderedMail:
    """Write a mail; ``variables`` are its own and the common ones, in snake_case.

    :param dress: how the organization that writes dresses its mail; None for the instance's own

    :raises KeyError: for a mail that does not exist
    :raises jinja2.UndefinedError: for a variable that lacks
    """
    definition = MAILS[name]
    ours = definition.secret | {"link"}
    words = {key: called(key, written(value, reader), reader) for key, value in variables.items()}
    shown = {key: value if key in ours else _harmless(key, value) for key, value in words.items()}
    environment, language = _environment(reader.language), reader.language
    shown["first_name"] = shown["first_name"] or said("there", language)
    shown["tenant_name"] = shown["tenant_name"] or shown["app_name"]
    subject = environment.from_string(said(definition.subject, language)).render(shown)
    around = {"subject": subject, "dress": dress}
    text = environment.get_template(f"{name}.txt").render(shown, **around)
    html = environment.get_template(f"{name}.html").render(shown, **around)
    return RenderedMail(subject, _inliner.inline(html), text)


def _harmless(name: str, value: str) -> str:
    return harmless(value, most=LONGEST_TEXT if name in TEXTS else LONGEST_NAME)
