"""Promises that hurt whoever keeps them, for the tests of workers; the product has none of them.

``python -m tests.support.poison`` is `flask worker` with these kinds, and a job that counts its runs.
"""

import os
import signal
import sys
from datetime import timedelta

import sqlalchemy as sa
from flask.cli import FlaskGroup

from app.core import clock, jobs, outbox
from app.core.db import db
from app.core.outbox import Act, Claimed

BROKEN, DEADLY, GREEDY, ENDLESS = "poison.broken", "poison.deadly", "poison.greedy", "poison.endless"
COUNTED = "poison.counted"
PERIOD = timedelta(minutes=1)
ACT_SECONDS = 2
"""Instead of twenty, so that five tries of a dozen endless ones end within the test's time."""


def broken(_row: Claimed) -> Act:
    raise ZeroDivisionError


def deadly(_row: Claimed) -> Act:
    os.kill(os.getpid(), signal.SIGSEGV)
    return dict


def greedy(_row: Claimed) -> Act:
    taken = bytearray(b"x") * (4 * 2**30)
    return lambda: {"size": len(taken)}


def endless(_row: Claimed) -> Act:
    while True:
        pass


def counted(row: Claimed) -> None:
    db.session.execute(sa.text("INSERT INTO counted (what) VALUES (:name)"), {"name": str(row.uid)})


def run() -> int:
    db.session.execute(sa.text("INSERT INTO runs (at) VALUES (:now)"), {"now": clock.now()})
    return 1


def register() -> None:
    """Let this process keep these promises."""
    for kind, handler in ((BROKEN, broken), (DEADLY, deadly), (GREEDY, greedy), (ENDLESS, endless)):
        outbox.handler(kind)(handler)
    outbox.effect(COUNTED)(counted)
    jobs.job(COUNTED, every=PERIOD)(run)
    outbox.ACT_SECONDS = ACT_SECONDS


if __name__ == "__main__":
    register()
    sys.argv[1:] = ["worker"]
    FlaskGroup().main(prog_name="flask", standalone_mode=False)
