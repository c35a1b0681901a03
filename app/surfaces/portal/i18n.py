"""How the portal's pages speak to their reader: language, time zone, dates and numbers as they write them."""

from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, g, request
from flask_babel import get_locale

from app.core import languages
from app.core.access import Actor
from app.core.languages import Manner
from app.core.settings import current_settings
from app.domains.settings import queries as settings
from app.surfaces.shared.languages import COOKIE, instance, language, said

_YEAR = 31_536_000

NAMES: Mapping[str, str] = {"en": "English", "de": "Deutsch"}
"""Each language by its own name, so that those who speak it find it."""


def visitors_choice() -> str | None:
    """Return the language that somebody new reads in, to be kept as theirs; none for the instance's own."""
    spoken = language()
    return None if spoken == (instance().languages or (languages.DEFAULT,))[0] else spoken


def remember_language(response: Response, code: str) -> Response:
    """Let this browser know a language: for visitors, and for pages that never learn who reads them."""
    secure = current_settings().https
    response.set_cookie(COOKIE, code, max_age=_YEAR, secure=secure, httponly=True, samesite="Lax")
    return response


def manner() -> Manner:
    """Return how the reader of this page writes dates, times and numbers."""
    if "manner" not in g:
        g.manner = _manner()
    found: Manner = g.manner
    return found


def _manner() -> Manner:
    locale = str(get_locale() or languages.DEFAULT)
    actor: Actor | None = g.get("actor")
    if actor is None or not actor.is_signed_in:
        return Manner.of(locale, "UTC")
    zone = actor.particulars.timezone
    if actor.particulars.locale_is_own or actor.tenant_id is None:
        return Manner.of(locale, zone)
    _read_at_once()
    style = g.house_style if "house_style" in g else settings.house_style(actor.tenant_id)
    return Manner.of(locale, zone, *style)


def _read_at_once() -> None:
    """Read what the frame and the dates of a member's page will ask for with one query."""
    actor: Actor | None = g.get("actor")
    if "instance" not in g and actor is not None and actor.is_signed_in and actor.tenant_id is not None:
        g.instance, g.house_style = settings.face_and_style(actor.tenant_id)


def _facts() -> dict[str, Any]:
    """Return what the frames of pages say about languages."""
    _read_at_once()
    offered = [code for code in instance().languages if code in NAMES]
    actor: Actor | None = g.get("actor")
    zone = actor.particulars.timezone if actor is not None and actor.is_signed_in else ""
    return {
        "language": language(),
        "language_tag": str(get_locale()).replace("_", "-"),
        "timezone": zone,
        "here": request.full_path.rstrip("?") if request.method == "GET" else request.path,
        "offered_languages": {code: NAMES[code] for code in offered} if len(offered) > 1 else {},
    }


def register_languages(app: Flask) -> None:
    """Give templates the reader's language, and numbers and sizes as the reader writes them."""
    app.context_processor(_facts)
    app.jinja_env.filters["said"] = said
    app.jinja_env.filters["number"] = lambda value: manner().number(value)
    app.jinja_env.filters["size"] = lambda octets: manner().size(octets)
    app.jinja_env.policies["ext.i18n.trimmed"] = True
