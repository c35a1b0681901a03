"""How much an event's mail weighs: whether it is asked for by law or safety, or may be held back.

The events are another domain's, which builds on mails; it says so here.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Weight(NamedTuple):
    """What may be done with the mail of an event."""

    optional: bool = False
    """It may be counted, unsubscribed from and held back; all else is transactional."""
    mandatory: bool = True
    """Nothing holds it back, and a failing server of an organization least of all."""


_UNKNOWN = Weight()
"""Mail of an event that nobody weighed is neither tracked nor held back."""
_weights: dict[str, Weight] = {}


def weigh(weights: Mapping[str, Weight]) -> None:
    """Say what events weigh, by their keys."""
    _weights.update(weights)


def weight_of(event: str) -> Weight:
    """Return what the mail of an event weighs."""
    return _weights.get(event, _UNKNOWN)


def mandatory_events() -> frozenset[str]:
    """Return the keys of the events whose mail nothing may hold back."""
    return frozenset(key for key, weight in _weights.items() if weight.mandatory)
