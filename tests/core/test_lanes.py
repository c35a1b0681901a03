"""Lanes: one worker in each, in turns, and a rest for those whose server fails."""

from collections.abc import Callable

import pytest
from flask import Flask

from app.core import lanes, outbox, redis
from app.core.outbox import Claimed, NotNow, Unreachable
from app.surfaces.shared import keeping
from app.surfaces.shared.transaction import transaction


@pytest.fixture(autouse=True)
def _no_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis, "ring", lambda: None)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the lanes of what was kept; the server of ``bad`` is away, that of ``busy`` says not now."""
    done: list[str] = []

    def keep(row: Claimed) -> outbox.Act:
        def act() -> outbox.Payload:
            if row.lane == "bad":
                raise Unreachable("nobody there")
            if row.lane == "busy":
                raise NotNow("451 later")
            done.append(row.lane)
            return {}

        return act

    monkeypatch.setattr(outbox, "HANDLERS", {"thing": keep})
    return done


def promise(lane: str, count: int = 1) -> None:
    with transaction():
        for _ in range(count):
            outbox.promise("thing", {}, lane=lane)


def test_what_waits_in_a_lane_is_kept(in_app: Flask, kept: list[str]) -> None:
    promise("mail:1", 2)
    promise("")
    assert keeping.drain() == 3
    assert kept == ["", "mail:1", "mail:1"]


def test_a_lane_is_held_by_one_worker_at_a_time_and_given_free_by_a_dead_one(
    in_app: Flask, move_clock: Callable[[int], None]
) -> None:
    promise("mail:1")
    with transaction():
        held = lanes.take()
        assert held is not None
        assert lanes.take() is None
    move_clock(46)
    with transaction():
        assert lanes.take() is not None
        assert not lanes.prolong(held)


def test_whoever_has_waited_longest_is_next(in_app: Flask, move_clock: Callable[[int], None]) -> None:
    promise("mail:1", 5)
    promise("mail:2")
    turns = []
    for second in range(4):
        move_clock(second)
        with transaction():
            held = lanes.take()
            assert held is not None
            turns.append(held.lane)
            lanes.give_back(held, failed=False)
    assert turns == ["mail:1", "mail:2", "mail:1", "mail:2"]


def test_t20_one_try_a_turn_is_all_that_a_server_costs_which_is_away(
    in_app: Flask, kept: list[str], move_clock: Callable[[int], None]
) -> None:
    promise("bad", 1000)
    promise("mail:2", 3)
    promise("")
    assert keeping.drain() == 4
    assert not lanes.ready()
    assert [row.waits for row in outbox.waiting(1000)].count(1) == 1
    promise("mail:2")
    assert keeping.drain() == 1, "the others' mail goes on meanwhile"
    for _ in range(9):
        move_clock(301)
        promise("mail:2")
        assert keeping.drain() == 1
    assert sum(row.waits for row in outbox.waiting(1000)) == 10
    assert {row.attempts for row in outbox.waiting(1000)} == {0}


def test_l11_many_servers_that_fail_hold_no_more_than_two_hands(
    in_app: Flask, move_clock: Callable[[int], None]
) -> None:
    failing = [f"mail:{number}" for number in range(1, 6)]
    for lane in failing:
        promise(lane)
    with transaction():
        for _ in failing:
            held = lanes.take()
            assert held is not None
            lanes.give_back(held, failed=True)
    move_clock(6)
    promise("mail:9")
    with transaction():
        taken = [lanes.take() for _ in range(4)]
    assert [held and held.lane for held in taken] == ["mail:1", "mail:2", "mail:9", None]
    with transaction():
        assert taken[0] is not None
        lanes.give_back(taken[0], failed=False, works=True)
        assert lanes.ready(9) == 4


def test_a_server_that_refuses_for_now_again_and_again_rests_too(in_app: Flask, kept: list[str]) -> None:
    promise("busy", 20)
    keeping.drain()
    assert not lanes.ready()
    assert [row.waits for row in outbox.waiting()].count(1) == keeping.REFUSALS_IN_A_ROW


def test_a_rest_ends_at_once_when_the_server_is_changed(in_app: Flask, kept: list[str]) -> None:
    promise("bad", 2)
    keeping.drain()
    with transaction():
        assert lanes.is_resting("bad")
        lanes.wake("bad")
    assert lanes.ready() == 1


def test_what_waited_too_long_is_given_up(
    in_app: Flask, kept: list[str], move_clock: Callable[[int], None]
) -> None:
    promise("bad", 3)
    keeping.drain()
    move_clock(7 * 3600)
    with transaction():
        assert len(lanes.bury_late()) == 3
    assert len(outbox.dead()) == 3
