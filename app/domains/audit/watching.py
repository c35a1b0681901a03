"""Verifying by itself, once a day, in small steps; what was found is shown to the platform's admins."""

import logging
from datetime import timedelta

from app.core import outbox
from app.core.access import system
from app.core.jobs import job
from app.domains.audit import verifying
from app.domains.audit.verifying import Verdict, Walk

log = logging.getLogger(__name__)

_STEP = "audit.verify"
_BATCHES = 5
_ACTOR = system("audit.verify")


@job("audit.verify", every=timedelta(days=1))
def begin() -> int:
    """Begin to verify each chain; returns how many there are."""
    keys = verifying.keys_of_chains(_ACTOR)
    for key in keys:
        outbox.promise(_STEP, {"tenant_key": key, "walk": None, "again": False})
    return len(keys)


@outbox.handler(_STEP)
def _go_on(claimed: outbox.Claimed) -> outbox.Act:
    kept = claimed.payload["walk"]
    walk = Walk.read(kept) if kept else verifying.begin(claimed.payload["tenant_key"])
    for _ in range(_BATCHES):
        if not walk.is_over:
            walk = verifying.step(walk)
    found = walk.kept()
    return lambda: {**claimed.payload, "walk": found}


@outbox.sequel(_STEP)
def _note(_claimed: outbox.Claimed, kept: outbox.Payload) -> None:
    walk = Walk.read(kept["walk"])
    if not walk.is_over:
        outbox.promise(_STEP, dict(kept))
    elif walk.faults and not kept["again"]:  # it may have been changed by ourselves while we looked
        outbox.promise(_STEP, {"tenant_key": walk.tenant_key, "walk": None, "again": True})
    else:
        if walk.faults:
            log.error("audit: a chain is broken", extra={"reason": str(walk.faults[0])})
        verdict = Verdict(walk.tenant_key, walk.until, b"", walk.checked, walk.faults)
        verifying.write_down(_ACTOR, verdict=verdict)
