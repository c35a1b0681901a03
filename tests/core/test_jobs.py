"""Periodic jobs: once a period for all workers, again soon after a failure."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask

from app.core import jobs
from app.core.db import db
from app.core.jobs import Job
from app.surfaces.shared import keeping
from app.surfaces.shared.transaction import transaction
from tests.contract.catalog import CATALOG

HOUR = 3600


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Put one hourly job in the registry's place and return what it notes at each run."""
    notes: list[str] = []
    registry: dict[str, Job] = {}
    monkeypatch.setattr(jobs, "JOBS", registry)

    @jobs.job("test.hourly", every=timedelta(hours=1))
    def hourly() -> int:
        notes.append("ran")
        return 7

    return notes


def test_a_new_job_waits_one_period_and_runs_once_in_each(
    in_app: Flask, ran: list[str], move_clock: Callable[[int], None]
) -> None:
    keeping.run_due_jobs()
    assert ran == []
    move_clock(HOUR + 1)
    for _ in range(3):
        keeping.run_due_jobs()
    assert len(ran) == 1
    move_clock(HOUR + 1)
    keeping.run_due_jobs()
    assert len(ran) == 2


def test_of_two_workers_one_begins(in_app: Flask, ran: list[str], move_clock: Callable[[int], None]) -> None:
    keeping.run_due_jobs()
    move_clock(HOUR + 1)
    begun = []
    for _ in range(2):
        with transaction():
            begun.append(jobs.claim(jobs.JOBS["test.hourly"]))
    assert begun == [True, False]


def test_what_failed_is_tried_again_soon_and_leaves_nothing_behind(
    in_app: Flask, ran: list[str], move_clock: Callable[[int], None]
) -> None:
    @jobs.job("test.hourly", every=timedelta(hours=1))
    def broken() -> int:
        if len(ran) == 1:
            raise ZeroDivisionError
        return 0

    keeping.run_due_jobs()
    move_clock(HOUR + 1)
    keeping.run_due_jobs()
    db.session.expire_all()
    assert (jobs.runs()["test.hourly"].last_error or "").startswith("ZeroDivisionError")
    move_clock(11 * 60)
    keeping.run_due_jobs()
    db.session.expire_all()
    assert jobs.runs()["test.hourly"].last_error is None
    assert jobs.runs()["test.hourly"].changed == 7


def test_a_part_that_fails_keeps_no_other_from_its_own(in_app: Flask, ran: list[str]) -> None:
    parts = jobs.JOBS["test.hourly"].parts

    def broken() -> int:
        raise ZeroDivisionError

    job = replace(jobs.JOBS["test.hourly"], parts=[broken, *parts])
    assert keeping.run_job(job) == 7
    assert ran == ["ran"]
    db.session.expire_all()
    assert (jobs.runs()["test.hourly"].last_error or "").startswith("ZeroDivisionError")


def test_a_clock_turned_back_stops_no_job(
    in_app: Flask, ran: list[str], move_clock: Callable[[int], None]
) -> None:
    move_clock(30 * 24 * HOUR)
    keeping.run_due_jobs()
    move_clock(-30 * 24 * HOUR)
    keeping.run_due_jobs()
    assert len(ran) == 1


def test_every_job_has_a_name_and_a_period_of_the_catalog(app: Flask) -> None:
    periods = {job["code"]: job["every"] for job in CATALOG["jobs"]}
    units = {"minute": 60, "minutes": 60, "hour": HOUR, "hours": HOUR, "day": 24 * HOUR}
    for job in jobs.JOBS.values():
        number, unit = periods[job.name].split()
        assert job.every.total_seconds() == int(number) * units[unit], job.name
