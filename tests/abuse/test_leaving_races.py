"""Staying and being erased at once, on connections of their own."""

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
from app.domains.privacy.models import DeletionRequest
from app.surfaces.shared import keeping
from app.surfaces.shared.transaction import transaction


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
