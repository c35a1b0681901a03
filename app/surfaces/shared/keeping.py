"""Keeping what the outbox promises, and running jobs: claim, act and write down, each its own transaction.

What depends on an organization's own server waits in a lane of its own (``core.lanes``). A worker keeps the
main lane itself and lets a few hands work in the others beside it, each lane in one hand at a time: a server
that hangs costs one hand some seconds a turn, and nobody else anything.
"""

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from types import FrameType

from flask import Flask, current_app

from app.core import jobs, lanes, outbox, redis
from app.core import partitions as _partitions  # noqa: F401 - each registers what it does by itself
from app.core.outbox_rows import perhaps_the_servers
from app.domains.accounts import jobs as _account_jobs  # noqa: F401
from app.domains.accounts import recipients as _recipients  # noqa: F401
from app.domains.archiving import jobs as _archiving_jobs  # noqa: F401
from app.domains.audit import chain as _chain  # noqa: F401
from app.domains.audit import promises as _burials  # noqa: F401
from app.domains.audit import watching as _watching  # noqa: F401
from app.domains.auth import assisted_recovery as _recoveries  # noqa: F401
from app.domains.auth import jobs as _auth_jobs  # noqa: F401
from app.domains.billing import jobs as _billing_jobs  # noqa: F401
from app.domains.clients import counting as _clients_counted  # noqa: F401
from app.domains.clients import jobs as _client_jobs  # noqa: F401
from app.domains.email import delivery as _mail_handler  # noqa: F401
from app.domains.email import domain_checks as _domain_checks  # noqa: F401
from app.domains.email import obeying as _mail_rules  # noqa: F401
from app.domains.email import server_watch as _server_watch  # noqa: F401
from app.domains.members import jobs as _member_jobs  # noqa: F401
from app.domains.notifications import weights as _weights  # noqa: F401
from app.domains.onboarding import inferring as _inferring  # noqa: F401
from app.domains.organizations import jobs as _organization_jobs  # noqa: F401
from app.domains.privacy import jobs as _privacy_jobs  # noqa: F401
from app.domains.sessions import jobs as _session_jobs  # noqa: F401
from app.domains.storage import files as _stored_files  # noqa: F401
from app.domains.storage import jobs as _storage_jobs  # noqa: F401
from app.domains.tenants import jobs as _tenant_jobs  # noqa: F401
from app.domains.tenants import overdue as _overdue  # noqa: F401
from app.domains.tenants import readers as _readers  # noqa: F401
from app.domains.twofactor import announcements as _announcements  # noqa: F401
from app.surfaces.shared.transaction import transaction

log = logging.getLogger(__name__)

DRAIN_SECONDS = 60
"""How long one process goes on with what is due before it makes room for a fresh one."""
REFUSALS_IN_A_ROW = 5
"""So many failures with no success between are the server's fault, not the rows'."""
TURN_SECONDS = 5
"""How long a lane may be worked in before another has its turn; what was begun is finished."""
SLOW_SECONDS = 5
"""A failure that took longer is the server's, not the row's."""
IDLE_SECONDS, GATHER_SECONDS = 0.1, 0.5
SETTLE_WAITS = (0.2, 0.5, 1, 2, 4, 8)
"""Seconds between tries to write down what was done, should the database be away just then."""


class TookTooLong(Exception):
    """An act went beyond its time."""


@dataclass
class _Weather:
    """How it went so far with each kind in this drain."""

    failed: dict[str, list[tuple[outbox.Claimed, Exception]]] = field(default_factory=dict)
    paused: set[str] = field(default_factory=set)


stopping = threading.Event()
"""Set when this process is told to end: it finishes the row that it holds and takes no other."""


def drain(hands: int = 0) -> int:
    """Keep what is due until nothing is left, the time is over or it is told to stop; returns how many.

    :param hands: how many threads work in lanes beside this one; none: it takes the lanes' turns itself
    """
    with transaction():
        outbox.bury_lost()
        outbox.note_deaths()
    weather, kept = _Weather(), 0
    crew = _Crew(hands, end=time.monotonic() + DRAIN_SECONDS)
    while not stopping.is_set():
        if crew.is_late():
            if not crew.is_busy():
                redis.ring_now()
                break
        elif hands:
            crew.gather()
        if claimed := _next(weather):
            kept += _keep(claimed, weather, hurried=hands > 0)
        elif crew.is_busy():
            time.sleep(IDLE_SECONDS)
        elif hands or (turn := _beside(weather)) is None:
            break
        else:
            kept += turn
    crew.join()
    return kept + crew.kept


