"""What templates say values with: icons, versioned addresses of assets, times, initials."""

import functools
import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from app.core import clock
from app.core.languages import count, step
from app.surfaces.portal.i18n import manner
from app.surfaces.portal.roles import profile_name
from app.surfaces.shared.languages import said

STATIC = Path(__file__).resolve().parents[3] / "static"
ICONS = STATIC / "vendor" / "lucide" / "icons"

INTERFACES = frozenset({"services_v1", "api_v1", "platform_api", "client_v1", "v0"})
_NEAR = {
    "day": _l("yesterday"),
    "week": _l("last week"),
    "month": _l("last month"),
    "year": _l("last year"),
}


@functools.cache
def icon(name: str) -> Markup:
    """Return one of the vendored Lucide icons as inline SVG: decoration, hidden from screen readers."""
    drawing = (ICONS / f"{name}.svg").read_text(encoding="utf-8")
    begin = drawing.index(">", drawing.index("<svg")) + 1
    inner = re.sub(r"\s+", " ", drawing[begin : drawing.rindex("</svg>")])
    return Markup(  # noqa: S704 - the files are ours, held by static/vendor/MANIFEST.sha256
        '<svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-linecap="round"'
        f' stroke-linejoin="round" aria-hidden="true">{inner.strip()}</svg>'
    )


@functools.cache
def assets_version() -> str:
    """Return a digest over all of ``static/``: it stands in the address, so that assets never go stale."""
    digest = hashlib.sha256()
    for file in sorted(path for path in STATIC.rglob("*") if path.is_file()):
        digest.update(file.relative_to(STATIC).as_posix().encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def asset(filename: str) -> str:
    """Return the address of a file of ``static/`` that a browser may keep for ever."""
    return url_for("portal_assets.file", version=assets_version(), filename=filename)


def seconds_since(moment: datetime) -> int:
    """Return how many seconds ago a moment was; negative when it is to come."""
    return round((clock.now() - moment).total_seconds())


def ago(moment: datetime) -> str:
    """Say how long ago (or how far ahead) a moment is, in the words that times.js goes on with."""
    seconds = seconds_since(moment)
    if abs(seconds) < 45:
        return _("just now")
    unit, size = step(seconds)
    if seconds > 0 and count(seconds, size) == 1 and unit in _NEAR:
        return str(_NEAR[unit])
    return manner().ago(seconds)


def exact(moment: datetime) -> str:
    """Write a moment out to the second, as its reader writes it and in their time zone."""
    return manner().second(moment)


def moment(at: datetime) -> str:
    """Write day and time of a moment out for a sentence, without seconds."""
    return f"{manner().day(at)}, {manner().minute(at)}"


def device(name: str) -> str:
    """Say what a device is called: "Firefox on Linux" is put together of names, the rest is as it is."""
    browser, on, system = name.partition(" on ")
    return _("%(browser)s on %(system)s", browser=browser, system=system) if on else said(name)


def way_in(name: str) -> str:
    """Say through what something was done: an interface and a job are called by their own names."""
    if name == "portal":
        return _("Portal")
    if name in INTERFACES:
        return _("Interface %(name)s", name=name)
    return _("In the background: %(name)s", name=name)


def day(moment: datetime) -> str:
    """Write the day of a moment out."""
    return manner().day(moment)


def iso(moment: datetime) -> str:
    """Write a moment for machines (RFC 3339)."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def initials(name: str) -> str:
    """Return one or two letters for an avatar."""
    words = [word for word in re.split(r"[\s@._-]+", name) if word]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"


def hue(name: str) -> int:
    """Return which of the six avatar colours a name has; the same one everywhere and always."""
    return hashlib.sha256(name.casefold().encode()).digest()[0] % 6


def register_presentation(app: Flask) -> None:
    """Give the templates these words."""
    app.jinja_env.globals.update(icon=icon, asset=asset)
    app.jinja_env.filters.update(
        ago=ago,
        exact=exact,
        moment=moment,
        day=day,
        device=device,
        way_in=way_in,
        iso=iso,
        age=seconds_since,
        initials=initials,
        hue=hue,
        profile_name=profile_name,
    )
