"""The audit trail in the portal: searched, narrowed in the address, exported with progress."""

import csv
import io
import json
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core import clock, jobs, outbox, storage
from app.core.access import system
from app.core.db import db
from app.core.spreadsheets import harmless
from app.core.storage import StoreFailed
from app.domains.archiving import exports
from app.domains.archiving.models import (
    ArchiveState,
    AuditArchive,
    AuditArchivePart,
    AuditExport,
    AuditExportPart,
)
from app.domains.audit import verifying
from app.domains.audit.kinds import AuditKind
from app.domains.audit.models import AuditEvent
from app.domains.permissions.roles import Role
from app.domains.settings.models import SettingValue
from app.domains.storage.models import StoredFile
from app.domains.tenants.models import Membership
from app.surfaces.shared import keeping
from app.surfaces.shared.transaction import transaction
from tests.portal.conftest import Visitor
from tests.support.members import join, plan
from tests.support.world import BROWSER, PASSWORD, World

JANE, SAM = "jane@world.example", "sam@world.example"
PAGE, ALL = "/organization/audit", "/platform/audit"


def visit(world: World, email: str) -> Visitor:
    client = world.app.test_client()
    client.environ_base["HTTP_USER_AGENT"] = BROWSER
    visitor = Visitor(client)
    assert visitor.sign_in(email, PASSWORD).status_code == 303
    return visitor


def happen(world: World, tenant_id: int, number: int = 1, **columns: object) -> None:
    with world.app.app_context(), transaction():
        for n in range(number):
            told = {"kind": AuditKind.SETTING_UPDATED, "changes": {"key": f"=cmd{n}"}, **columns}
            about = {"actor_kind": "system", "subject_type": "setting", "dialect": "test"}
            db.session.add(AuditEvent(tenant_id=tenant_id, at=clock.now(), **{**about, **told}))


@pytest.fixture
def tenant(world: World) -> int:
    found = world.organization(world.person(JANE))
    plan(world, slug="world-corp")
    return found


@pytest.fixture
def jane(world: World, tenant: int) -> Visitor:
    return visit(world, JANE)


def test_the_page_says_who_did_what_from_where(world: World, tenant: int, jane: Visitor) -> None:
    happen(world, tenant, ip="203.0.113.9", changes={"city": {"from": "Bonn", "to": "<b>Berlin</b>"}})
    text = jane.get(PAGE).text
    assert "A setting was changed" in text
    assert "203.0.113.9" in text
    assert "In the background: test" in text
    assert "&lt;b&gt;Berlin" in text
    assert "The product" in text
    assert 'href="/organization/audit"' in jane.get("/dashboard").text


def test_a_changed_setting_is_called_by_its_label_and_tells_from_what_to_what(jane: Visitor) -> None:
    setting = "/organization/settings/invites.expiry_days"
    for days in ("3", "4"):
        assert jane.send(setting, {"value": days}, on=setting).status_code == 303
    text = jane.get(PAGE).text
    assert "A setting was changed: Days an invitation is good for" in text
    assert "3 → 4" in text
    assert "A setting was changed" in jane.get("/dashboard").text


@pytest.mark.parametrize(
    ("query", "there"),
    [
        ("q=Bonn", True),
        ("q=Rome", False),
        ("action=setting.", True),
        ("action=member.removed", False),
        ("ip=203.0.113.9", True),
        ("result=refused", False),
        ("support=1", False),
        ("from=2020-01-01&to=2020-01-31", False),
        ("from=nonsense&actor_id=x", True),
        ("actor_id=999", False),
        ("cursor=nonsense", True),
    ],
)
def test_filters_stand_in_the_address(
    world: World, tenant: int, jane: Visitor, query: str, there: bool
) -> None:
    happen(world, tenant, ip="203.0.113.9", changes={"city": {"from": "Bonn", "to": "Berlin"}})
    answer = jane.get(f"{PAGE}?{query}", follow_redirects=True)
    assert answer.status_code == 200
    assert ("<code>setting.updated</code>" in answer.text) is there


def test_what_narrows_it_without_a_field_is_named_and_can_be_done_without(
    world: World, tenant: int, jane: Visitor
) -> None:
    happen(world, tenant, subject_type="member", subject_id=7)
    text = jane.get(f"{PAGE}?subject_type=member&subject_id=7&result=ok").text
    assert "About one thing" in text
    assert f'<a class="badge chip" href="{PAGE}?result=ok">' in text
    assert "About one thing" not in jane.get(PAGE).text


def test_who_may_not_read_it_does_not(world: World, tenant: int, jane: Visitor) -> None:
    join(world, SAM, slug="world-corp")
    sam = visit(world, SAM)
    assert sam.get(PAGE).status_code == 403
    assert jane.get(ALL).status_code == 403
    assert 'href="/organization/audit"' not in sam.get("/dashboard").text


def test_the_platforms_admins_see_all_organizations(world: World, tenant: int) -> None:
    world.person("root@platform.example", admin=True)
    root = visit(world, "root@platform.example")
    text = root.get(ALL).text
    assert "World Corp" in text
    assert "Not verified yet" in text or "Verified as whole" in text
    assert (
        f'<input type="hidden" name="tenant_id" value="{tenant}">'
        in root.get(f"{ALL}?tenant_id={tenant}").text
    )
    assert root.get(f"{ALL}?tenant_id=999999").status_code == 404


