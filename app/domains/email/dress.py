"""How an organization's mail is dressed: logo, colour, and what stands below it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from app.domains.email.readers import Reader
from app.domains.email.weight import Weight


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """The mail that is dressed."""

    tenant_id: int
    to: str
    event: str
    weight: Weight
    reader: Reader


@dataclass(frozen=True, kw_only=True)
class Dress:
    """What a mail's layout shows of the organization that writes."""

    name: str = ""
    logo_url: str | None = None
    colour: str | None = None
    """Of buttons, ``#rrggbb``; None for the instance's own."""
    optional: bool = False
    html: Markup = field(default_factory=Markup)
    """The organization's own words, harmless."""
    text: str = ""
    foot_logo: bool = False
    links: Sequence[tuple[str, str]] = ()
    """Names and addresses."""
    lines: Sequence[str] = ()
    """Who writes and from where, how they are reached."""
    unsubscribe_url: str | None = None
    unsubscribe_text: str = ""

    @property
    def ink(self) -> str:
        """Return what can be read on the colour (WCAG 2.2, relative luminance)."""
        return "#ffffff" if _luminance(self.colour or "#000000") < _EVEN else "#101418"

    @property
    def night_colour(self) -> str:
        """Return the colour for a dark page: one that would vanish there is made lighter."""
        colour = self.colour or "#000000"
        if _luminance(colour) >= _VANISHES:
            return colour
        return "#" + "".join(f"{(_channel(colour, at) + 255) // 2:02x}" for at in (1, 3, 5))

    @property
    def night_ink(self) -> str:
        """Return what can be read on it."""
        return "#ffffff" if _luminance(self.night_colour) < _EVEN else "#101418"


_EVEN = 0.179
"""Where black and white stand out alike."""
_VANISHES = 0.04

Tailor = Callable[[Occasion], Dress]
_tailors: list[Tailor] = []


def dresses(tailor: Tailor) -> Tailor:
    """Register who knows how organizations dress their mail."""
    _tailors.append(tailor)
    return tailor


def dress_for(occasion: Occasion) -> Dress | None:
    """Return how a mail is dressed; None where nobody knows."""
    return next((tailor(occasion) for tailor in _tailors), None)


def _luminance(colour: str) -> float:
    return sum(
        weight * _linear(_channel(colour, at) / 255) for weight, at in ((0.2126, 1), (0.7152, 3), (0.0722, 5))
    )


def _linear(part: float) -> float:
    return float(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4)


def _channel(colour: str, at: int) -> int:
    return int(colour[at : at + 2], 16)
