"""Leaving: thought over for as long as the platform says, then nothing personal is left anywhere."""

import json
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.core import clock, jobs, storage
from app.core.access import Actor
from app.core.db import Base, db
from app.core.outbox import OutboxRow
from app.core.settings import Settings
from app.domains.accounts.models import HeldHandle, Picture, User
from app.domains.audit.kinds import AuditKind
from app.domains.audit.models import AuditEvent
from app.domains.permissions.roles import Role
from app.domains.privacy.models import DeletionRequest
from app.domains.tenants.models import Membership, Tenant, TenantStatus
from app.surfaces.shared import keeping
from app.surfaces.shared.transaction import transaction
from tests.portal.conftest import Visitor
from tests.support.world import BROWSER, PASSWORD, World

JANE = "Jane.Canary@world.example"
KEY = "jane.canary@world.example"
CANARIES = ("canary", "zephyrine", "quackenbush", "+4930555777", "jcanary", "198.51.100.77", "firefox")
PAGE = "/account/privacy"
DAY = 24 * 3600


def visit(world: World, email: str = JANE) -> Visitor:
    client = world.app.test_client()
    client.environ_base |= {"HTTP_USER_AGENT": BROWSER, "REMOTE_ADDR": "198.51.100.77"}
    visitor = Visitor(client)
    assert visitor.sign_in(email, PASSWORD).status_code == 303
    return visitor


def leave(visitor: Visitor, email: str = JANE) -> int:
    return visitor.send(f"{PAGE}/leave", {"email": email}, on=PAGE).status_code


def run(world: World, name: str = "accounts.erase") -> None:
    with world.app.app_context():
        keeping.run_job(jobs.JOBS[name])
    world.keep_promises()


def users(world: World) -> list[str]:
    with world.app.app_context():
        return list(db.session.scalars(sa.select(User.email_key)))


def everything(connection: sa.Connection) -> dict[str, str]:
    """Return all that stands in any column of any table, as one text a column."""
    found: dict[str, str] = {}
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, sa.LargeBinary):
                continue  # hashes
            values = connection.execute(sa.select(sa.cast(column, sa.Text)).select_from(table)).scalars()
            found[f"{table.name}.{column.name}"] = "\n".join(str(v) for v in values if v is not None)
    return found


def traces(connection: sa.Connection) -> dict[str, str]:
    wanted = re.compile("|".join(map(re.escape, CANARIES)), re.IGNORECASE)
    return {
        place: hit[0]
        for place, text in everything(connection).items()
        if (hit := wanted.search(text.encode().decode("unicode_escape")))
    }


def files_with_traces(folder: Path) -> list[str]:
    wanted = re.compile("|".join(map(re.escape, CANARIES)).encode(), re.IGNORECASE)
    return [str(path) for path in folder.rglob("*") if path.is_file() and wanted.search(path.read_bytes())]


@pytest.fixture
def jane(world: World) -> Visitor:
    """Let Jane live here: sign-ins in all dialects, an organization, a picture, an export, a changed name."""
    user_id = world.person(JANE)
    world.organization(user_id, "jane-corp")
    with world.app.app_context(), transaction():
        user = db.session.get_one(User, user_id)
        user.first_name, user.last_name = "Zephyrine", "Quackenbush"
        user.handle, user.phone, user.bio = "jcanary", "+4930555777", "Zephyrine writes"
        user.preferences = {"notifications": {"email_consent_ip": "198.51.100.77"}}
        key = storage.new_key("pictures", "webp")
        storage.store().put(key, b"canary")
        db.session.add(Picture(user_id=user_id, key=key, size=6))
    visitor = visit(world)
    for dialect in ("services_v1", "api_v1", "platform_api", "v0"):
        world.token(dialect, JANE, slug="jane-corp")
    token = world.token("platform_api", JANE)
    world.call("platform_api.auth.login", json={"email": JANE, "password": "wrong"})
    world.call("platform_api.auth.change_password", token=token, json={"current_password": "x"})
    visitor.send("/forgot-password", {"email": JANE}, on="/forgot-password")
    visitor.send(f"{PAGE}/exports", on=PAGE)
    world.keep_promises()
    return visitor


def trail_of_others(world: World) -> None:
    """Let another's organization have Jane as a member, and its trail name her."""
    with world.app.app_context(), transaction():
        jane = db.session.scalars(sa.select(User).where(User.email_key == KEY)).one()
        tenant = Tenant(slug="other-corp", name="Other", billing_email=KEY)
        db.session.add(tenant)
        db.session.flush()
        member = Membership(tenant_id=tenant.id, user_id=jane.id, role=Role.MEMBER)
        db.session.add(member)
        db.session.flush()
        for changes in ({"email": JANE, "role": "member"}, {"name": ["Zephyrine", "Other"], "seats": 3}):
            db.session.add(
                AuditEvent(
                    kind=AuditKind.MEMBER_UPDATED,
                    tenant_id=tenant.id,
                    actor_kind="session",
                    actor_user_id=4711,
                    subject_type="member",
                    subject_id=member.id,
                    dialect="api_v1",
                    ip="203.0.113.5",
                    user_agent="Somebody else's",
                    changes=changes,
                )
            )


