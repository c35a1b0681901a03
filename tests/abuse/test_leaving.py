"""Others' exports, stale proofs, and many at once where only one may win (H10, P05)."""

import threading
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core import clock, jobs
from app.core.db import db
from app.core.outbox import OutboxRow
from app.domains.accounts.emails import key_of
from app.domains.accounts.models import User
from app.domains.audit.models import AuditEvent
from app.domains.privacy import deletion
from app.domains.privacy.models import DataExport, DeletionRequest
from app.surfaces.shared import keeping
from app.surfaces.shared.transaction import transaction
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


# ---- many at once, on connections of their own


@pytest.fixture
def leavers(app: Flask) -> Iterator[list[int]]:
    """Give twelve people whose waiting period is over; what is left of them is taken away by hand."""
    with app.app_context(), transaction():
        people = []
        for number in range(12):
            email = f"leaver{number}@world.example"
            user = User(email=email, email_key=key_of(email), email_verified_at=clock.now())
            db.session.add(user)
            db.session.flush()
            now = clock.now()
            db.session.add(DeletionRequest(user_id=user.id, requested_at=now, due_at=now))
            people.append(user.id)
    yield people
    with app.app_context(), transaction():
        for model in (User, OutboxRow, AuditEvent):
            db.session.execute(sa.delete(model).execution_options(synchronize_session=False))


def at_once(app: Flask, *work: Callable[[], None]) -> None:
    ready = threading.Barrier(len(work))

    def begin(part: Callable[[], None]) -> None:
        with app.app_context():
            ready.wait(10)
            part()

    threads = [threading.Thread(target=begin, args=(part,)) for part in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


def kinds(app: Flask, user_id: int) -> list[str]:
    with app.app_context():
        rows = db.session.scalars(
            sa.select(AuditEvent).where(AuditEvent.subject_type == "user", AuditEvent.subject_id == user_id)
        )
        return [str(row.kind) for row in rows]


def test_staying_or_erased_but_never_both(app: Flask, leavers: list[int], no_mail: None) -> None:
    """Half of them change their mind at the very moment; whoever takes the request away decides."""

    def erase() -> None:
        with transaction():
            jobs.run(jobs.JOBS["accounts.erase"])
        keeping.drain()

    def stay() -> None:
        for user_id in leavers:
            try:
                with transaction():
                    deletion._cancel(deletion.system("test"), user_id)
            except deletion.DeletionNotPending:
                pass

    at_once(app, erase, stay, erase)
    with app.app_context():
        there = set(db.session.scalars(sa.select(User.id)))
    for user_id in leavers:
        wanted = ["user.deletion_cancelled"] if user_id in there else ["user.deleted"]
        assert kinds(app, user_id) == wanted


def test_two_workers_erase_each_person_once(app: Flask, leavers: list[int], no_mail: None) -> None:
    def work() -> None:
        with transaction():
            jobs.run(jobs.JOBS["accounts.erase"])
        keeping.drain()

    at_once(app, work, work, work)
    with app.app_context():
        assert db.session.scalars(sa.select(User.id)).all() == []
        mails = db.session.scalars(sa.select(OutboxRow).where(OutboxRow.kind == "mail")).all()
        assert [row.payload["mail"] for row in mails] == ["deletion_done"] * len(leavers)
    for user_id in leavers:
        assert kinds(app, user_id) == ["user.deleted"]


@pytest.fixture
def no_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.core.mail.send", lambda *_, **__: None)
