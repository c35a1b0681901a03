"""Others' exports, stale proofs, and many at once where only one may win (H10, P05)."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from app.core.db import db
from app.domains.privacy.models import DataExport, DeletionRequest
from tests.abuse.ways import CHARLIE, JANE
from tests.portal.conftest import Visitor
from tests.support.world import PASSWORD, World

PAGE = "/account/privacy"


def visit(world: World, email: str) -> Visitor:
    visitor = Visitor(world.app.test_client())
    assert visitor.sign_in(email, PASSWORD).status_code == 303
    return visitor


def export_of(world: World, visitor: Visitor) -> DataExport:
    assert visitor.send(f"{PAGE}/exports", on=PAGE).status_code == 303
    world.keep_promises()
    with world.app.app_context():
        export = db.session.scalars(sa.select(DataExport).order_by(DataExport.id.desc())).first()
        assert export is not None
        db.session.expunge(export)
        return export


def test_h10_an_export_is_there_for_its_own_person_alone(town: World) -> None:
    jane, charlie = visit(town, JANE), visit(town, CHARLIE)
    export = export_of(town, jane)
    path = f"{PAGE}/exports/{export.uid}/download"
    assert charlie.send(path, on=PAGE).status_code == 404
    stranger = Visitor(town.app.test_client()).send(path)
    assert (stranger.status_code, stranger.location[:8]) == (303, "/sign-in")
    assert jane.get(path).status_code == 405, "fetching is kept in the trail, so it is a form"
    assert jane.send(path, on=PAGE).status_code == 200
    for near in (export.folder, str(export.id)):
        assert jane.send(f"{PAGE}/exports/{near}/download", on=PAGE).status_code == 404
    downloads = [row for row in town.trail() if str(row.kind) == "user.export_downloaded"]
    assert [row.actor_user_id for row in downloads] == [export.user_id]


def test_h10_no_file_of_an_instance_is_served_by_its_place(town: World) -> None:
    jane = visit(town, JANE)
    export = export_of(town, jane)
    for path in (
        f"/files/exports/{export.folder}/export.zip",
        f"/static/../files/exports/{export.folder}/export.zip",
        f"{PAGE}/exports/..%2f{export.folder}/download",
    ):
        assert jane.get(path).status_code == 404


SENSITIVE = ("exports", "leave", "download")


@pytest.mark.parametrize("what", SENSITIVE)
def test_an_old_proof_neither_copies_nor_deletes(
    town: World, what: str, move_clock: Callable[[int], None]
) -> None:
    jane = visit(town, JANE)
    export = export_of(town, jane)
    before = len(town.trail())
    move_clock(16 * 60)
    path = f"{PAGE}/exports/{export.uid}/download" if what == "download" else f"{PAGE}/{what}"
    answer = jane.send(path, {"email": JANE}, on=PAGE)
    assert answer.status_code in (403, 303), answer.status_code
    assert "application/zip" not in answer.headers["Content-Type"]
    assert len(town.trail()) == before
    with town.app.app_context():
        assert db.session.scalars(sa.select(DeletionRequest)).all() == []


def test_staying_asks_for_nothing(town: World, move_clock: Callable[[int], None]) -> None:
    jane = visit(town, JANE)
    assert jane.send(f"{PAGE}/leave", {"email": JANE}, on=PAGE).status_code == 303
    move_clock(3600)
    assert jane.send(f"{PAGE}/stay", on=PAGE).status_code == 303


def test_another_persons_deletion_is_not_stopped_by_a_session(town: World) -> None:
    jane, charlie = visit(town, JANE), visit(town, CHARLIE)
    jane.send(f"{PAGE}/leave", {"email": JANE}, on=PAGE)
    assert charlie.send(f"{PAGE}/stay", on=PAGE).status_code == 409
    with town.app.app_context():
        assert db.session.scalars(sa.select(DeletionRequest)).one()
