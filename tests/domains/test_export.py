"""A copy of all that is kept about a person: whole, private, made in steps, once."""

import csv
import inspect
import io
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core import clock, jobs, outbox
from app.core.db import Base, db
from app.core.personal import NOT_EXPORTED, PARTS
from app.core.settings import Settings
from app.core.stepwise import ExportState
from app.domains.accounts.models import User
from app.domains.audit.kinds import AuditKind
from app.domains.audit.models import AuditEvent
from app.domains.privacy import archive
from app.domains.privacy.models import DataExport
from app.domains.sessions.models import UserSession
from app.surfaces.shared import keeping
from app.surfaces.shared.transaction import transaction
from tests.portal.conftest import Visitor
from tests.support.world import BROWSER, PASSWORD, World

JANE = "jane@world.example"
PAGE = "/account/privacy"
DAY = 24 * 3600


def visit(world: World, email: str = JANE) -> Visitor:
    """Let somebody sign in to the portal."""
    client = world.app.test_client()
    client.environ_base["HTTP_USER_AGENT"] = BROWSER
    visitor = Visitor(client)
    assert visitor.sign_in(email, PASSWORD).status_code == 303
    return visitor


def ask(visitor: Visitor) -> int:
    return visitor.send(f"{PAGE}/exports", on=PAGE).status_code


def exports(world: World) -> list[DataExport]:
    with world.app.app_context():
        rows = list(db.session.scalars(sa.select(DataExport).order_by(DataExport.id)))
        db.session.expunge_all()
        return rows


def fetch(visitor: Visitor, export: DataExport) -> zipfile.ZipFile:
    answer = visitor.send(f"{PAGE}/exports/{export.uid}/download", on=PAGE)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"] == "application/zip"
    return zipfile.ZipFile(io.BytesIO(answer.data))


def run(world: World, name: str) -> int:
    with world.app.app_context():
        done = keeping.run_job(jobs.JOBS[name])
    world.keep_promises()
    return done


def folder(settings: Settings) -> Path:
    return settings.instance / "files" / "exports"


@pytest.fixture
def jane(world: World) -> Visitor:
    world.organization(world.person(JANE))
    return visit(world)


def test_whatever_points_at_a_person_is_exported_or_has_a_reason_not_to_be(app: Flask) -> None:
    pointing = {
        table.name
        for table in Base.metadata.tables.values()
        for key in table.foreign_keys
        if key.target_fullname == "users.id"
    }
    told = {table for part in PARTS.values() for table in part.tables}
    assert sorted(pointing - told - set(NOT_EXPORTED)) == []
    assert sorted(set(NOT_EXPORTED) - pointing) == []
    assert told <= set(Base.metadata.tables)


UNTOLD = {
    "users": {"id", "email_key", "password_hash", "preferences", "updated_at", "created_at"},
    "sessions": {
        "id",
        "user_id",
        "token_hash",
        "service_user_id",  # of no person's session
        "client_id",
        "device_key",
        "tenant_id",
        "selected_tenant_id",
        "updated_at",
    },
}
"""Columns that are in no file by their own: what opens something, numbers for joins; or in another part."""


def test_no_column_about_the_person_is_forgotten(app: Flask) -> None:
    sources = {
        table: Path(inspect.getfile(inspect.unwrap(PARTS[part].read))).read_text(encoding="utf-8")
        for table, part in (("users", "account"), ("sessions", "sessions"))
    }
    models = {"users": User, "sessions": UserSession}
    forgotten = [
        f"{table}.{attribute.key}"
        for table, model in models.items()
        for attribute in sa.inspect(model).column_attrs
        if attribute.key not in UNTOLD[table]
        if f"{model.__name__}.{attribute.key}" not in sources[table]
    ]
    assert forgotten == []


def test_an_export_holds_what_is_kept_and_nothing_that_opens_anything(world: World, jane: Visitor) -> None:
    with world.app.app_context(), transaction():
        user = db.session.scalars(sa.select(User)).one()
        user.bio, user.phone = "=HYPERLINK(1)", "+4930123456"
        hashes = [
            user.password_hash or "",
            *(str(s.token_hash) for s in db.session.scalars(sa.select(UserSession))),
        ]
        db.session.add(
            AuditEvent(
                kind=AuditKind.USER_DETAILS_UPDATED,
                actor_kind="session",
                actor_user_id=None,
                subject_type="user",
                subject_id=user.id,
                dialect="=cmd|1",
            )
        )
    assert ask(jane) == 303
    world.keep_promises()
    (export,) = exports(world)
    assert (export.state, export.progress) == (ExportState.READY, 100)
    assert "Ready" in jane.get(PAGE).text
    content = fetch(jane, export)
    assert content.testzip() is None
    names = set(content.namelist())
    assert {f"{name}.json" for name in PARTS} | {"README.txt"} <= names
    account = json.loads(content.read("account.json"))
    assert (account["email"], account["bio"], account["has_password"]) == (JANE, "=HYPERLINK(1)", True)
    assert [row["name"] for row in json.loads(content.read("organizations.json"))] == ["World Corp"]
    assert json.loads(content.read("sessions.json"))[0]["method"] == "password"
    assert {row["mail"] for row in json.loads(content.read("mails.json"))} >= {"organization_welcome"}
    rows = list(csv.DictReader(io.StringIO(content.read("activity.csv").decode())))
    assert "'=cmd|1" in {row["through"] for row in rows}
    everything = "".join(content.read(name).decode() for name in names)
    assert [text for text in hashes if text in everything] == []
    assert "password_hash" not in everything
    assert world.mailed(r"(http://localhost/account/privacy)$").endswith(PAGE)


