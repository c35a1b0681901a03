"""What follows from the changes of a transaction, whichever way in made them, before it is committed.

The trail notes each change here; whoever infers something from facts looks once at the end. It is part of the
same transaction: either both are there or neither.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.core.db import db

_NOTED = "changes_noted"


@dataclass(frozen=True)
class Change:
    """One row of the trail, as far as somebody infers something from it."""

    kind: str
    tenant_id: int | None
    user_id: int | None
    """Whose it is, where it is a person's and no organization's."""


Follower = Callable[[Sequence[Change]], None]
_followers: list[Follower] = []


def follows(function: Follower) -> Follower:
    """Register what looks at the changes of each transaction."""
    _followers.append(function)
    return function


def note(change: Change) -> None:
    """Note a change of the running transaction."""
    db.session.info.setdefault(_NOTED, []).append(change)


def run() -> None:
    """Let the followers look, once; what they change themselves is followed by nobody."""
    changes: list[Change] = db.session.info.pop(_NOTED, [])
    if changes:
        for follower in _followers:
            follower(changes)
    db.session.info.pop(_NOTED, None)


def forget() -> None:
    """Drop what was noted: the transaction is rolled back."""
    db.session.info.pop(_NOTED, None)
