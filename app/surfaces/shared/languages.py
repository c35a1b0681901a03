"""The language of a call: the person's own, else what the browser or client asks for."""

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
    """Return a sentence of the domains in the reader's language."""
    return languages.said(text, language())


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
