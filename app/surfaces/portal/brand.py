"""How an organization looks in the portal: its colours as a stylesheet, its pictures if they are kept here.

A logo at another site's address is for mails alone: a page that fetched it would tell that site who looks
at what, and a server that fetched it for us could be led to addresses inside.
"""

import re
from typing import Any

from flask import Response, request

from app.core.links import own_path
from app.domains.tenants import queries
from app.domains.tenants.queries import SignInPage, TenantNotFound
from app.surfaces.portal.base import area, away, door
from app.surfaces.portal.presentation import asset
from app.surfaces.shared.actor import current_actor

bp = area("brand")

_PICTURE = re.compile(r"/media/[0-9a-f-]{36}\.webp")
_LOGO = """.switcher > summary > .avatar[data-shape="square"] {
  background: url("%s") center / cover;
  color: transparent;
}
"""
_GROUNDS = {"light": "#ffffff", "dark": "#16171b"}
_READABLE = 4.5
"""Contrast of text (WCAG 2.2, 1.4.3)."""
_ON_A_TINT = 6.2
"""The same with what is lost on grounds that are tinted: rows under the pointer, badges, heads of tables."""


@bp.get("/brand/<string:slug>.css")
@door("public", limit=None)
def stylesheet(slug: str):
    face = queries.sign_in_page(current_actor(), slug=slug)
    look = face.look
    text = sheet(str(look["branding.primary_color"]), str(look["branding.accent_color"]))
    if logo := pictures(face).get("logo"):
        text += _LOGO % logo
    response = Response(text, mimetype="text/css", headers={"Cache-Control": "no-cache"})
    response.add_etag()
    return response.make_conditional(request)


@bp.get("/brand/<string:slug>/icon")
@door("public", limit=None)
def icon(slug: str):
    face = sign_in_face(slug)
    kept = pictures(face) if face else {}
    return away(kept.get("icon") or _usual_icon())


def _usual_icon() -> str:
    return asset("img/portico.svg")


def sign_in_face(slug: str) -> SignInPage | None:
    """Return what a sign-in page shows of an organization; None where there is none of that name."""
    if not slug or len(slug) > 50 or "\0" in slug:
        return None
    try:
        return queries.sign_in_page(current_actor(), slug=slug)
    except TenantNotFound:
        return None


def pictures(face: SignInPage) -> dict[str, str]:
    """Return the addresses of logo and tab icon that are kept here, by name."""
    wanted = {"logo": "branding.logo_url", "icon": "branding.favicon_url"}
    found = {name: own_path(str(face.look[key] or "")) for name, key in wanted.items()}
    return {name: path for name, path in found.items() if _PICTURE.fullmatch(path)}


def sheet(primary: str, accent: str) -> str:
    """Return the stylesheet of two colours, each moved until it can be read in either theme."""
    solid = {theme: _solid(primary) for theme in _GROUNDS}
    link = {theme: _moved(primary, ground, wanted=_ON_A_TINT) for theme, ground in _GROUNDS.items()}
    second = {theme: _moved(accent, ground, wanted=_ON_A_TINT) for theme, ground in _GROUNDS.items()}
    rules = {
        "--primary": _both(solid),
        "--primary-hover": _both({theme: _mixed(colour, "#000000", 0.12) for theme, colour in solid.items()}),
        "--primary-foreground": "#ffffff",
        "--link": _both(link),
        "--ring": _both(link),
        "--brand-accent": _both(second),
    }
    return ":root {\n" + "".join(f"  {name}: {value};\n" for name, value in rules.items()) + "}\n"


def _both(themes: dict[str, str]) -> str:
    return f"light-dark({themes['light']}, {themes['dark']})"


def _solid(colour: str) -> str:
    """Darken a colour until white can be read on it."""
    return _moved(colour, "#ffffff", towards="#000000")


def _moved(colour: str, ground: str, towards: str = "", wanted: float = _READABLE) -> str:
    """Move a colour away from its ground until it can be read there."""
    towards = towards or ("#000000" if _luminance(ground) > 0.5 else "#ffffff")
    for share in range(0, 101, 4):
        tried = _mixed(colour, towards, share / 100)
        if contrast(tried, ground) >= wanted:
            return tried
    return towards


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [part / 255 for part in _parts(colour)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return float(0.2126 * red + 0.7152 * green + 0.0722 * blue)


def _mixed(colour: str, with_: str, share: float) -> str:
    mixed = (round(a + (b - a) * share) for a, b in zip(_parts(colour), _parts(with_), strict=True))
    return "#" + "".join(f"{part:02x}" for part in mixed)


def _parts(colour: str) -> list[Any]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