def test_p05_nothing_personal_is_left_anywhere(
    world: World,
    jane: Visitor,
    database: sa.Connection,
    settings: Settings,
    move_clock: Callable[[int], None],
) -> None:
    trail_of_others(world)
    assert len(traces(database)) > 8, "the search finds what is there"
    assert files_with_traces(settings.instance / "files") != []
    assert leave(jane) == 303
    move_clock(14 * DAY + 60)
    run(world)
    assert users(world) == []
    assert traces(database) == {"held_handles.handle": "jcanary"}
    assert files_with_traces(settings.instance) == []
    assert world.sent[-1].subject == "Your account is erased"
    assert world.sent[-1].to == JANE


def test_the_trail_stays_with_numbers_for_names(
    world: World, jane: Visitor, database: sa.Connection, move_clock: Callable[[int], None]
) -> None:
    trail_of_others(world)
    before = world.trail()
    leave(jane)
    move_clock(14 * DAY + 60)
    run(world)
    after = {row.id: row for row in world.trail()}
    assert {row.id for row in before} <= set(after)
    (jane_id,) = {row.subject_id for row in after.values() if row.kind is AuditKind.USER_DELETED}
    own = [row for row in after.values() if row.actor_user_id == jane_id]
    assert own
    assert {(row.ip, row.user_agent, row.actor_uid) for row in own} == {(None, "", None)}
    others = [row for row in after.values() if row.actor_user_id == 4711]
    assert [row.changes for row in others] == [
        {"email": "erased", "role": "member"},
        {"name": ["erased", "Other"], "seats": 3},
    ]
    assert {row.ip for row in others} == {"203.0.113.5"}
    assert [row.tenant_id for row in after.values() if row.kind is AuditKind.MEMBER_ERASED] == [
        others[0].tenant_id
    ]


def test_a_long_trail_is_forgotten_in_steps(
    world: World,
    jane: Visitor,
    database: sa.Connection,
    monkeypatch: pytest.MonkeyPatch,
    move_clock: Callable[[int], None],
) -> None:
    monkeypatch.setattr("app.domains.audit.person_data._BATCH", 2)
    leave(jane)
    move_clock(14 * DAY + 60)
    touched: list[int] = []

    def note(_c: object, cursor: Any, statement: str, *_more: object) -> None:
        if statement.startswith("UPDATE audit_events"):
            touched.append(cursor.rowcount)

    sa.event.listen(database, "after_cursor_execute", note)
    run(world)
    sa.event.remove(database, "after_cursor_execute", note)
    assert traces(database) == {"held_handles.handle": "jcanary"}
    assert len(touched) > 10
    assert max(touched) == 1, "a database that ends long statements would never let a busy person go"


def test_an_address_asked_for_at_last_goes_too(
    world: World, jane: Visitor, database: sa.Connection, move_clock: Callable[[int], None]
) -> None:
    leave(jane)
    move_clock(14 * DAY + 60)
    asked = {"email": "other.canary@world.example"}
    assert visit(world).send("/account/email", asked, on="/account/email").status_code == 303
    world.keep_promises()
    run(world)
    assert traces(database) == {"held_handles.handle": "jcanary"}


def test_mails_to_whom_an_address_asked_for_belongs_stay(
    world: World, jane: Visitor, move_clock: Callable[[int], None]
) -> None:
    charlie = "charlie@other.example"
    world.person(charlie)
    leave(jane)
    move_clock(14 * DAY + 60)
    assert visit(world).send("/account/email", {"email": charlie}, on="/account/email").status_code == 303
    world.keep_promises()
    run(world)
    with world.app.app_context():
        rows = db.session.scalars(sa.select(OutboxRow).where(OutboxRow.kind == "mail"))
        assert [row.payload["mail"] for row in rows if row.payload["to"] == charlie] == [
            "address_in_use_notice"
        ]


def test_what_is_left_alone_is_closed_and_the_handle_is_kept_from_others(
    world: World, jane: Visitor, move_clock: Callable[[int], None]
) -> None:
    leave(jane)
    move_clock(14 * DAY + 60)
    run(world)
    with world.app.app_context():
        (tenant,) = db.session.scalars(sa.select(Tenant))
        assert (tenant.status, tenant.billing_email) == (TenantStatus.ARCHIVED, None)
        (held,) = db.session.scalars(sa.select(HeldHandle))
        assert (held.handle, held.user_id) == ("jcanary", None)
        assert held.until > clock.now()


def test_h09_who_comes_back_finds_nothing_of_their_former_life(
    world: World, jane: Visitor, move_clock: Callable[[int], None]
) -> None:
    tokens = {d: world.token(d, JANE, slug="jane-corp") for d in ("services_v1", "platform_api")}
    leave(jane)
    move_clock(14 * DAY + 60)
    run(world)
    assert world.call("platform_api.auth.me", token=tokens["platform_api"]).status_code == 401
    assert world.call("services_v1.user.get", token=tokens["services_v1"]).status_code == 401
    world.person(JANE)
    again = world.token("platform_api", JANE)
    assert world.done("platform_api.tenants.list", token=again) == []
    page = visit(world).get(PAGE).text
    assert "Asked for" not in page
    assert "will be erased" not in page
    assert world.call("platform_api.auth.me", token=tokens["platform_api"]).status_code == 401


