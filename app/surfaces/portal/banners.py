"""What stands above every page because it concerns the whole account; any area may have something to say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import g

from app.core.access import Actor
from app.surfaces.shared.actor import current_actor


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
_SOURCES: list[Source] = []


def banner(source: Source) -> Source:
    """Register what says whether there is something to show; it is asked once a page: one query at most."""
    _SOURCES.append(source)
    return source


def banners() -> Sequence[Banner]:
    """Return what concerns the signed-in person now, asked once a request."""
    if "banners" not in g:
        actor = current_actor()
        g.banners = [found for source in _SOURCES if (found := source(actor)) is not None]
    return list(g.banners)
