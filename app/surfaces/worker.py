"""`flask worker`: wakes when the bell rings, looks for itself every few seconds, works in a child.

The bell is RQ's queue; which rows there are is the outbox's matter alone. So a job that Redis lost, or a
Redis that is away, costs at most the seconds until the next look. The parent never works itself: whatever a
row does to its process, the next one gets a fresh child.

The parent plays two parts, which can be told to start anew each by itself: the queue's worker, and the daemon
that runs periodic jobs and sends what nobody rang for. Either way it ends its child's work first and then
puts a fresh program in its own place, so that whoever started it notices nothing.
"""

import logging
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import FrameType

from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.exceptions import DequeueTimeout, StopRequested
from rq.job import Job

from app.core import jobs, lanes, outbox, redis
from app.core.access import system
from app.core.settings import current_settings
from app.domains.platform import restarts
from app.surfaces.shared import keeping
from app.surfaces.shared.transaction import drop_connections, transaction

log = logging.getLogger(__name__)

HANDS = 4
"""How many organizations' mail servers are written to at once, so that one that hangs holds a quarter."""
LOOK_SECONDS = 5
"""How often the parent looks whether something is due that nobody rang for."""
CHILD_SECONDS = 180
"""After this a child is taken for stuck and killed; what it held is taken again when its lease ends."""
DEATHS_IN_A_ROW = 10
"""So many children may die one after the other before the worker waits for the bell again."""
REDIS_SECONDS = 8
"""How long the worker waits for Redis; above LOOK_SECONDS, which a wait for the bell lasts."""


def deliver() -> None:
    """Keep what is due; the job that RQ runs."""
    redis.heard()
    keeping.drain(HANDS)


class Pulse:
    """Shows the others that this process lives, and learns whether it is told to start anew."""

    KINDS: Sequence[restarts.Kind] = ("workers", "daemons")

    def __init__(self) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self.began_under: Mapping[str, int] | None = None
        self.next_beat = 0.0

    def is_told_to_start_anew(self) -> bool:
        """Say whether a newer generation was asked for; asked once in a while, and never in vain."""
        if time.monotonic() < self.next_beat:
            return False
        self.next_beat = time.monotonic() + LOOK_SECONDS - 1
        try:
            with transaction():
                newest = restarts.show_alive(
                    system("worker"), name=self.name, kinds=self.KINDS, began_under=self.began_under
                )
        except Exception as error:  # noqa: BLE001 - the worker waits for its database as long as it takes
            log.warning("worker: the database does not answer: %s", type(error).__name__)
            return False
        self.began_under = self.began_under or newest
        return newest != self.began_under

    def sign_off(self) -> None:
        """Say that this process is not there any more."""
        with suppress(Exception), transaction():
            restarts.sign_off(system("worker"), name=self.name)


class Aside:
    """The child that tries again what held another up or killed it; nobody waits for it but at the end."""

    def __init__(self) -> None:
        self.pid = 0
        self._late_at = 0.0

    def begin(self, pid: int) -> None:
        """Remember the child, and when it is taken for stuck."""
        self.pid, self._late_at = pid, time.monotonic() + CHILD_SECONDS

    def is_there(self) -> bool:
        """Say whether it still works; one that is stuck is killed."""
        if self.pid and time.monotonic() > self._late_at:
            log.error("worker: killed the child aside")
            self.tell(signal.SIGKILL)
        if self.pid:
            try:
                ended, _ = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                ended = self.pid
            self.pid = 0 if ended else self.pid
        return bool(self.pid)

    def tell(self, sign: int) -> None:
        """Send it a signal."""
        if self.pid:
            with suppress(ProcessLookupError):
                os.kill(self.pid, sign)

    def end(self) -> None:
        """Let it finish what it holds, as long as that may take."""
        self.tell(signal.SIGTERM)
        self._late_at = time.monotonic() + outbox.ACT_SECONDS + 1
        while self.is_there():
            time.sleep(0.05)


class Stop:
    """What a signal does: end soon, but never in the middle of something."""

    def __init__(self) -> None:
        self.pulse = Pulse()
        self.anew = False
        """Whether a fresh program takes this one's place at the end."""
        self.requested = False
        self.child = 0
        self.aside = Aside()
        self.idle = False
        """Whether the worker waits for the bell, so that the wait may be cut short."""

    def __call__(self, _signal: int, _frame: FrameType | None) -> None:
        """Note the wish and pass it on to the child; a second signal changes nothing."""
        self.requested, self.anew = True, False
        self.aside.tell(signal.SIGTERM)
        if self.child:
            with suppress(ProcessLookupError):
                os.kill(self.child, signal.SIGTERM)
        elif self.idle:
            raise StopRequested

    def adopt(self, child: int) -> None:
        """Let the child hear of a signal, one that came while it was being born included."""
        self.child = child
        if self.requested:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM)

    def behave_as_a_child(self) -> None:
        """In the child: finish the row that it holds, and take no other, when it is told to stop."""
        self.aside.pid = 0
        redis.mute()
        _bound_memory()
        keeping.stopping.clear()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda _signal, _frame: keeping.stopping.set())
        if self.requested:  # told so before it could listen
            keeping.stopping.set()


