"""Whoever changes, deletes, swaps or puts in a row of the trail is found out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core import access, clock, ids, outbox
from app.core.db import db, is_sqlite
from app.core.personal import Leaver
from app.core.settings import Keyring, Settings, current_settings, use_settings
from app.domains.audit import chain, digests, verifying, watching
from app.domains.audit.chain_models import AuditChain, AuditErasure, AuditLink
from app.domains.audit.kinds import AuditKind
from app.domains.audit.models import AuditEvent
from app.domains.audit.operations import record
from app.domains.audit.person_data import pseudonymize

TENANT = 4711
CLI = access.system("cli")
EVENTS = cast("sa.Table", AuditEvent.__table__)


def seal() -> None:
    """Run the job as often as a quiet database needs."""
    for _ in range(3):
        chain.seal_what_is_new()
    db.session.flush()


def happened(number: int = 5, tenant_id: int | None = TENANT, user_id: int = 7) -> list[int]:
    made = []
    for n in range(number):
        actor = replace(access.system("a test"), user_id=user_id)
        actor = actor.at(replace(actor.origin, ip=f"203.0.113.{n}", user_agent="Firefox"))
        changes = {"name": {"from": "Müller", "to": f"Jane {n}"}}
        event = record(
            actor, AuditKind.TENANT_CREATED, subject=("tenant", n), tenant_id=tenant_id, changes=changes
        )
        db.session.flush()
        made.append(event.id)
    return made


def found(tenant_key: int = TENANT, noted: tuple[int, str] | None = None) -> list[verifying.Fault]:
    db.session.expire_all()
    return verifying.verify(CLI, tenant_key=tenant_key, noted=noted).faults


def change(event_id: int, **values: Any) -> None:
    db.session.execute(sa.update(EVENTS).where(EVENTS.c.id == event_id).values(**values))


@pytest.fixture
def sealed(in_app: Flask) -> list[int]:
    made = happened()
    happened(2, tenant_id=None)
    happened(2, tenant_id=TENANT + 1)
    seal()
    return made


def test_a_chain_is_whole_and_each_organization_has_its_own(sealed: list[int]) -> None:
    assert set(verifying.keys_of_chains(CLI)) == {0, TENANT, TENANT + 1}
    assert [found(key) for key in verifying.keys_of_chains(CLI)] == [[], [], []]
    assert verifying.verify(CLI, tenant_key=TENANT).checked == len(sealed)
    chain.seal_what_is_new()
    assert found() == []


OTHER: dict[str, Any] = {
    "uid": ids.new_uid,
    "kind": lambda: AuditKind.USER_SIGNED_IN,
    "tenant_id": lambda: TENANT + 1,
    "actor_kind": lambda: "session",
    "actor_user_id": lambda: 8,
    "actor_uid": ids.new_uid,
    "impersonator_user_id": lambda: 9,
    "session_id": lambda: 3,
    "subject_type": lambda: "user",
    "subject_id": lambda: 99,
    "dialect": lambda: "portal",
    "ip": lambda: "198.51.100.1",
    "user_agent": lambda: "curl",
    "request_id": lambda: "another",
    "ok": lambda: False,
    "changes": dict,
}


@pytest.mark.parametrize("column", [c.name for c in EVENTS.columns if c.name not in ("id", "at")])
def test_a_change_of_any_column_is_found(sealed: list[int], column: str) -> None:
    change(sealed[2], **{column: OTHER[column]()})
    (fault,) = found()
    assert (fault.position, fault.event_id) == (3, sealed[2])


def test_another_time_is_found(sealed: list[int]) -> None:
    row = db.session.execute(sa.select(EVENTS.c.at).where(EVENTS.c.id == sealed[0])).one()
    change(sealed[0], at=row.at.replace(microsecond=(row.at.microsecond + 1) % 1_000_000))
    assert [fault.event_id for fault in found()] == [sealed[0]]


def test_a_deleted_row_is_found(sealed: list[int]) -> None:
    db.session.execute(sa.delete(EVENTS).where(EVENTS.c.id == sealed[1]))
    assert [(f.position, f.says) for f in found()] == [(2, "The row is gone.")]


def test_a_row_deleted_with_its_link_is_found(sealed: list[int]) -> None:
    db.session.execute(sa.delete(EVENTS).where(EVENTS.c.id == sealed[1]))
    db.session.execute(sa.delete(AuditLink).where(AuditLink.event_id == sealed[1]))
    assert [f.position for f in found()] == [2, 3]


def test_it_is_verified_by_itself_and_what_was_found_is_kept(
    sealed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "BATCH", 2)
    monkeypatch.setattr(watching, "_BATCHES", 1)
    assert watching.begin() == 3
    drain()
    assert _chain().verified_faults == 0
    change(sealed[0], subject_id=99)
    watching.begin()
    drain()
    assert (_chain().verified_faults, _chain().verified_position) == (1, 5)
    assert f"row {sealed[0]}" in str(_chain().verified_note)


def drain() -> None:
    """Take the steps that are promised, as a worker does."""
    while row := db.session.scalars(
        sa.select(outbox.OutboxRow).where(
            outbox.OutboxRow.kind == "audit.verify", outbox.OutboxRow.done_at.is_(None)
        )
    ).first():
        claimed = outbox.claim(row.id)
        assert claimed is not None
        outbox.finish(claimed, outbox.HANDLERS[row.kind](claimed)())
        db.session.expire_all()


def test_rows_that_changed_places_are_found(sealed: list[int]) -> None:
    names = [c for c in EVENTS.columns if c.name not in ("id", "at", "uid")]
    rows = [db.session.execute(sa.select(*names).where(EVENTS.c.id == i)).one() for i in sealed[:2]]
    for event_id, row in zip(sealed[:2], reversed(rows), strict=True):
        change(event_id, **row._asdict())
    assert [f.event_id for f in found()] == sealed[:2]


def test_a_row_put_in_below_the_horizon_is_found(sealed: list[int]) -> None:
    whole = db.session.execute(sa.select(EVENTS).where(EVENTS.c.id == sealed[2])).one()
    db.session.execute(sa.delete(EVENTS).where(EVENTS.c.id == sealed[2]))
    db.session.execute(sa.delete(AuditLink).where(AuditLink.event_id == sealed[2]))
    db.session.execute(sa.insert(EVENTS).values(**{**whole._asdict(), "uid": ids.new_uid()}))
    seal()
    assert (None, sealed[2]) in [(f.position, f.event_id) for f in found()]


def test_a_row_dated_back_is_found(sealed: list[int]) -> None:
    (event_id,) = happened(1)
    change(event_id, at=clock.now().replace(day=1, hour=0) if clock.now().day > 1 else clock.now())
    seal()
    assert [f.event_id for f in found()] == ([event_id] if clock.now().day > 1 else [])


def test_links_cannot_be_written_by_who_knows_the_database_alone(sealed: list[int]) -> None:
    change(sealed[4], subject_id=99)
    row = db.session.execute(sa.select(*digests.columns()).where(EVENTS.c.id == sealed[4])).one()
    link = db.session.get_one(AuditLink, (_chain().id, 5))
    before = bytes(db.session.get_one(AuditLink, (_chain().id, 4)).hash)
    real = current_settings()
    use_settings(replace(real, sealing_keys=Keyring(keys={link.key_id: b"x" * 32})))
    parts = (TENANT, 5, False, link.event_id, link.event_at, link.personal, digests.fixed_of(row))
    forged = chain.hash_of(link.key_id, before, *parts)
    use_settings(real)
    link.hash = forged
    _chain().head = forged
    db.session.flush()
    assert [f.position for f in found()] == [5]


def _chain() -> AuditChain:
    return db.session.scalars(sa.select(AuditChain).where(AuditChain.tenant_key == TENANT)).one()


def test_an_end_that_was_cut_off_is_found_by_the_head_that_was_noted(sealed: list[int]) -> None:
    (head,) = verifying.heads(CLI, tenant_key=TENANT)
    noted = (head.position, head.code)
    assert found(noted=noted) == []
    db.session.execute(sa.delete(EVENTS).where(EVENTS.c.id == sealed[4]))
    db.session.execute(sa.delete(AuditLink).where(AuditLink.event_id == sealed[4]))
    assert found() != []
    _chain().position, _chain().head = 4, db.session.get_one(AuditLink, (_chain().id, 4)).hash
    db.session.flush()
    assert found() == []
    assert [f.position for f in found(noted=noted)] == [5]


def test_a_new_key_leaves_older_links_good_and_a_lost_one_says_so(
    sealed: list[int], settings: Settings
) -> None:
    real = current_settings()
    old = real.sealing_keys.keys
    use_settings(replace(real, sealing_keys=Keyring(keys={"new": b"n" * 32, **old})))
    try:
        happened(2)
        seal()
        assert found() == []
        use_settings(replace(real, sealing_keys=Keyring(keys={"new": b"n" * 32})))
        assert {"is not there to check it" in f.says for f in found()} == {True}
    finally:
        use_settings(real)


def leave(user_id: int = 7) -> None:
    pseudonymize(Leaver(user_id, "jane@x.example", "jane@x.example", names=("Jane",), tenant_ids=(TENANT,)))
    db.session.flush()


def test_what_leaves_with_a_person_breaks_nothing_and_is_chained_itself(sealed: list[int]) -> None:
    leave()
    row = db.session.execute(sa.select(EVENTS.c.ip).where(EVENTS.c.id == sealed[0])).one()
    assert row.ip is None
    assert found() == []  # before the chain says so
    seal()
    assert found() == []
    assert db.session.scalar(sa.select(sa.func.count(AuditErasure.id))) == 0
    links = db.session.scalars(sa.select(AuditLink).where(AuditLink.event_id == sealed[0])).all()
    assert [(link.erased, link.salt is None) for link in links] == [(False, True), (True, False)]
    change(sealed[0], ip="203.0.113.9")
    assert [f.event_id for f in found()] == [sealed[0]]


def test_nobody_can_pass_a_change_off_as_an_erasure(sealed: list[int]) -> None:
    change(sealed[0], ip=None)
    salt = digests.new_salt()
    row = db.session.execute(sa.select(*digests.columns()).where(EVENTS.c.id == sealed[0])).one()
    db.session.add(
        AuditErasure(
            event_id=sealed[0],
            event_at=row.at,
            tenant_key=TENANT,
            salt=salt,
            personal=digests.salted(salt, digests.personal_of(row)),
            mac=b"m" * 32,
            key_id=digests.newest_key(),
        )
    )
    seal()
    assert [f.event_id for f in found()] == [sealed[0]]


def test_who_leaves_before_a_row_is_sealed_breaks_nothing(in_app: Flask) -> None:
    happened(3)
    leave()
    happened(2)
    seal()
    assert found() == []


def test_what_is_let_go_of_leaves_an_anchor_that_cannot_be_moved(
    sealed: list[int], move_clock: Callable[[int], None]
) -> None:
    move_clock(24 * 3600)
    later = happened(2)
    seal()
    gone = chain.let_go(_chain(), before=clock.now().replace(microsecond=0) - timedelta(hours=1), most=100)
    assert list(gone) == sealed
    db.session.execute(sa.delete(EVENTS).where(EVENTS.c.id.in_(gone)))
    db.session.flush()
    assert found() == []
    db.session.execute(sa.delete(EVENTS).where(EVENTS.c.id == later[0]))
    link = db.session.scalars(sa.select(AuditLink).where(AuditLink.event_id == later[0])).one()
    _chain().anchor_position, _chain().anchor_head = link.position, link.hash
    db.session.execute(sa.delete(AuditLink).where(AuditLink.event_id == later[0]))
    assert "The beginning of the chain was moved." in [f.says for f in found()]


@contextmanager
def somebody_else(database: sa.Connection, name: str | None = None) -> Iterator[sa.Connection]:
    """Give a connection of its own to this database, or to another one of its server."""
    url = database.engine.url if name is None else database.engine.url.set(database=name)
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def test_a_row_that_cannot_be_seen_yet_holds_the_trail_up_and_nothing_else_does(
    in_app: Flask, database: sa.Connection
) -> None:
    if is_sqlite():
        assert chain.writers() == set(), "one writer at a time"
        return
    with somebody_else(database) as reading, somebody_else(database, "postgres") as neighbour:
        reading.execute(sa.text("SELECT pg_current_xact_id(), (SELECT max(id) FROM audit_events)"))
        neighbour.execute(sa.text("SELECT pg_current_xact_id()"))
        with somebody_else(database) as writing:
            row = {
                "id": 1,
                "uid": ids.new_uid(),
                "at": clock.now(),
                "kind": AuditKind.SETTING_UPDATED,
                "actor_kind": "system",
            }
            about = {"subject_type": "x", "dialect": "x", "request_id": "", "ok": True, "changes": {}}
            writing.execute(sa.insert(EVENTS).values({**row, **about, "user_agent": ""}))
            assert len(chain.writers()) == 1
            happened(2)
            seal()
            assert db.session.scalar(sa.select(sa.func.count(AuditLink.event_id))) == 0
            (held,) = chain.writers()
            writing.rollback()
        with somebody_else(database) as writing:
            writing.execute(sa.delete(EVENTS).where(EVENTS.c.id == -1))
            assert chain.writers().isdisjoint({held})
            happened(2)
            chain.seal_what_is_new()
            assert db.session.scalar(sa.select(sa.func.count(AuditLink.event_id))) == 2, "what was noted"
        seal()
        assert db.session.scalar(sa.select(sa.func.count(AuditLink.event_id))) == 4
    assert found() == []


def test_numbers_of_the_trail_come_one_by_one(in_app: Flask) -> None:
    """What ``writers`` stands on: numbers come one by one, and no writer is missing from the locks."""
    if is_sqlite():
        return
    cached = sa.text("SELECT max(cache_size) FROM pg_sequences WHERE sequencename = 'audit_events_id_seq'")
    assert db.session.scalar(cached) == 1
