"""What the end of a membership touches: each domain says how much it is and what it does with it.

The same registrations are shown before the act and carried out by it, in its transaction. A domain that keeps
something of a member registers it here, once, and offboarding knows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.core.access import Actor


class Ending(StrEnum):
    """How a membership ends."""

    DEACTIVATION = "deactivation"
    """The person has no access for now."""
    REMOVAL = "removal"
    """The membership goes; what the person made here stays."""
    ERASURE = "erasure"
    """All that is personal goes as well; what others rely on stays under a tombstone."""


@dataclass(frozen=True, kw_only=True)
class Departure:
    """Whose membership ends, where and how."""

    ending: Ending
    tenant_id: int
    user_id: int
    membership_id: int
    heir_user_id: int | None
    """The organization's owner, to whom passes what has to have somebody."""


Counter = Callable[[Departure], int]
Doer = Callable[[Actor, Departure], None]


@dataclass(frozen=True)
class Touch:
    """One kind of thing that is touched."""

    name: str
    says: str
    """What happens to it, as a person reads it: "Sign-ins to this organization end"."""
    endings: frozenset[Ending]
    count: Counter
    carry_out: Doer


@dataclass(frozen=True)
class Touched:
    """How much of one kind is touched."""

    name: str
    says: str
    number: int


TOUCHES: dict[str, Touch] = {}
KEPT: dict[str, Counter] = {}
"""What stays under the tombstone of somebody erased, by name: how much of it there is."""


def touches(
    name: str, *, says: str, endings: Sequence[Ending] = tuple(Ending), count: Counter
) -> Callable[[Doer], Doer]:
    """Register what carries out one part of a departure, and how much of it there is."""

    def register(carry_out: Doer) -> Doer:
        TOUCHES[name] = Touch(name, says, frozenset(endings), count, carry_out)
        return carry_out

    return register


def kept(name: str) -> Callable[[Counter], Counter]:
    """Register what counts something that stays when a person is erased."""

    def register(count: Counter) -> Counter:
        KEPT[name] = count
        return count

    return register


def preview(departure: Departure) -> Sequence[Touched]:
    """Return what a departure would touch, without what there is none of."""
    found = [Touched(t.name, t.says, t.count(departure)) for t in _of(departure)]
    return [one for one in found if one.number]


def carry_out(actor: Actor, departure: Departure) -> Sequence[Touched]:
    """Carry a departure out, in the running transaction; returns what it touched."""
    touched = preview(departure)
    for touch in _of(departure):
        touch.carry_out(actor, departure)
    return touched


def _of(departure: Departure) -> Sequence[Touch]:
    return [touch for touch in TOUCHES.values() if departure.ending in touch.endings]
