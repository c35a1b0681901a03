"""Making an export in the background: one promise a step, each small, resumed where a worker died."""

from app.core import clock, outbox, stepwise
from app.core.db import db
from app.core.links import public_url
from app.core.outbox import Act, Claimed, Payload
from app.core.stepwise import ExportState
from app.domains.accounts.models import User
from app.domains.email import privacy_mails as mails
from app.domains.privacy import archive, parts
from app.domains.privacy.archive import Position
from app.domains.privacy.models import DataExport

STEP = "exports.step"


@outbox.handler(STEP)
def make_a_step(claimed: Claimed) -> Act:
    """Read one batch, and say how it is written."""
    export = stepwise.current(DataExport, claimed)
    if export is None:
        return dict  # erased, given up, or this step was taken by another promise
    folder, position = export.folder, Position.read(export.position)
    all_parts = archive.of_a_person()
    if position.is_end(all_parts):
        about = parts.contents(asked_for=export.requested_at.isoformat(), made=clock.now().isoformat())
        return lambda: {"size": archive.seal_up(folder, position, about)}
    part = all_parts[position.part]
    rows = part.read(export.user_id, position.after, archive.BATCH)
    return lambda: archive.step(folder, position, rows, part).kept()


@outbox.sequel(STEP)
def write_progress_down(claimed: Claimed, kept: Payload) -> None:
    """Note how far the export is and promise the next step, or tell the person that it is ready."""
    export = stepwise.current(DataExport, claimed)
    if export is None or not kept:
        return
    if "size" in kept:
        _finish(export, int(kept["size"]))
        return
    position = Position.read(dict(kept))
    export.state, export.position = ExportState.MAKING, position.kept()
    export.progress = position.progress(archive.of_a_person())
    stepwise.begin(STEP, export)


def _finish(export: DataExport, size: int) -> None:
    until = stepwise.finish(export, size=size)
    user = db.session.get_one(User, export.user_id)
    mails.data_export_ready(
        user.email,
        first_name=user.greeting,
        expires_at=until,
        link=public_url("/account/privacy"),
    )
