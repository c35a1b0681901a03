"""Workers that die, and mail servers that refuse: nothing is lost, nothing is two mails."""

import random
import signal
import subprocess
import sys
import time

import pytest
import redis

from tests.faults.conftest import Tell
from tests.support.live import ROOT, LiveInstance
from tests.support.load import Arrivals, Caller, Ledger, register, register_all
from tests.support.processes import OwnValkey, children_of, kill, wait_until_gone

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

CRASH_AFTER_COMMIT = """
import os, signal
from datetime import timedelta
from app.core import outbox
from app.domains.email import mails
from app.surfaces.shared.transaction import transaction
from wsgi import app
outbox.ring = lambda promised: os.kill(os.getpid(), signal.SIGKILL)
with app.app_context(), transaction():
    mails.signup_code({to!r}, first_name="Kim", code="402913", expires_in=timedelta(minutes=10))
"""


def sign_up(instance: LiveInstance, count: int) -> list[str]:
    """Register some people and return their addresses."""
    ledger, call = Ledger(), Caller(instance.url)
    for number in range(count):
        answer = register(call, ledger.address(number))
        assert answer.status == 201, answer
        ledger.note(ledger.address(number), answer)
    return ledger.acknowledged


def wait_for_a_child(instance: LiveInstance, seconds: float = 15) -> tuple[int, list[int]]:
    """Wait until the worker has a child; return both."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        worker = instance.pids["worker"]
        if children := children_of(worker):
            return worker, list(children)
        time.sleep(0.01)
    raise AssertionError("no work begun")


def test_1000_sign_ups_while_everything_falls(
    whole: LiveInstance, bell: OwnValkey, keys: redis.Redis, arrivals: Arrivals, tell: Tell
) -> None:
    began, chance = time.monotonic(), random.Random(7)
    ledger, crew = register_all(whole.url, 1000)
    for killed in range(1, 21):
        time.sleep(chance.uniform(0.8, 1.6))
        worker = whole.pids["worker"]
        kill(worker, *(children_of(worker) if killed % 2 else ()))
        if killed in (4, 13):
            keys.flushall()
        if killed == 8:
            bell.send(signal.SIGSTOP)
        if killed == 11:
            bell.send(signal.SIGCONT)
        if killed == 9:
            whole.add_rule(action="refuse", code=451)
        if killed == 15:
            whole.clear_rules()
    crew.wait(120)
    sent = time.monotonic() - began
    drained = arrivals.wait_for(ledger.acknowledged, 150)
    assert len(set(ledger.acknowledged)) == 1000
    names = {name for address in ledger.acknowledged for name in arrivals.look()[address]}
    assert len(names) == 1000
    repeats = arrivals.repeats(ledger.acknowledged)
    assert 500 not in ledger.statuses
    tell(
        f"1,000 distinct Message-IDs, 0 lost, {repeats} repeated; sent in {sent:.0f} s, "
        f"drained {drained:.0f} s later; answers {ledger.statuses}"
    )


def test_t01_t02_t03_killed_in_the_middle_of_a_mail(
    whole: LiveInstance, arrivals: Arrivals, tell: Tell
) -> None:
    whole.add_rule(action="delay", seconds=2)
    times: dict[str, float] = {}
    victims: dict[str, str] = {}
    for case in ("horse", "parent", "both"):
        (victims[case],) = sign_up(whole, 1)
        arrivals.wait_for([victims[case]], 20)  # the sandbox keeps it, and answers two seconds later
        worker, children = wait_for_a_child(whole)
        kill(*{"horse": children, "parent": [worker], "both": [worker, *children]}[case])
        times[case] = time.monotonic()
        time.sleep(3)
    second = subprocess.Popen(
        [sys.executable, "-m", "flask", "worker"],
        cwd=ROOT,
        env=whole.full_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        again = {}
        for case in ("horse", "both"):
            while len(arrivals.look()[victims[case]]) < 2:
                waited = time.monotonic() - times[case]
                assert waited < 60, f"{case}: not taken again within a minute"
                time.sleep(0.1)
            again[case] = time.monotonic() - times[case]
        time.sleep(3)
    finally:
        second.terminate()
        second.wait(30)
    assert len(arrivals.look()[victims["parent"]]) == 1, "the orphan finished it; nobody did it again"
    assert arrivals.repeats(list(victims.values())) == 2
    tell(f"taken again after {again['horse']:.0f} s and {again['both']:.0f} s under the same Message-ID")


def test_t04_crash_between_commit_and_bell(whole: LiveInstance, arrivals: Arrivals, tell: Tell) -> None:
    to = Ledger().address(1)
    done = subprocess.run(
        [sys.executable, "-c", CRASH_AFTER_COMMIT.format(to=to)],
        cwd=ROOT,
        env=whole.full_environment(),
        check=False,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]
    swept = arrivals.wait_for([to], 30)
    tell(f"swept after {swept:.1f} s (at most 30)")


def test_t05_workers_told_to_stop_with_100_mails_waiting(
    whole: LiveInstance, arrivals: Arrivals, tell: Tell
) -> None:
    whole.add_rule(action="delay", seconds=0.15)
    addresses = sign_up(whole, 100)
    ended = []
    for _ in range(3):
        worker, _children = wait_for_a_child(whole)
        kill(worker, sign=signal.SIGTERM)
        ended.append(wait_until_gone(worker, 30))
        time.sleep(1.5)
    arrivals.wait_for(addresses, 60)
    time.sleep(1)
    assert arrivals.repeats(addresses) == 0
    tell(f"100 of 100, 0 twice; stopped within {max(ended):.1f} s each of 3 times (at most 30)")


def test_t19_mail_server_away(whole: LiveInstance, arrivals: Arrivals, tell: Tell) -> None:
    whole.add_rule(action="offline")
    time.sleep(0.5)
    addresses = sign_up(whole, 60)
    time.sleep(25)
    assert not set(addresses) & set(arrivals.look())
    assert "tries 0" in whole.flask("outbox", "list")
    whole.clear_rules()
    drained = arrivals.wait_for(addresses, 300)
    assert arrivals.repeats(addresses) == 0
    assert "0 given up" in whole.flask("outbox", "list")
    tell(f"60 of 60, no try burnt; drained {drained:.0f} s after its return (at most 300)")


def test_t19_mail_server_refuses_everybody_for_ten_minutes(
    whole: LiveInstance, arrivals: Arrivals, tell: Tell
) -> None:
    whole.add_rule(action="refuse", code=451)
    addresses = sign_up(whole, 30)
    for _ in range(10):
        time.sleep(2)
        whole.move_clock(60)
    assert not set(addresses) & set(arrivals.look())
    whole.clear_rules()
    drained = arrivals.wait_for(addresses, 300)
    tell(f"30 of 30; drained {drained:.0f} s after ten minutes of 451 (at most 300)")


def test_t21_each_answer_of_a_mail_server(whole: LiveInstance, arrivals: Arrivals, tell: Tell) -> None:
    ledger = Ledger()
    people = {
        word: f"{word}-{ledger.prefix}@people.example" for word in ("a421", "a450", "a451", "drop", "good")
    }
    for word, code in (("a421", 421), ("a450", 450), ("a451", 451)):
        whole.add_rule(action="refuse", code=code, recipient=people[word], count=1)
    whole.add_rule(action="drop", recipient=people["drop"], count=1)
    gone = f"a550-{ledger.prefix}@people.example"
    whole.add_rule(action="refuse", code=550, recipient=gone, stage="rcpt", count=1)
    call = Caller(whole.url)
    for address in (gone, *people.values()):
        assert register(call, address).status == 201
    arrivals.wait_for([people["good"]], 30)
    taken = arrivals.wait_for(list(people.values()), 60)
    while len(arrivals.look()[people["drop"]]) < 2:
        taken += 0.1
        assert taken < 60, "what was dropped was not sent again"
        time.sleep(0.1)
    assert arrivals.repeats(list(people.values())) == 1, "only the one whose fate was unknown"
    deadline = time.monotonic() + 20
    while "550" not in (dead := whole.flask("outbox", "dead")):
        assert time.monotonic() < deadline, dead
    assert gone not in arrivals.look()
    tell(
        f"421, 450, 451 and drop delivered by a retry within {taken:.0f} s, drop twice under one name; "
        "550 given up"
    )