def test_the_files_are_for_nobody_else(world: World, jane: Visitor, settings: Settings) -> None:
    ask(jane)
    world.keep_promises()
    (export,) = exports(world)
    own = folder(settings) / export.folder
    assert [path.name for path in own.iterdir()] == ["export.zip"]
    assert stat.S_IMODE(own.stat().st_mode) == 0o700
    assert stat.S_IMODE((own / "export.zip").stat().st_mode) == 0o600
    assert str(export.uid) not in export.folder


def long_life(world: World, rows: int) -> None:
    with world.app.app_context(), transaction():
        user_id = db.session.scalars(sa.select(User.id)).one()
        for number in range(rows):
            db.session.add(
                AuditEvent(
                    kind=AuditKind.USER_PREFERENCES_UPDATED,
                    actor_kind="session",
                    actor_user_id=user_id,
                    subject_type="user",
                    subject_id=user_id,
                    dialect="portal",
                    request_id=f"long-{number}",
                    changes={"number": number},
                )
            )


def numbers(content: zipfile.ZipFile) -> list[int]:
    found = []
    for name in sorted(content.namelist()):
        if name.startswith("activity") and name.endswith(".json"):
            found += [
                row["changes"]["number"]
                for row in json.loads(content.read(name))
                if "number" in row["changes"]
            ]
    return sorted(found)


@pytest.mark.parametrize("rows", [5, 6, 17])
def test_a_long_life_is_written_in_batches_and_volumes(
    world: World, jane: Visitor, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(archive, "BATCH", 3)
    monkeypatch.setattr(archive, "VOLUME_PIECES", 2)
    long_life(world, rows)
    ask(jane)
    world.keep_promises()
    (export,) = exports(world)
    content = fetch(jane, export)
    assert numbers(content) == list(range(rows))
    assert len(set(content.namelist())) == len(content.namelist())


def test_an_export_goes_on_where_a_worker_died(
    world: World, jane: Visitor, monkeypatch: pytest.MonkeyPatch, move_clock: Callable[[int], None]
) -> None:
    """Each step's act is done, and its worker dies before it can say so; the next one does it again."""
    monkeypatch.setattr(archive, "BATCH", 4)
    long_life(world, 30)
    ask(jane)
    progress = []
    with world.app.app_context():
        while exports(world)[0].state is not ExportState.READY:
            for dies in (True, False):
                with transaction():
                    lane = outbox.MAIN_LANE if dies else outbox.ASIDE_LANE
                    claimed = outbox.claim_next(without=["mail"], lane=lane)
                assert claimed is not None
                with transaction(read_only=True):
                    act = outbox.HANDLERS[claimed.kind](claimed)
                kept = act()
                if dies:
                    move_clock(int(outbox.LEASE.total_seconds()) + 1)
                    with transaction():
                        outbox.note_deaths()
                    continue
                with transaction():
                    assert outbox.finish(claimed, kept)
                with transaction():
                    assert not outbox.finish(claimed, kept), "once"
            progress.append(exports(world)[0].progress)
    assert progress == sorted(progress)
    assert progress[-1] == 100
    assert len(set(progress)) > 5
    world.keep_promises()
    assert [m.subject for m in world.sent].count("Your data is ready") == 1
    assert numbers(fetch(visit(world), exports(world)[0])) == list(range(30))


def test_one_export_at_a_time_and_three_a_day(world: World, jane: Visitor) -> None:
    assert ask(jane) == 303
    assert ask(jane) == 409
    for _ in range(2):
        world.keep_promises()
        assert ask(jane) == 303
    world.keep_promises()
    assert ask(jane) == 429
    assert [export.state for export in exports(world)] == [ExportState.READY] * 3


def test_an_export_that_was_given_up_stands_in_no_ones_way(
    world: World, jane: Visitor, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    def broken(*_: Any) -> None:
        raise outbox.Hopeless("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(archive, "step", broken)
        ask(jane)
        world.keep_promises()
    assert "Failed" in jane.get(PAGE).text
    assert ask(jane) == 303
    world.keep_promises()
    assert [export.state for export in exports(world)] == [ExportState.FAILED, ExportState.READY]


def test_an_export_runs_out_after_a_week(
    world: World, jane: Visitor, settings: Settings, move_clock: Callable[[int], None]
) -> None:
    ask(jane)
    world.keep_promises()
    (export,) = exports(world)
    move_clock(7 * DAY - 60)
    run(world, "exports.prune")
    assert (folder(settings) / export.folder).exists()
    move_clock(120)
    late = visit(world)
    assert late.send(f"{PAGE}/exports/{export.uid}/download", on=PAGE).status_code == 404
    run(world, "exports.prune")
    assert not (folder(settings) / export.folder).exists()
    assert exports(world)[0].state is ExportState.EXPIRED
    assert "Run out" in late.get(PAGE).text


def test_a_folder_of_nobody_is_swept_away(
    world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = folder(settings) / "lost"
    lost.mkdir(parents=True)
    run(world, "exports.prune")
    assert lost.exists(), "it may be somebody's who just began"
    late = clock.of_machine() + 2 * 3600
    monkeypatch.setattr(clock, "of_machine", lambda: late)
    run(world, "exports.prune")
    assert not lost.exists()
