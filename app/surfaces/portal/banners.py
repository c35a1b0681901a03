"""What stands above every page because it concerns the whole account; any area may have something to say."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from flask import g, request

from app.core import signs
from app.core.access import Actor
from app.surfaces.shared.actor import SAFE_METHODS, current_actor


@dataclass(frozen=True)
class Banner:
    """One thing that a person should know wherever they are, and what they can do about it."""

    text: str
    tone: str = "warning"
    action: str = ""
    href: str = ""
    posts: bool = False
    """Whether the action changes something, and so is a form's button, not a link."""


Source = Callable[[Actor], Banner | None]
_SOURCES: list[tuple[Source, str]] = []


def banner(sign: str = "") -> Callable[[Source], Source]:
    """Register what says whether there is something to show; it is asked once a page: one query at most.

    :param sign: it is asked only where there is this sign (``core.signs``); left out: at every page
    """

    def register(source: Source) -> Source:
        _SOURCES.append((source, sign))
        return source

    return register


def signs_for_page() -> Mapping[str, Any]:
    """Return the signs of what there is about the reader, looked for once a page.

    A form that is sent may change what there is, so its page looks again.
    """
    known = known_signs()
    if known is None:
        actor = current_actor()
        known = g.signs = signs.signs(actor)
        g.signs_of = (actor.user_id, actor.tenant_id)
    return known


def known_signs() -> Mapping[str, Any] | None:
    """Return the signs if this page has looked for them already."""
    actor = current_actor()
    if request.method not in SAFE_METHODS or g.get("signs_of") != (actor.user_id, actor.tenant_id):
        return None
    return cast("Mapping[str, Any]", g.signs)


def banners() -> Sequence[Banner]:
    """Return what concerns the signed-in person now, asked once a request; none leads to where they are."""
    if "banners" not in g:
        actor, there = current_actor(), signs_for_page()
        asked = [source for source, sign in _SOURCES if not sign or there[sign]]
        found = [told for source in asked if (told := source(actor)) is not None]
        g.banners = [told for told in found if told.posts or told.href != request.path]
    return list(g.banners)
