"""What the trail says of promises that were given up: that work was left undone is known afterwards, too."""

from uuid import UUID

from app.core import outbox
from app.core.access import system
from app.domains.audit import operations as audit
from app.domains.audit.kinds import AuditKind


@outbox.on_burial
def _trace(row_id: int, uid: UUID, kind: str) -> None:
    """Name the promise; why it was given up stands in its row alone, which may quote a person's server."""
    changes = {"kind": kind, "promise": str(uid)}
    audit.record(system("worker"), AuditKind.OUTBOX_GIVEN_UP, subject=("outbox", row_id), changes=changes)
