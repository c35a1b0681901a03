"""Changing and looking up a sender domain: what takes time is done between transactions, not in one.

A view that uses these is marked ``has_no_transaction``.
"""

from collections.abc import Mapping
from typing import Any

from app.core.outbound import turn
from app.domains.email import deliverability
from app.domains.email.deliverability import Deliverability
from app.domains.email.dns_records import Wanted
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.transaction import reading, writing


def standing(*, refresh: bool) -> Deliverability:
    """Return how the caller's sender domain stands, after a look-up where one is due or asked for."""
    actor = current_actor()
    return _checked(reading(lambda: deliverability.to_look_up(actor, refresh=refresh)))


def change(changes: Mapping[str, Any], *, rotate: bool = False) -> Deliverability:
    """Change the caller's sender domain and look it up at once."""
    actor = current_actor()
    named = changes.get("domain")
    with turn(actor.tenant_id):  # a key takes a core for a moment
        key = reading(lambda: deliverability.prepared_key(actor, domain=named, rotate=rotate))
    return _checked(
        writing(lambda: deliverability.change_deliverability(actor, changes=changes, rotate=rotate, key=key))
    )


def _checked(wanted: Wanted | None) -> Deliverability:
    actor = current_actor()
    if wanted is None:
        return reading(lambda: deliverability.deliverability(actor))
    with turn(actor.tenant_id):
        answers = deliverability.look_up(actor, wanted=wanted)
    return writing(lambda: deliverability.keep_findings(actor, wanted=wanted, answers=answers))
