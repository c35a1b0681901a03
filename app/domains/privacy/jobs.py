"""What ends by itself: waiting periods, and exports that ran out."""

from datetime import timedelta

from app.core.jobs import job
from app.domains.privacy import deletion, exports
from app.domains.privacy import parts as _parts  # noqa: F401 - the worker makes exports of all of them

_HOUR = timedelta(hours=1)


@job("accounts.erase", every=_HOUR)
def erase_who_waited() -> int:
    """Remind people a day ahead, and have those erased whose waiting period is over."""
    return deletion.remind() + deletion.promise_erasures()


@job("exports.prune", every=_HOUR)
def prune_exports() -> int:
    """Delete exports that ran out, those that nobody goes on with, and folders that are nobody's."""
    return exports.prune() + exports.sweep()
