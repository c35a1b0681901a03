"""The keys that sign and seal, changed while people work: good tokens stay good, what is sealed opens."""

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import Tell
from tests.support.live import ROOT, LiveInstance, free_port
from tests.support.load import Answer, Arrivals, Caller, Ledger, register
from tests.support.postgresql import Postgresql, fresh_database
from tests.support.seeding import seed
from tests.support.world import PASSWORD

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

TOKEN_SECONDS = 30 * 60
OWNER, SLUG = "owner@keys.example", "keys"

FOUND = """
from tests.support.members import plan
from tests.support.service import ServiceUser, put, service_user
person = world.person(given["owner"])
world.organization(person, given["slug"])
plan(world, "enterprise", given["slug"])
service = service_user(world, slug=given["slug"])
secret = world.authenticator(person)
told = {"secret": secret, "service": {"headers": dict(service.headers), "token": service.token}}
from app.core.secrets import seal
from app.core.db import db
from app.domains.email.settings_models import TenantMailServer
from app.domains.email import smtp_settings
from app.domains.storage import stores
from app.domains.storage.models import Provider, StoragePlace
from app.domains.tenants.models import Tenant
from app.surfaces.shared.transaction import transaction
import sqlalchemy as sa
with world.app.app_context(), transaction():
    tenant_id = db.session.scalar(sa.select(Tenant.id).where(Tenant.slug == given["slug"]))
    password = seal("sealed before", smtp_settings._context(tenant_id))
    db.session.add(TenantMailServer(tenant_id=tenant_id, host="mail.example", port=587, security="starttls",
        username="kim", password=password))
    keys = {"access_key_id": "A", "secret_access_key": "sealed before as well"}
    credentials = seal(json.dumps(keys), stores.seal_context(tenant_id))
    db.session.add(StoragePlace(tenant_id=tenant_id, environment="prod", provider=Provider.S3,
        bucket="theirs", region="eu-central-1", credentials=credentials))
"""
OPEN = """
from app.core.db import db
from app.domains.email.settings_models import TenantMailServer
from app.domains.email.smtp_settings import server_of
from app.core.secrets import unseal
from app.domains.storage import stores
from app.domains.storage.models import StoragePlace
import sqlalchemy as sa
with world.app.app_context():
    password = server_of(db.session.scalars(sa.select(TenantMailServer)).one()).password
    place = db.session.scalars(sa.select(StoragePlace)).one()
    keys = json.loads(unseal(place.credentials, stores.seal_context(place.tenant_id)))
    told = [password, keys["secret_access_key"]]
"""


def key(name: str) -> str:
    return f"{name}:{base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip('=')}"


@dataclass
class Rolling:
    """A web server and a worker that are replaced by others with other keys, while they are asked."""

    instance: LiveInstance
    keys: dict[str, str] = field(default_factory=dict)
    urls: list[str] = field(default_factory=list)
    _running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        with (self.instance.folder / "log" / "rolling.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=ROOT,
                env={**self.instance.full_environment(MALLOC_ARENA_MAX="2"), **self.keys},
                stdout=log,
                stderr=log,
            )

    def web(self) -> tuple[str, subprocess.Popen[bytes]]:
        port = free_port()
        process = self.start("sandbox.web", str(port))
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 60
        while Caller(url)("GET", "/health-check").status != 204:
            assert time.monotonic() < deadline, "no answer"
            time.sleep(0.1)
        return url, process

    def roll(self, **keys: str) -> None:
        """Put other keys in force: a fresh server answers before the old one ends; the worker follows."""
        self.keys = keys
        url, process = self.web()
        before, self._running = self._running, [process, self.start("flask", "worker")]
        self.urls.append(url)
        time.sleep(1)  # both answer
        if before:
            self.urls.pop(0)
            time.sleep(0.5)  # whoever asked the old one has their answer
        for old in before:
            self.end(old)

    def end(self, process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGTERM)
        process.wait(30)

    def stop(self) -> None:
        for process in self._running:
            self.end(process)


@pytest.fixture
def rolling(own_postgresql: Postgresql, tmp_path: Path) -> Iterator[Rolling]:
    """Give an instance whose own servers rest, so that those with other keys do all the work."""
    url = fresh_database(own_postgresql.url(), "portico_keys")
    own_instance = LiveInstance(tmp_path / "own", database_url=url).start()
    own_instance.flask("settings", "set", "limits.per_ip_factor", "1000")
    own_instance.flask("settings", "set", "limits.requests_per_minute", "100000")
    for name in ("web", "worker"):
        os.kill(own_instance.pids[name], signal.SIGSTOP)
    made = Rolling(own_instance)
    with ExitStack() as after:
        for name in ("web", "worker"):
            after.callback(os.kill, own_instance.pids[name], signal.SIGCONT)
        after.callback(made.stop)
        yield made
    own_instance.stop()