# ---- Exports


def made(world: World) -> list[AuditExport]:
    with world.app.app_context():
        found = list(db.session.scalars(sa.select(AuditExport).order_by(AuditExport.id)))
        db.session.expunge_all()
        return found


def ask(visitor: Visitor, form: str = "csv", asked: str = "", page: str = PAGE) -> int:
    return visitor.send(f"{page}/exports", {"form": form, "asked": asked}, on=page).status_code


def fetch(visitor: Visitor, export: AuditExport, page: str = PAGE) -> bytes:
    answer = visitor.send(f"{page}/exports/{export.uid}/download", on=page)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    assert len(answer.data) == export.size
    return bytes(answer.data)


def test_an_export_is_made_in_steps_mailed_and_fetched(
    world: World, tenant: int, jane: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "BATCH", 4)
    happen(world, tenant, 10)
    assert ask(jane, asked="action=setting.") == 303
    assert ask(jane) == 409  # one at a time
    world.keep_promises()
    (export,) = made(world)
    assert (str(export.state), export.rows, export.progress) == ("ready", 10, 100)
    with world.app.app_context():
        mails = db.session.scalars(sa.select(outbox.OutboxRow).where(outbox.OutboxRow.kind == "mail"))
        (ready,) = [mail for mail in mails if mail.payload["mail"] == "audit_export_ready"]
        assert ready.payload["tenant_id"] == tenant
    assert "10 events" in world.mailed(r"audit trail \((.*)\) can be fetched")
    rows = list(csv.DictReader(io.StringIO(fetch(jane, export).decode("utf-8-sig"))))
    assert len(rows) == 10
    assert {row["action"] for row in rows} == {"setting.updated"}
    kinds = [str(row.kind) for row in world.trail()]
    assert (kinds.count("audit.export_requested"), kinds.count("audit.export_downloaded")) == (1, 1)


def test_json_has_a_line_for_each_row(world: World, tenant: int, jane: Visitor) -> None:
    happen(world, tenant, 3, changes={"city": "Köln"})
    assert ask(jane, "ndjson", "q=K%C3%B6ln") == 303
    world.keep_promises()
    lines = fetch(jane, made(world)[0]).decode().splitlines()
    assert [json.loads(line)["changes"]["city"]["to"] for line in lines] == ["Köln"] * 3


@pytest.mark.parametrize(
    "begin", ["=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20", " ="]
)
def test_m08_no_cell_is_a_formula(begin: str) -> None:
    assert str(harmless(f"{begin}1+1")).startswith("'")


def test_a_killed_workers_step_is_made_again_and_is_there_once(
    world: World,
    tenant: int,
    jane: Visitor,
    monkeypatch: pytest.MonkeyPatch,
    move_clock: Callable[[int], None],
) -> None:
    monkeypatch.setattr(exports, "BATCH", 2)
    happen(world, tenant, 5)
    assert ask(jane, asked="action=setting.") == 303
    with world.app.app_context():
        with transaction():
            row = db.session.scalars(
                sa.select(outbox.OutboxRow).where(outbox.OutboxRow.kind == exports.STEP)
            ).one()
            claimed = outbox.claim(row.id)
        assert claimed is not None
        with transaction(read_only=True):
            act = outbox.HANDLERS[exports.STEP](claimed)
        act()  # and the worker is killed here: nothing is written down, the lease runs out
    move_clock(int(outbox.LEASE.total_seconds()) + 5)
    world.keep_promises()
    (export,) = made(world)
    assert (str(export.state), export.rows) == ("ready", 5)
    assert len(list(csv.DictReader(io.StringIO(fetch(jane, export).decode("utf-8-sig"))))) == 5


def test_m06_nobody_else_fetches_it_and_who_lost_the_right_does_not(
    world: World, tenant: int, jane: Visitor
) -> None:
    join(world, SAM, slug="world-corp", role="admin")
    sam = visit(world, SAM)
    assert ask(sam) == 303
    world.keep_promises()
    (export,) = made(world)
    path = f"{PAGE}/exports/{export.uid}/download"
    assert jane.send(path, on=PAGE).status_code == 404
    fetch(sam, export)
    with world.app.app_context(), transaction():
        change = sa.update(Membership).where(Membership.user_id == world.persons_id(SAM))
        db.session.execute(change.values(role=Role.VIEWER))
    assert sam.send(path, on="/account/privacy").status_code == 403


