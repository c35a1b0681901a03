"""Promises: there with their transaction, one holder at a time, tried again after growing waits, not lost."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core import clock, outbox, redis
from app.core.db import db
from app.core.errors import AppError, Conflict
from app.core.outbox import Claimed, Hopeless, NotNow, OutboxRow, Unreachable
from app.surfaces.shared import keeping
from app.surfaces.shared.transaction import transaction

LEASE = int(outbox.LEASE.total_seconds())


@pytest.fixture(autouse=True)
def _no_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis, "ring", lambda: None)


@pytest.fixture
def handlers(monkeypatch: pytest.MonkeyPatch) -> dict[str, outbox.Handler]:
    registered: dict[str, outbox.Handler] = {}
    monkeypatch.setattr(outbox, "HANDLERS", registered)
    return registered


def promised(kind: str = "thing", **payload: str) -> OutboxRow:
    with transaction():
        outbox.promise(kind, payload)
    return db.session.scalars(sa.select(OutboxRow).order_by(OutboxRow.id.desc()).limit(1)).one()


def row_of(claimed: Claimed) -> OutboxRow:
    return db.session.scalars(
        sa.select(OutboxRow).where(OutboxRow.id == claimed.id).execution_options(populate_existing=True)
    ).one()


def claimed_now() -> Claimed:
    found = outbox.claim_next()
    assert found is not None
    return found


def claimed_in(lane: str) -> Claimed | None:
    return outbox.claim_next(lane=lane)


def taken_again() -> Claimed:
    """Take what was held by a worker that died."""
    assert outbox.note_deaths() == 1
    found = claimed_in(outbox.ASIDE_LANE)
    assert found is not None
    return found


class Remembered(Conflict):
    code, message, commits = "test:remembered", "Refused, but remembered.", True


class Forgotten(Conflict):
    code, message = "test:forgotten", "Refused."


@pytest.mark.parametrize(
    ("error", "rows"), [(None, 1), (Remembered(), 1), (Forgotten(), 0), (ValueError(), 0)]
)
def test_a_promise_is_there_if_and_only_if_its_transaction_is(
    in_app: Flask, error: Exception | None, rows: int
) -> None:
    try:
        with transaction():
            outbox.promise("thing", {})
            if error is not None:
                raise error
    except (AppError, ValueError):
        pass
    assert len(outbox.waiting()) == rows


def test_the_bell_rings_once_for_all_that_a_transaction_promised(
    in_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[str] = []
    monkeypatch.setattr(redis, "ring", lambda: rung.append("rung"))
    with transaction():
        for _ in range(3):
            outbox.promise("thing", {})
    assert len(rung) == 1
    with transaction():
        outbox.promise("thing", {}, due_at=clock.now() + timedelta(hours=1))
    with transaction():
        outbox.promise("thing", {})
        db.session.rollback()
        outbox.take_promised(db.session)
    assert len(rung) == 1


def test_a_row_has_one_holder_until_its_lease_ends(in_app: Flask, move_clock: Callable[[int], None]) -> None:
    row = promised()
    first = outbox.claim(row.id)
    assert first is not None
    assert outbox.claim(row.id) is None
    assert outbox.claim_next() is None
    move_clock(LEASE + 1)
    second = taken_again()
    assert (second.id, second.attempts, second.lane) == (row.id, 2, outbox.MAIN_LANE)
    assert second.lease_token != first.lease_token


def test_who_lost_the_lease_can_neither_finish_nor_fail(
    in_app: Flask, move_clock: Callable[[int], None]
) -> None:
    promised()
    first = claimed_now()
    move_clock(LEASE + 1)
    second = taken_again()
    assert not outbox.finish(first, {})
    assert not outbox.fail(first, Hopeless("too late"))
    assert row_of(second).done_at is None
    assert row_of(second).dead_at is None
    assert outbox.finish(second, {})


def test_a_done_row_keeps_only_what_its_handler_says(in_app: Flask) -> None:
    promised(to="kim@example.org", sealed="k1.secret")
    claimed = claimed_now()
    outbox.finish(claimed, {"to": "kim@example.org"})
    assert row_of(claimed).payload == {"to": "kim@example.org"}
    assert outbox.claim_next() is None


def test_waits_grow_and_the_fifth_try_is_the_last(in_app: Flask, move_clock: Callable[[int], None]) -> None:
    promised()
    began, waits = clock.now(), []
    for tried in range(1, outbox.MAX_TRIES + 1):
        claimed = claimed_now()
        assert claimed.attempts == tried
        outbox.fail(claimed, NotNow("451 later"))
        row = row_of(claimed)
        if tried < outbox.MAX_TRIES:
            wait = (row.due_at - clock.now()).total_seconds()
            waits.append(wait)
            move_clock(int(wait) + 1)
    assert row.dead_at is not None
    assert row.last_error == "NotNow: 451 later"
    assert waits == sorted(waits)
    assert waits[0] < 20
    assert clock.now() - began <= outbox.GIVE_UP_AFTER
    assert outbox.claim_next() is None


def test_somebody_out_of_reach_burns_no_try(in_app: Flask, move_clock: Callable[[int], None]) -> None:
    promised()
    for _ in range(20):
        claimed = claimed_now()
        assert claimed.attempts == 1
        outbox.fail(claimed, Unreachable("connection refused"))
        row = row_of(claimed)
        assert row.attempts == 0
        assert (row.due_at - clock.now()).total_seconds() <= 66
        move_clock(67)
    assert row.waits == 20


def test_even_that_ends_after_six_hours(in_app: Flask, move_clock: Callable[[int], None]) -> None:
    promised()
    move_clock(6 * 3600 + 1)
    claimed = claimed_now()
    outbox.fail(claimed, Unreachable("connection refused"))
    assert row_of(claimed).dead_at is not None


def test_a_no_for_good_ends_it_at_once(in_app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    promised(to="kim@example.org")
    claimed = claimed_now()
    outbox.fail(claimed, Hopeless("550 no such mailbox"))
    assert [row.id for row in outbox.dead()] == [claimed.id]
    told = [record for record in caplog.records if record.message == "outbox: gave up"]
    assert [getattr(record, "reason", "") for record in told] == ["Hopeless: 550 no such mailbox"]


def test_the_dead_can_be_revived_with_all_their_tries(
    in_app: Flask, move_clock: Callable[[int], None]
) -> None:
    promised()
    promised()
    one, two = claimed_now(), claimed_now()
    outbox.fail(one, Hopeless("no"))
    outbox.finish(two, {})
    move_clock(7 * 3600)
    assert outbox.revive([one.id, two.id, 10**6]) == 1
    again = claimed_now()
    assert (again.id, again.attempts) == (one.id, 1)
    outbox.fail(again, Unreachable("away"))
    assert row_of(again).dead_at is None


def test_old_rows_are_pruned(in_app: Flask) -> None:
    for _ in range(3):
        promised()
    done, dead = claimed_now(), claimed_now()
    outbox.finish(done, {})
    outbox.fail(dead, Hopeless("no"))
    later = clock.now() + timedelta(seconds=1)
    assert (
        outbox.prune(done_before=clock.now() - timedelta(days=1), dead_before=clock.now() - timedelta(1)) == 0
    )
    assert outbox.prune(done_before=later, dead_before=later) == 2
    assert len(outbox.waiting()) == 1


def test_a_clock_turned_back_leaves_nothing_waiting(in_app: Flask, move_clock: Callable[[int], None]) -> None:
    move_clock(3600)
    promised()
    tried = claimed_now()
    outbox.fail(tried, NotNow("451 later"))
    fresh = promised().id
    move_clock(-3600)
    assert claimed_now().id == fresh
    assert outbox.claim_next() is None, "what is held or was tried waits for its time"
    outbox.hurry()
    assert claimed_now().id == tried.id


def test_what_all_rows_are_refused_for_is_not_their_fault(
    in_app: Flask, handlers: dict[str, outbox.Handler]
) -> None:
    tried: list[int] = []

    def refuse(row: Claimed) -> outbox.Act:
        tried.append(row.id)
        raise NotNow("451 to everybody")

    handlers["thing"] = refuse
    for _ in range(12):
        promised()
    assert keeping.drain() == 0
    assert len(tried) == keeping.REFUSALS_IN_A_ROW
    db.session.expire_all()
    assert {row.attempts for row in outbox.waiting()} == {0}


def test_one_row_that_is_refused_stops_no_other(in_app: Flask, handlers: dict[str, outbox.Handler]) -> None:
    def keep(row: Claimed) -> outbox.Act:
        if row.payload["to"] == "bad":
            raise NotNow("450 mailbox busy")
        return lambda: {"to": row.payload["to"]}

    handlers["thing"] = keep
    for number in range(9):
        promised(to="bad" if number % 2 else "good")
    assert keeping.drain() == 5
    db.session.expire_all()
    assert {row.attempts for row in outbox.waiting()} == {1}


def test_an_unreachable_server_is_asked_once_a_drain(
    in_app: Flask, handlers: dict[str, outbox.Handler]
) -> None:
    tried: list[int] = []

    def away(row: Claimed) -> outbox.Act:
        tried.append(row.id)
        raise Unreachable("connection refused")

    handlers["thing"] = away
    handlers["other"] = lambda _row: dict
    for _ in range(5):
        promised()
    promised("other")
    assert keeping.drain() == 1
    assert len(tried) == 1


def test_a_handler_that_breaks_or_is_missing_is_its_rows_failure(
    in_app: Flask, handlers: dict[str, outbox.Handler]
) -> None:
    def broken(_row: Claimed) -> outbox.Act:
        raise ZeroDivisionError

    handlers["thing"] = broken
    promised()
    promised("nobody keeps this")
    assert keeping.drain() == 0
    db.session.expire_all()
    assert sorted((row.last_error or "").partition(":")[0] for row in outbox.waiting()) == [
        "KeyError",
        "ZeroDivisionError",
    ]


def test_an_effect_is_undone_with_its_promise(in_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def effect(_row: Claimed) -> None:
        outbox.promise("follow-up", {})
        raise ZeroDivisionError

    monkeypatch.setattr(outbox, "EFFECTS", {"thing": effect})
    promised()
    assert keeping.drain() == 0
    db.session.expire_all()
    assert [(row.kind, row.attempts) for row in outbox.waiting()] == [("thing", 1)]


def test_what_follows_an_act_happens_once_with_its_finish(
    in_app: Flask, monkeypatch: pytest.MonkeyPatch, move_clock: Callable[[int], None]
) -> None:
    monkeypatch.setattr(
        outbox, "SEQUELS", {"thing": lambda _row, kept: outbox.promise("next", kept) and None}
    )
    promised()
    late = claimed_now()
    move_clock(LEASE + 1)
    assert outbox.finish(taken_again(), {"size": 7})
    assert not outbox.finish(late, {"size": 7})
    db.session.expire_all()
    assert [(row.kind, row.payload) for row in outbox.waiting()] == [("next", {"size": 7})]