def shown_by(rolling: Rolling, there: Mapping[str, Any]) -> list[tuple[str, Mapping[str, str]]]:
    """Sign in in three ways and return what to call and what to show: a JWT, a service token, a cookie."""
    call = Caller(rolling.urls[0])
    who = {"email": OWNER, "password": PASSWORD}

    def code() -> str:
        rolling.instance.move_clock(60)
        return rolling.instance.totp(there["secret"])

    signed = call("POST", "/platform/api/global/auth/login", {**who, "two_factor_code": code()})
    assert signed.status == 200, signed.body
    step = call("POST", "/v0/auth/login", {**who, "session_mode": "cookie"})
    assert step.status in (200, 202), step.body
    proven = call(
        "POST", "/v0/auth/totp/verify", {"temp_token": json.loads(step.body)["temp_token"], "code": code()}
    )
    assert proven.status == 204, proven.body
    cookie = proven.headers["set-cookie"].partition(";")[0]
    jwt = {"Authorization": f"Bearer {json.loads(signed.body)['access_token']}"}
    service = {**there["service"]["headers"], "Authorization": f"Bearer {there['service']['token']}"}
    return [
        ("/platform/api/global/auth/me", jwt),
        ("/v0/user/me", {"Cookie": cookie}),
        ("/v1/client", service),
    ]


def ask_all_the_time(
    rolling: Rolling, shown: list[tuple[str, Mapping[str, str]]]
) -> tuple[Counter[tuple[str, int]], threading.Event, threading.Thread]:
    """Show every credential to one server after the other until told to stop; count the answers."""
    answers: Counter[tuple[str, int]] = Counter()
    stop = threading.Event()

    def work() -> None:
        for number, (path, headers) in enumerate(cycle(shown)):
            if stop.is_set():
                return
            url = rolling.urls[number // len(shown) % len(rolling.urls)]
            answers[path, Caller(url)("GET", path, headers=headers).status] += 1
            time.sleep(0.01)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return answers, stop, thread


def asked(rolling: Rolling, shown: tuple[str, Mapping[str, str]]) -> list[Answer]:
    return [Caller(url)("GET", shown[0], headers=shown[1]) for url in rolling.urls]


def test_t37_keys_changed_under_load(rolling: Rolling, tell: Tell) -> None:
    instance = rolling.instance
    old = {name: instance.settings[name] for name in ("SIGNING_KEYS", "SEALING_KEYS")}
    new = {name: key("k2") for name in old}
    there = seed(instance, FOUND, owner=OWNER, slug=SLUG)
    rolling.roll(**old)
    shown = shown_by(rolling, there)
    answers, stop, thread = ask_all_the_time(rolling, shown)
    rolling.roll(**{name: f"{old[name]},{new[name]}" for name in old})  # known first, used by nobody yet
    rolling.roll(**{name: f"{new[name]},{old[name]}" for name in old})
    newer = shown_by(rolling, there)
    time.sleep(2)
    stop.set()
    thread.join(30)
    assert {status for _, status in answers} == {200}, answers
    sealed = Ledger().address(1)
    assert register(Caller(rolling.urls[0]), sealed).status == 201
    Arrivals(instance.folder / "mail").wait_for([sealed], 20)
    instance.move_clock(TOKEN_SECONDS + 1)
    seal = {"SEALING_KEYS": f"{new['SEALING_KEYS']},{old['SEALING_KEYS']}"}
    rolling.roll(SIGNING_KEYS=new["SIGNING_KEYS"], **seal)
    assert rolling.start("flask", "secrets", "reseal").wait(60) == 0  # while all work
    rolling.roll(SIGNING_KEYS=new["SIGNING_KEYS"], SEALING_KEYS=new["SEALING_KEYS"])
    kept = instance.folder / "instance.env"
    kept.write_text(kept.read_text().replace(old["SEALING_KEYS"], new["SEALING_KEYS"]))
    last = shown_by(rolling, there)  # the authenticator's secret had been sealed with the old key
    assert seed(instance, OPEN) == ["sealed before", "sealed before as well"]
    for one in (newer[1], *last[:2]):  # a service user's token is over after half an hour as well
        assert {answer.status for answer in asked(rolling, one)} == {200}, one[0]
    assert {answer.status for answer in asked(rolling, shown[0])} == {401}, (
        "its key is gone, and its time over"
    )
    tell(f"{answers.total()} calls over two rolling restarts, all 200; what was sealed before opens")


def test_t37_nothing_starts_without_its_keys(tmp_path: Path) -> None:
    given = {"APP_ENV": "test", "SECRET_KEY": "s" * 40, "SIGNING_KEYS": key("k1"), "SEALING_KEYS": key("k1")}
    instance = LiveInstance(tmp_path)
    for program in (["-c", "import wsgi"], ["-m", "flask", "worker"]):
        for name in ("SIGNING_KEYS", "SEALING_KEYS", "SECRET_KEY"):
            kept = {**given, name: ""}
            done = subprocess.run(
                [sys.executable, *program],
                cwd=ROOT,
                env=instance.full_environment(**kept),
                check=False,
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert done.returncode != 0
            assert name in done.stderr