def _beside(weather: _Weather) -> int | None:
    """Do what others do where there are any: a turn in a lane, or a row that was set aside."""
    if (turn := take_turn()) is not None:
        return turn
    claimed = _next(weather, outbox.ASIDE_LANE)
    return None if claimed is None else int(_keep(claimed, weather))


def drain_aside() -> None:
    """Keep what is due of that which held a worker up or killed one: nobody waits for it."""
    with transaction():
        outbox.bury_lost()
        outbox.note_deaths()
    weather, end = _Weather(), time.monotonic() + DRAIN_SECONDS
    while not stopping.is_set() and time.monotonic() < end:
        claimed = _next(weather, outbox.ASIDE_LANE)
        if claimed is None:
            return
        _keep(claimed, weather)


def _next(weather: _Weather, lane: str = outbox.MAIN_LANE) -> outbox.Claimed | None:
    """Take the next of a lane; it is only looked for first, for taking is a write."""
    with transaction(read_only=True):
        if not outbox.needs_a_look(lane):
            return None
    with transaction():
        return outbox.claim_next(without=weather.paused, lane=lane)


class _Crew:
    """The hands that work in lanes beside a worker; their number is the most that servers can hold up."""

    def __init__(self, hands: int, *, end: float) -> None:
        self.end = end
        self.kept = 0
        self._most = hands
        self._hands: list[threading.Thread] = []
        self._gather_at = 0.0
        self._lock = threading.Lock()

    def is_late(self) -> bool:
        """Say whether this process is to make room for a fresh one."""
        return time.monotonic() > self.end

    def is_busy(self) -> bool:
        """Say whether a hand still works."""
        self._hands = [hand for hand in self._hands if hand.is_alive()]
        return bool(self._hands)

    def gather(self) -> None:
        """Put more hands to work if there are lanes for them; asked now and then."""
        if time.monotonic() < self._gather_at:
            return
        self._gather_at = time.monotonic() + GATHER_SECONDS
        room = self._most - len(self._hands) if self.is_busy() else self._most
        if room <= 0:
            return
        with transaction(read_only=True):
            wanted = lanes.ready(limit=room)
        application = current_app._get_current_object()  # type: ignore[attr-defined]
        for _ in range(wanted):
            hand = threading.Thread(target=self._work, args=(application,), daemon=True)
            self._hands.append(hand)
            hand.start()

    def join(self) -> None:
        """Wait for the hands to finish what they hold."""
        for hand in self._hands:
            hand.join()

    def _work(self, application: Flask) -> None:
        with application.app_context():
            try:
                while not (stopping.is_set() or self.is_late()):
                    kept = take_turn()
                    if kept is None:
                        return
                    with self._lock:
                        self.kept += kept
            except Exception:
                log.exception("outbox: a hand failed")


def take_turn() -> int | None:
    """Work in the lane whose turn it is, for its time or until its server fails; None if there is none."""
    with transaction():
        held = lanes.take()
    if held is None:
        return None
    weather, kept, failed, begun = _Weather(), 0, False, False
    end = time.monotonic() + TURN_SECONDS
    while not (stopping.is_set() or failed or time.monotonic() > end):
        with transaction():
            claimed = outbox.claim_next(lane=held.lane) if lanes.prolong(held) else None
        if claimed is None:
            break
        begun = True
        began = time.monotonic()
        if _keep(claimed, weather):
            kept += 1
        else:
            slow = time.monotonic() - began > SLOW_SECONDS
            failed = bool(weather.paused) or (slow and bool(weather.failed))
    _settle(partial(lanes.give_back, held, failed=failed, works=kept > 0))
    return kept if begun else None