def test_a_full_plan_is_told(
    world: World, tenant: int, jane: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    happen(world, tenant)
    assert ask(jane) == 303
    monkeypatch.setattr("app.domains.storage.files.limit_of", lambda *_: 0)
    world.keep_promises()
    (export,) = made(world)
    assert (str(export.state), export.why) == ("failed", "plan:storage_limit")
    assert "storage is full" in jane.get(PAGE).text
    assert ask(jane) == 402


def test_it_runs_out_after_a_week(
    world: World, tenant: int, jane: Visitor, move_clock: Callable[[int], None]
) -> None:
    assert ask(jane) == 303
    world.keep_promises()
    move_clock(int(timedelta(days=7, hours=1).total_seconds()))
    with world.app.app_context():
        keeping.run_job(jobs.JOBS["exports.prune"])
    world.keep_promises()
    with world.app.app_context():
        assert db.session.scalar(sa.select(sa.func.count(StoredFile.id))) == 0
        assert db.session.scalar(sa.select(sa.func.count(AuditExportPart.id))) == 0
    assert str(made(world)[0].state) == "expired"


def test_all_of_the_instance_is_for_its_admins(world: World, tenant: int) -> None:
    world.person("root@platform.example", admin=True)
    root = visit(world, "root@platform.example")
    happen(world, tenant)
    assert ask(root, page=ALL, asked="action=setting.") == 303
    world.keep_promises()
    (export,) = made(world)
    (row,) = csv.DictReader(io.StringIO(fetch(root, export, ALL).decode("utf-8-sig")))
    assert row["tenant"] == "World Corp"


# ---- Archive and retention


def put(world: World, key: str, value: object, tenant_id: int) -> None:
    with world.app.app_context(), transaction():
        environment = "prod" if key == "storage.archive_audit" else None
        told = {} if environment is None else {"environment": environment}
        db.session.add(SettingValue(key=key, value=value, tenant_id=tenant_id, **told))


def run(world: World, name: str) -> None:
    with world.app.app_context():
        keeping.run_job(jobs.JOBS[name])
    world.keep_promises()


def stored(world: World) -> list[bytes]:
    with world.app.app_context():
        keys = db.session.scalars(sa.select(StoredFile.key)).all()
        return [storage.store().get(key) or b"" for key in keys]


def test_each_day_is_written_to_the_storage_once(
    world: World, tenant: int, move_clock: Callable[[int], None]
) -> None:
    happen(world, tenant, 2)
    run(world, "audit.archive")
    assert stored(world) == []
    put(world, "storage.archive_audit", True, tenant)
    move_clock(24 * 3600)
    run(world, "audit.archive")
    (content,) = stored(world)
    assert [json.loads(line)["action"] for line in content.splitlines()].count("setting.updated") == 2
    run(world, "audit.archive")
    assert len(stored(world)) == 1


def test_a_day_in_parts_is_found_whole_and_written_anew_as_a_whole(
    world: World, tenant: int, move_clock: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.domains.archiving.archive._BATCH", 2)
    happen(world, tenant, 5)
    put(world, "storage.archive_audit", True, tenant)
    move_clock(24 * 3600)
    run(world, "audit.archive")

    def parts() -> list[tuple[int, bytes]]:
        with world.app.app_context():
            query = sa.select(AuditArchivePart.number, StoredFile.key).join(StoredFile)
            rows = db.session.execute(query.order_by(AuditArchivePart.number)).all()
            return [(number, storage.store().get(key) or b"") for number, key in rows]

    first = parts()
    assert [number for number, _ in first] == list(range(1, len(first) + 1))
    assert len(first) >= 3
    assert sorted(stored(world)) == sorted(content for _, content in first)
    lines = [json.loads(line) for _, content in first for line in content.splitlines()]
    assert len({line["uid"] for line in lines}) == len(lines)
    assert [line["action"] for line in lines].count("setting.updated") == 5
    with world.app.app_context(), transaction():
        (day,) = db.session.scalars(sa.select(AuditArchive))
        assert day.rows == len(lines)
        day.state = ArchiveState.FAILED
    move_clock(60)
    run(world, "audit.archive")
    assert parts() == first
    assert len(stored(world)) == len(first)


def test_a_storage_that_fails_is_told_and_tried_again(
    world: World, tenant: int, move_clock: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(world, "storage.archive_audit", True, tenant)
    move_clock(24 * 3600)
    with pytest.MonkeyPatch.context() as patch:

        def fail(*_: object, **__: object) -> None:
            raise StoreFailed("unreachable")

        patch.setattr("app.domains.storage.files.write", fail)
        run(world, "audit.archive")
        move_clock(25 * 3600)
        for _ in range(8):
            move_clock(25 * 3600 + 6 * 3600)
            world.keep_promises()
    assert stored(world) == []
    run(world, "audit.archive")
    assert len(stored(world)) >= 1


def test_rows_whose_time_is_over_go_and_the_rest_stays_whole(
    world: World, tenant: int, move_clock: Callable[[int], None]
) -> None:
    put(world, "data.audit_retention_days", 90, tenant)
    happen(world, tenant, 3)
    for _ in range(3):
        run(world, "audit.seal")
    move_clock(91 * 24 * 3600)
    happen(world, tenant, 2)
    for _ in range(3):
        run(world, "audit.seal")
    run(world, "retention.prune")
    with world.app.app_context():
        left = sa.select(sa.func.count(AuditEvent.id)).where(AuditEvent.tenant_id == tenant)
        assert db.session.scalar(left) == 2
        assert verifying.verify(system("cli"), tenant_key=tenant).faults == []
