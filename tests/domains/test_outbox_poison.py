"""Promises that hurt: what holds a worker up, kills it or breaks is tried again, and given up at last."""

import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core import clock, outbox
from app.core.db import db
from app.core.outbox import Claimed
from app.domains.audit.models import AuditEvent
from app.surfaces.shared import keeping
from tests.domains.test_outbox import LEASE, _no_bell, claimed_in, claimed_now, handlers, promised

__all__ = ["_no_bell", "handlers"]


def test_a_row_that_kills_its_worker_is_given_up_after_five(
    in_app: Flask, move_clock: Callable[[int], None]
) -> None:
    promised()
    claimed_now()
    for wait in (0, 140, 700, 5.6 * 3600):
        move_clock(LEASE + 1)
        assert outbox.bury_lost() == 0
        assert outbox.note_deaths() == 1
        move_clock(int(wait))
        assert claimed_in(outbox.MAIN_LANE) is None, "only a process of its own tries it again"
        assert claimed_in(outbox.ASIDE_LANE) is not None
    move_clock(LEASE + 1)
    assert outbox.needs_a_look(outbox.ASIDE_LANE)
    assert outbox.bury_lost() == 1
    assert not outbox.needs_a_look(outbox.ASIDE_LANE)
    assert [row.last_error for row in outbox.dead()] == ["the worker died each time it tried"]
    buried = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.kind == "outbox.given_up")).one()
    assert (buried.subject_id, buried.changes["kind"]) == (outbox.dead()[0].id, "thing")


def test_the_first_dead_worker_costs_no_wait_the_next_ones_more_and_more(
    in_app: Flask, move_clock: Callable[[int], None]
) -> None:
    promised()
    claimed_now()
    waits = []
    for _ in range(outbox.MAX_TRIES - 1):
        move_clock(LEASE + 1)
        outbox.note_deaths()
        db.session.expire_all()
        waits.append((outbox.waiting()[0].due_at - clock.now()).total_seconds())
        move_clock(int(waits[-1]) + 1)
        assert claimed_in(outbox.ASIDE_LANE) is not None
    assert waits[0] <= 0
    assert waits[1:] == sorted(waits[1:])
    assert waits[1] > 100


def test_an_act_that_takes_too_long_is_cut_off(
    in_app: Flask, handlers: dict[str, outbox.Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "ACT_SECONDS", 0.1)

    def endless(_row: Claimed) -> outbox.Act:
        def act() -> outbox.Payload:
            threading.Event().wait(30)
            return {}

        return act

    handlers["thing"] = endless
    promised()
    assert keeping.drain() == 0
    db.session.expire_all()
    assert "TookTooLong" in (outbox.waiting()[0].last_error or "")


def test_what_holds_others_up_is_begun_again_aside_with_its_kind(
    in_app: Flask, handlers: dict[str, outbox.Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "HURRIED_SECONDS", 0.1)
    begun = []

    def slow(row: Claimed) -> outbox.Act:
        begun.append(row.id)
        threading.Event().wait(0.5)
        return dict

    handlers["thing"], handlers["other"] = slow, lambda _row: dict
    for kind in ("thing", "thing", "other"):
        promised(kind)
    assert keeping.drain(hands=1) == 1
    db.session.expire_all()
    assert [(row.kind, row.lane) for row in outbox.waiting()] == [("thing", outbox.ASIDE_LANE)] * 2
    assert len(begun) == 1
    keeping.drain_aside()
    assert outbox.backlog().waiting == 0


def test_what_nobody_foresaw_gives_no_try_back(in_app: Flask, handlers: dict[str, outbox.Handler]) -> None:
    def broken(_row: Claimed) -> outbox.Act:
        raise ZeroDivisionError

    handlers["thing"] = broken
    for _ in range(keeping.REFUSALS_IN_A_ROW + 1):
        promised()
    keeping.drain()
    db.session.expire_all()
    assert {row.attempts for row in outbox.waiting()} == {1}
