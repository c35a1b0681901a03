"""Making an export in the background: one promise a step, each small, resumed where a worker died."""

from functools import partial

from app.core import outbox, stepwise
from app.core.db import db
from app.core.links import public_url
from app.core.outbox import Act, Claimed, Payload
from app.domains.accounts.models import User
from app.domains.email import privacy_mails as mails
from app.domains.privacy import archive
from app.domains.privacy.models import DataExport
from app.domains.privacy.parts import of_a_person

STEP = "exports.step"


@outbox.handler(STEP)
def make_a_step(claimed: Claimed) -> Act:
    """Read one batch, and say how it is written."""
    export = stepwise.current(DataExport, claimed)
    if export is None:
        return dict  # erased, given up, or this step was taken by another promise
    own = of_a_person()
    about = partial(archive.contents, "This is what is kept about you.", export, own)
    return archive.next_step(export, whose=export.user_id, parts=own, about=about)


@outbox.sequel(STEP)
def write_progress_down(claimed: Claimed, kept: Payload) -> None:
    """Note how far the export is and promise the next step, or tell the person that it is ready."""
    export = stepwise.current(DataExport, claimed)
    if export is None or not kept:
        return
    size = archive.note(export, kept, of_a_person())
    if size is None:
        stepwise.begin(STEP, export)
    else:
        _finish(export, size)


def _finish(export: DataExport, size: int) -> None:
    until = stepwise.finish(export, size=size)
    user = db.session.get_one(User, export.user_id)
    mails.data_export_ready(
        user.email,
        first_name=user.greeting,
        expires_at=until,
        link=public_url("/account/privacy"),
    )