class OutboxWorker(Worker):
    """RQ's worker, with a look at the outbox in its idle moments."""

    def __init__(self, stop: Stop) -> None:
        self.stop = stop
        connection = redis.client(wait=REDIS_SECONDS)
        queue = redis.queue(connection)
        super().__init__([queue], connection=connection, serializer=queue.serializer)

    @property
    def dequeue_timeout(self) -> int:
        """Return how long one wait for the bell lasts."""
        return LOOK_SECONDS

    @property
    def connection_timeout(self) -> int:
        """Return when a silent Redis is taken for away."""
        return REDIS_SECONDS

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[Job, Queue] | None:
        """Wait for the bell, after a look of one's own each time; None when it is time to stop."""
        while not self.stop.requested:
            look(self.stop)
            try:
                self.heartbeat()
                found = self._wait_for_the_bell()
                if found is not None:
                    version = self.get_redis_server_version()  # type: ignore[no-untyped-call]
                    found[0].redis_server_version = version
            except DequeueTimeout:
                continue
            except (RedisError, OSError):
                return None
            return found
        return None

    def _wait_for_the_bell(self) -> tuple[Job, Queue] | None:
        self.stop.idle = True
        try:
            if self.stop.requested:  # the signal came just before
                return None
            found: tuple[Job, Queue] | None = self.queue_class.dequeue_any(
                self._ordered_queues,
                LOOK_SECONDS,
                connection=self.connection,
                job_class=self.job_class,
                serializer=self.serializer,
                death_penalty_class=self.death_penalty_class,
            )
        finally:
            self.stop.idle = False
        return found

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run the job in a child that hears of a wish to stop."""
        try:
            super().execute_job(job, queue)
        finally:
            self.stop.child = 0

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        """Fork with no database connection open."""
        drop_connections()
        super().fork_work_horse(job, queue)
        self.stop.adopt(self.horse_pid)

    def setup_work_horse_signals(self) -> None:
        """Let the child finish its row when it is told to stop."""
        self.stop.behave_as_a_child()

    def register_death(self) -> None:
        """Sign off, unless Redis is away and would only be waited for."""
        if redis.answers():
            super().register_death()  # type: ignore[no-untyped-call]

    def _install_signal_handlers(self) -> None:
        """Leave the signals to ``Stop``, which outlives this object."""

    def subscribe(self) -> None:
        """Take no commands through Redis: whoever can write there must not be able to stop workers."""

    def unsubscribe(self) -> None:
        """Undo nothing."""


def look(stop: Stop) -> None:
    """Let a child work if something is due that nobody rang for, unless it is time to start anew."""
    if stop.pulse.is_told_to_start_anew():
        stop.requested = stop.anew = True
    else:
        if not stop.aside.is_there() and _is_so(lambda: outbox.needs_a_look(outbox.ASIDE_LANE)):
            stop.aside.begin(_fork(keeping.drain_aside, stop))
        for _ in range(DEATHS_IN_A_ROW):
            if not _is_so(lambda: outbox.needs_a_look() or bool(lanes.ready()) or bool(jobs.due())):
                break
            if _in_child(_do_all_that_is_due, stop) or stop.requested:
                break  # else what killed it is held for a while, and what waits behind it need not wait


def _is_so(question: Callable[[], bool]) -> bool:
    try:
        with transaction(read_only=True):
            return question()
    except Exception as error:  # noqa: BLE001 - the worker waits for its database as long as it takes
        log.warning("worker: the database does not answer: %s", type(error).__name__)
        return False


def _bound_memory() -> None:
    """Let one piece of work fail that wants more memory than there may be, rather than the machine."""
    wanted = current_settings().worker_memory_mib * 2**20
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    if wanted and (most == resource.RLIM_INFINITY or wanted < most):
        resource.setrlimit(resource.RLIMIT_DATA, (wanted, most))


def _do_all_that_is_due() -> None:
    keeping.drain(HANDS)
    keeping.run_due_jobs()


def _in_child(work: Callable[[], None], stop: Stop) -> bool:
    """Do some work in a child of its own and wait for it; False if that died or, being stuck, was killed."""
    child = _fork(work, stop)
    stop.adopt(child)
    try:
        with keeping.time_limit(CHILD_SECONDS, keeping.TookTooLong("the child is stuck")):
            _, status = os.waitpid(child, 0)
            return not os.WIFSIGNALED(status)
    except keeping.TookTooLong as error:
        log.error("worker: killed a child: %s", error)  # noqa: TRY400 - its stack says nothing
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return False
    finally:
        stop.child = 0


def _fork(work: Callable[[], None], stop: Stop) -> int:
    drop_connections()
    child = os.fork()
    if child == 0:
        _be_child(work, stop)
    return child


def _be_child(work: Callable[[], None], stop: Stop) -> None:
    code = 1
    try:
        os.setpgrp()
        stop.behave_as_a_child()
        work()
        code = 0
    except Exception:
        log.exception("worker: a child failed")
    finally:
        logging.shutdown()
        os._exit(code)


def run() -> None:
    """Work until told to stop, through any absence of Redis or of the database."""
    logging.getLogger("rq.worker").setLevel(logging.ERROR)  # it would tell of each ring
    stop = Stop()
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    while not stop.requested:
        with suppress(RedisError, OSError):
            OutboxWorker(stop).work(logging_level=None)  # comes back when Redis fails
        if not stop.requested:
            log.warning("worker: Redis does not answer; going on without the bell")
            _work_without_the_bell(stop)
    stop.aside.end()
    stop.pulse.sign_off()
    if stop.anew:
        _start_anew()


def _start_anew() -> None:
    """Put the same command, freshly loaded, in this process's place: nothing is in hand any more."""
    log.info("worker: starting anew")
    drop_connections()
    logging.shutdown()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - our own command line


def _work_without_the_bell(stop: Stop) -> None:
    while True:
        _reap()
        look(stop)
        time.sleep(1)
        if stop.requested or redis.answers():
            return


def _reap() -> None:
    """Take leave of children whose end was missed because Redis failed meanwhile."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
