"""What there is to promise: for each kind what keeps it, what follows, and who hears when it fails."""

from collections.abc import Callable
from uuid import UUID

from app.core.outbox_rows import Claimed, Payload

Act = Callable[[], Payload]
"""Does what was promised, holding no database connection; returns what is kept of the payload: no secrets."""


Handler = Callable[[Claimed], Act]
HANDLERS: dict[str, Handler] = {}
PATIENT: set[str] = set()


def handler(kind: str, *, patient: bool = False) -> Callable[[Handler], Handler]:
    """Register what keeps promises of a kind: it reads what it needs and returns the idempotent act.

    :param patient: whether others wait while one of these takes its time, because they need the same server
    """

    def register(function: Handler) -> Handler:
        HANDLERS[kind] = function
        if patient:
            PATIENT.add(kind)
        return function

    return register


Sequel = Callable[[Claimed, Payload], None]
SEQUELS: dict[str, Sequel] = {}


def sequel(kind: str) -> Callable[[Sequel], Sequel]:
    """Register what follows an act, with what it returned, in the transaction that marks the promise kept.

    So the next step is promised exactly once, however often the act was begun.
    """

    def register(function: Sequel) -> Sequel:
        SEQUELS[kind] = function
        return function

    return register


Failure = Callable[[Claimed, Exception, bool], None]
FAILURES: dict[str, Failure] = {}


def on_failure(kind: str) -> Callable[[Failure], Failure]:
    """Register what hears of a failed try, in its transaction, and whether the promise is given up."""

    def register(function: Failure) -> Failure:
        FAILURES[kind] = function
        return function

    return register


Burial = Callable[[int, UUID, str], None]
BURIALS: list[Burial] = []


def on_burial(function: Burial) -> Burial:
    """Register what hears, in its transaction, of a promise (id, name, kind) whose every try was in vain."""
    BURIALS.append(function)
    return function


Effect = Callable[[Claimed], None]
EFFECTS: dict[str, Effect] = {}


def effect(kind: str) -> Callable[[Effect], Effect]:
    """Register what touches the database alone: it runs in the transaction that marks the promise kept.

    So its rows, and whatever it promises on its part, are there exactly once.
    """

    def register(function: Effect) -> Effect:
        EFFECTS[kind] = function
        return function

    return register