def test_everything_works_while_one_thinks_it_over(
    world: World, jane: Visitor, move_clock: Callable[[int], None]
) -> None:
    assert leave(jane) == 303
    assert leave(jane) == 409
    assert "will be erased on" in jane.get("/dashboard").text
    move_clock(13 * DAY)
    run(world)
    assert users(world) == [KEY]
    assert world.sent[-1].subject == "Your account is erased tomorrow"
    world.sent.clear()
    run(world)
    assert world.sent == [], "reminded once"
    assert visit(world).get("/dashboard").status_code == 200


@pytest.mark.parametrize("which", ["Your account will be deleted", "Your account is erased tomorrow"])
def test_either_mails_link_keeps_the_account_without_a_sign_in(
    world: World, jane: Visitor, move_clock: Callable[[int], None], which: str
) -> None:
    leave(jane)
    world.keep_promises()
    move_clock(13 * DAY + 3600)
    run(world)
    (mail,) = (m for m in world.sent if m.subject == which)
    found = re.search(r"/keep-account\?token=([\w-]+)", mail.text)
    assert found
    stranger = Visitor(world.app.test_client())
    assert stranger.get(f"/keep-account?token={found[1]}").status_code == 200
    with world.app.app_context():
        assert db.session.scalars(sa.select(DeletionRequest)).one_or_none(), "looking changes nothing"
    answer = stranger.send("/keep-account", {"token": found[1]}, on=f"/keep-account?token={found[1]}")
    assert answer.status_code == 303
    again = stranger.send("/keep-account", {"token": found[1]}, on="/sign-in")
    assert again.status_code == 400
    move_clock(2 * DAY)
    run(world)
    assert users(world) == [KEY]


def test_one_may_stay_after_all_and_leave_again_later(
    world: World, jane: Visitor, move_clock: Callable[[int], None]
) -> None:
    leave(jane)
    assert jane.send(f"{PAGE}/stay", on=PAGE).status_code == 303
    assert jane.send(f"{PAGE}/stay", on=PAGE).status_code == 409
    move_clock(15 * DAY)
    run(world)
    assert users(world) == [KEY]
    later = visit(world)
    assert leave(later) == 303
    run(world)
    assert users(world) == [KEY], "the waiting period begins anew"


def join(world: World, email: str, slug: str) -> None:
    user_id = world.person(email)
    with world.app.app_context(), transaction():
        tenant = db.session.scalars(sa.select(Tenant).where(Tenant.slug == slug)).one()
        db.session.add(Membership(tenant_id=tenant.id, user_id=user_id, role=Role.ADMIN))


def test_an_owner_does_not_leave_others_behind(
    world: World, jane: Visitor, move_clock: Callable[[int], None]
) -> None:
    join(world, "kim@world.example", "jane-corp")
    page = jane.get(PAGE).text
    assert "World Corp" in page
    assert "Delete my account" not in page
    assert leave(jane) == 409


def test_nobody_is_erased_while_others_came_to_depend_on_them(
    world: World, jane: Visitor, move_clock: Callable[[int], None]
) -> None:
    leave(jane)
    join(world, "kim@world.example", "jane-corp")
    move_clock(14 * DAY + 60)
    run(world)
    assert KEY in users(world)
    with world.app.app_context(), transaction():
        db.session.execute(sa.delete(Membership).where(Membership.role == Role.ADMIN))
    run(world)
    assert KEY not in users(world)


def test_a_server_that_refuses_the_last_mail_leaves_no_address_behind(
    world: World,
    jane: Visitor,
    database: sa.Connection,
    monkeypatch: pytest.MonkeyPatch,
    move_clock: Callable[[int], None],
) -> None:
    leave(jane)
    world.keep_promises()
    move_clock(14 * DAY + 60)

    def refuse(message: Any, **_: Any) -> None:
        raise keeping.outbox.Hopeless(f"550 no such mailbox {message.to}")

    monkeypatch.setattr("app.core.mail.send", refuse)
    run(world)
    with world.app.app_context():
        assert db.session.scalars(sa.select(OutboxRow).where(OutboxRow.dead_at.is_not(None))).one()
    assert traces(database) == {"held_handles.handle": "jcanary"}


def test_the_waiting_period_is_the_platforms_to_set(world: World, jane: Visitor) -> None:
    from app.domains.settings import console  # noqa: PLC0415

    with world.app.app_context(), transaction():
        console.put(Actor(kind="system"), key="account.deletion_days", text="3")
    leave(jane)
    with world.app.app_context():
        due: datetime = db.session.scalars(sa.select(DeletionRequest.due_at)).one()
    assert round((due - clock.now()).total_seconds() / DAY) == 3
    assert json.dumps(due.isoformat())