def _keep(claimed: outbox.Claimed, weather: _Weather, *, hurried: bool = False) -> bool:
    effect = outbox.EFFECTS.get(claimed.kind)
    kept: outbox.Payload | None = None
    hurried = hurried and claimed.kind not in outbox.PATIENT
    seconds = outbox.HURRIED_SECONDS if hurried else outbox.ACT_SECONDS
    try:
        with time_limit(seconds, TookTooLong(f"took more than {seconds} s")):
            if effect is not None:
                _take_effect(effect, claimed)
            else:
                kept = _act(claimed)
    except Exception as error:  # noqa: BLE001 - whatever a handler raises is the row's failure
        if hurried and isinstance(error, TookTooLong):
            log.warning("outbox: aside", extra={"outbox_uid": str(claimed.uid), "kind": claimed.kind})
            _settle(partial(outbox.set_aside, claimed, str(error)))
        else:
            _failed(claimed, error, weather)
        return False
    if kept is not None:
        _settle(partial(outbox.finish, claimed, kept))
    weather.failed.pop(claimed.kind, None)
    log.info("outbox: kept", extra={"outbox_uid": str(claimed.uid), "kind": claimed.kind})
    return True


def _act(claimed: outbox.Claimed) -> outbox.Payload:
    with transaction(read_only=True):
        act = outbox.HANDLERS[claimed.kind](claimed)
    return act()


def _take_effect(effect: outbox.Effect, claimed: outbox.Claimed) -> None:
    with transaction():
        if outbox.finish(claimed, {}):  # else the lease was lost, and another has done it or will
            effect(claimed)


def _failed(claimed: outbox.Claimed, error: Exception, weather: _Weather) -> None:
    _settle(partial(outbox.fail, claimed, error))
    if isinstance(error, outbox.WrongLane):
        return
    foreseen = isinstance(error, outbox.Unreachable | outbox.NotNow | outbox.Hopeless)
    log.warning(
        "outbox: failed",
        extra={
            "outbox_uid": str(claimed.uid),
            "kind": claimed.kind,
            "reason": f"{type(error).__name__}: {error}",
        },
        exc_info=None if foreseen else error,
    )
    if isinstance(error, outbox.Unreachable):
        weather.paused.add(claimed.kind)
    elif isinstance(error, TookTooLong) or perhaps_the_servers(error):
        failed = weather.failed.setdefault(claimed.kind, [])
        failed.append((claimed, error))
        if len(failed) >= REFUSALS_IN_A_ROW:
            refused = [row for row, why in failed if not isinstance(why, TookTooLong)]
            if refused:
                _settle(partial(outbox.excuse, refused))
            weather.paused.add(claimed.kind)


def _settle(write: Callable[[], object]) -> None:
    """Write an outcome down, through a restart of the database too: what is not written is done again."""
    for wait in (*SETTLE_WAITS, None):
        try:
            with transaction():
                write()
        except Exception:
            if wait is None:
                raise
            log.warning("outbox: outcome not written yet", exc_info=True)
            time.sleep(wait)
        else:
            return


def run_due_jobs() -> None:
    """Run the periodic jobs that are due, each in a transaction of its own."""
    with transaction(read_only=True):
        due = jobs.due()
    for job in due:
        if stopping.is_set():
            return
        with transaction():
            begun = jobs.claim(job)
        if begun:
            run_job(job)


def run_job(job: jobs.Job) -> int:
    """Run one job now and write down how it ended; returns how many rows it changed."""
    changed = 0
    failed: Exception | None = None
    for part in job.parts:  # what one of them cannot do keeps no other from its own
        try:
            with transaction():
                changed += part()
        except Exception as error:
            log.exception("job failed", extra={"job": job.name})
            failed = failed or error
    with transaction():
        jobs.finished(job, changed=changed, error=failed)
    log.info("job done", extra={"job": job.name, "changed": changed})
    return changed


@contextmanager
def time_limit(seconds: float, error: Exception) -> Iterator[None]:
    """Raise error inside the block once the time is over; only a main thread can be interrupted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def expire(_signal: int, _frame: FrameType | None) -> None:
        raise error

    began = time.monotonic()
    before = signal.signal(signal.SIGALRM, expire)
    left, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:  # RQ's own limit for the whole job goes on
            signal.setitimer(signal.ITIMER_REAL, max(0.1, left - (time.monotonic() - began)))
