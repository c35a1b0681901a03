"""What ends by itself: closings whose waiting period is over, exports that ran out, proofs that are gone."""

from datetime import timedelta

from app.core.jobs import job
from app.domains.organizations import closing, exports
from app.domains.organizations import domains as _domains  # noqa: F401 - has a job of its own
from app.domains.organizations import person_data as _person_data  # noqa: F401 - a person's own part
from app.domains.organizations import standing as _standing  # noqa: F401 - follows from a status

_HOUR = timedelta(hours=1)


@job("tenants.erase", every=_HOUR)
def erase_what_waited() -> int:
    """Remind a day ahead, and have organizations erased whose waiting period is over."""
    return closing.remind() + closing.promise_erasures()


@job("tenant_exports.prune", every=_HOUR)
def prune_exports() -> int:
    """Delete exports that ran out and those that nobody goes on with."""
    return exports.prune()
