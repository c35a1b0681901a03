"""An organization's mail server that hangs: it slows its own mail, and nobody else's."""

import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pytest

from tests.faults.conftest import Tell
from tests.support.live import ROOT, LiveInstance
from tests.support.load import Caller, Ledger, register

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

SERVERS, EACH, MEASURED = 5, 400, 20
TRY = 30
"""Seconds that one try may take."""
PROMISE = """
from app.core import clock
from app.core.db import db
from app.domains.email.mails import sender_domain_status
from app.domains.email.settings_models import TenantMailServer
from app.domains.tenants.models import Tenant
from app.surfaces.shared.transaction import transaction
from wsgi import app
with app.app_context(), transaction():
    for number in range({servers}):
        tenant = Tenant(name="T", slug="tarpit-%d" % number)
        db.session.add(tenant)
        db.session.flush()
        db.session.add(TenantMailServer(tenant_id=tenant.id, host="127.0.0.1", port={port}, security="none",
            test_ok=True, tested_at=clock.now()))
        db.session.flush()
        for one in range({each}):
            sender_domain_status("kim%d@tarpit.example" % one, first_name="Kim", tenant_name="T",
                tenant_id=tenant.id, domain="a.example", status="ok", link="http://localhost/")
"""


@dataclass
class Tarpit:
    """A server that takes connections and never says a word; it notes how long each was held."""

    listening: socket.socket
    held: list[float] = field(default_factory=list)
    tries: int = 0

    @property
    def port(self) -> int:
        return int(self.listening.getsockname()[1])

    def serve(self) -> None:
        with suppress(OSError):  # it is closed
            while True:
                connection, _ = self.listening.accept()
                self.tries += 1
                threading.Thread(target=self.hold, args=(connection,), daemon=True).start()

    def hold(self, connection: socket.socket) -> None:
        began = time.monotonic()
        with connection, suppress(OSError):
            while connection.recv(1000):
                pass
        self.held.append(time.monotonic() - began)


@contextmanager
def tarpit() -> Iterator[Tarpit]:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        made = Tarpit(listening)
        threading.Thread(target=made.serve, daemon=True).start()
        yield made
        listening.shutdown(socket.SHUT_RDWR)


def waits(instance: LiveInstance, ledger: Ledger, first: int) -> list[float]:
    """Return the seconds from each of some sign-ups to its mail."""
    call, found = Caller(instance.url), []
    for number in range(first, first + MEASURED):
        began = time.monotonic()
        register(call, ledger.address(number))
        instance.mail.wait_for(ledger.address(number), seconds=60)
        found.append(time.monotonic() - began)
        time.sleep(0.3)
    return found


def test_t20_l11_servers_that_never_answer_slow_nobody_else(victim: LiveInstance, tell: Tell) -> None:
    ledger = Ledger()
    before = waits(victim, ledger, 0)
    with tarpit() as silent:
        promise = PROMISE.format(servers=SERVERS, each=EACH, port=silent.port)
        subprocess.run(
            [sys.executable, "-c", promise],
            cwd=ROOT,
            env=victim.full_environment(),
            check=True,
            timeout=120,
        )
        during = waits(victim, ledger, MEASURED)
        deadline = time.monotonic() + 45
        while not silent.held:
            assert time.monotonic() < deadline, "nobody hangs up"
            time.sleep(0.1)
    calm, ill = (statistics.quantiles(found, n=20)[18] for found in (before, during))
    longest = max(silent.held)
    tell(
        f"{SERVERS} servers with {EACH} mails each hang, {silent.tries} tries, {longest:.0f} s at most: "
        f"others' p95 {calm:.2f} s before, {ill:.2f} s then"
    )
    assert longest <= TRY + 1
    assert ill <= max(2 * calm, 2.0)
