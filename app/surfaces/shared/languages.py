"""The language of a call: the person's own, else what the browser or client asks for."""

import re
from dataclasses import replace
from typing import cast

from flask import Flask, g, has_request_context, request
from flask_babel import Babel, Domain, get_locale, refresh
from werkzeug.utils import cached_property

from app.core import languages
from app.core.access import Actor
from app.domains.settings import queries as settings
from app.domains.settings.queries import InstanceFace
from app.surfaces.shared.problems import Problem

COOKIE = "language"

WORDS = (
    "Missing data for required field.",
    "Field may not be null.",
    "Unknown field.",
    "Invalid input type.",
    "Not a valid string.",
    "Not a valid integer.",
    "Not a valid number.",
    "Not a valid boolean.",
    "Not a valid UUID.",
    "Not a valid date.",
    "Not a valid datetime.",
    "Not a valid list.",
    "Not a valid mapping type.",
    "Not a valid URL.",
    "Must be one of: %(choices)s.",
    "Shorter than minimum length %(min)s.",
    "Longer than maximum length %(max)s.",
    "Length must be between %(min)s and %(max)s.",
    "Length must be %(equal)s.",
    "Must be greater than or equal to %(min)s and less than or equal to %(max)s.",
    "Must be greater than or equal to %(min)s.",
    "Must be less than or equal to %(max)s.",
)
"""What marshmallow says of a field, as far as our schemas let it."""
_SHAPES = [
    (pattern, re.compile(re.sub(r"%\\\((\w+)\\\)s", r"(?P<\1>.+)", re.escape(pattern))))
    for pattern in WORDS
    if "%" in pattern
]


class _Catalogs(Domain):
    """Our catalogues, in place of compiled files."""

    def get_translations(self):  # type: ignore[no-untyped-def]
        """Return the translations for the reader of this answer."""
        return languages.catalog(language())


class _Languages(Babel):
    @cached_property
    def domain_instance(self) -> Domain:
        return _Catalogs()


def init_languages(app: Flask) -> None:
    """Let templates and Python translate with ``_``, each call in its reader's language."""
    _Languages(app, locale_selector=lambda: str(languages.locale_of(_locale())))
    app.before_request(_forget)


def language() -> str:
    """Return the language of this answer."""
    found = get_locale()
    return languages.language_of(str(found)) if found else languages.DEFAULT


def speak(locale: str) -> None:
    """Answer in this language from here on: the person has just chosen it."""
    g.locale = locale
    refresh()


def said(text: str) -> str:
    """Return a sentence of the domains, or of the library that reads bodies, in the reader's language."""
    spoken = language()
    if spoken == languages.DEFAULT or isinstance(text, languages.Sentence):
        return languages.said(text, spoken)
    for pattern, shape in _SHAPES:
        if found := shape.fullmatch(str(text)):
            return languages.said(languages.Sentence(pattern, **found.groupdict()), spoken)
    return languages.said(text, spoken)


def in_their_language(problem: Problem) -> Problem:
    """Return a problem as its reader understands it."""
    fields = {name: [said(text) for text in texts] for name, texts in problem.fields.items()}
    remedy = problem.remedy and said(problem.remedy)
    return replace(problem, message=said(problem.message), fields=fields, remedy=remedy)


def asked_for() -> str:
    """Return what a visitor chose by cookie, else the best their browser asks for, else the first here."""
    chosen, wishes = request.cookies.get(COOKIE, ""), request.accept_languages
    if not chosen and not wishes and not (request.blueprint or "portal").startswith("portal"):
        return languages.DEFAULT  # a program that does not say: not worth a query
    spoken = [known for known in instance().languages if known in languages.LANGUAGES] or [languages.DEFAULT]
    return chosen if chosen in spoken else wishes.best_match(spoken) or spoken[0]


def instance() -> InstanceFace:
    """Return what this instance is called and which languages it offers, read once a request."""
    if "instance" not in g:
        g.instance = settings.instance_face()
    return cast("InstanceFace", g.instance)


def _locale() -> str:
    if "locale" in g:
        return str(g.locale)
    actor: Actor | None = g.get("actor")
    if actor is not None and actor.is_signed_in and (actor.particulars.locale_is_own or actor.tenant_id):
        return actor.particulars.locale
    return asked_for() if has_request_context() else languages.DEFAULT


def _forget() -> None:
    g.pop("locale", None)
    refresh()
