"""Processes of one instance: what is gone is gone in each (I09, E05, E06, G04); no quota is passed (M07)."""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import pytest

from tests.flows.test_client_v1 import PASSWORD, founded
from tests.support.calls import Caller
from tests.support.live import ROOT, LiveInstance, free_port
from tests.support.load import Caller as Connection
from tests.support.seeding import seed

pytestmark = pytest.mark.live

FOUND = """
from tests.support.members import join, plan
plan(world, slug=given["slug"])
told = join(world, given["sam"], "manager", slug=given["slug"])
"""


@pytest.fixture
def both(live: LiveInstance) -> Iterator[tuple[Caller, Caller]]:
    """Give callers of two web processes of one instance, the second started for this."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with (live.folder / "log" / "second.log").open("ab") as log, ExitStack() as after:
        second = subprocess.Popen(
            [sys.executable, "-m", "sandbox.web", str(port)],
            cwd=ROOT,
            env=live.full_environment(MALLOC_ARENA_MAX="2"),
            stdout=log,
            stderr=log,
        )
        after.callback(second.wait, 20)
        after.callback(second.terminate)
        deadline = time.monotonic() + 60
        while Connection(url)("GET", "/health-check").status != 204:
            assert time.monotonic() < deadline, "the second process does not answer"
            time.sleep(0.05)
        first, other = (after.enter_context(Caller(address)) for address in (live.url, url))
        yield first, other


@pytest.mark.once  # no process remembers what a database says
def test_i09_what_is_taken_away_in_one_process_is_gone_in_the_other(
    live: LiveInstance, both: tuple[Caller, Caller]
) -> None:
    slug = f"both-{uuid4().hex[:8]}"
    sam = f"sam@{slug}.example"
    owner = signed_in(both[0], founded(both[0], slug), slug)
    member = str(seed(live, FOUND, slug=slug, sam=sam))
    shown, own = signed_in(both[0], sam, slug), services_token(both[0], sam)
    profile = both[0].good("api_v1.profiles.create", bearer=owner, name="Auditors", permissions=[38])["data"]
    wanted = {"name": "A script", "scopes": ["read"]}
    script = both[0].good("services_v1.api_tokens.create", bearer=own, **wanted)["data"]

    def change(**fields: Any) -> None:
        both[0].good("api_v1.users.update", bearer=owner, id=member, **fields)

    def statuses(endpoint_id: str, bearer: str) -> list[int]:
        return [caller.call(endpoint_id, bearer=bearer).status_code for caller in both]

    people = "api_v1.users.list"
    for _ in range(2):  # what a process remembers of the first time does not count the second time
        assert statuses(people, shown) == [200, 200]
        change(role="viewer")
        refused = [caller.call("api_v1.users.create", bearer=shown) for caller in both]
        assert {answer.status_code for answer in refused} == {403}
        change(role="manager")
        assert [caller.call("api_v1.users.create", bearer=shown).status_code for caller in both] == [400, 400]
    change(profileId=profile["id"])
    assert "audit.view" in rights(both[1], shown)
    both[0].good("api_v1.profiles.update", bearer=owner, id=profile["id"], permissions=[1])
    assert "audit.view" not in rights(both[1], shown)
    assert "audit.view" not in rights(both[0], shown)
    assert statuses("services_v1.user.get", script["token"]) == [200, 200]
    both[1].good("services_v1.api_tokens.revoke", bearer=own, token_id=script["uid"])
    assert statuses("services_v1.user.get", script["token"]) == [401, 401]
    both[1].good("api_v1.users.deactivate", bearer=owner, id=member)
    assert statuses(people, shown) == [401, 401]


def signed_in(caller: Caller, email: str, slug: str) -> str:
    who = {"email": email, "password": PASSWORD, "tenantSlug": slug}
    return str(caller.good("api_v1.auth.login", **who)["data"]["accessToken"])


def services_token(caller: Caller, email: str) -> str:
    step = caller.good("services_v1.auth.login", email=email, password=PASSWORD)["data"]
    how = {"login_token": step["login_token"], "carrier": "bearer"}
    return str(caller.good("services_v1.auth.authenticate", **how)["data"]["access_token"])


def rights(caller: Caller, bearer: str) -> list[str]:
    return list(caller.good("api_v1.permissions.me", bearer=bearer)["data"]["permissions"])


# ---- M07

WRITERS, AT_ONCE, ROOM = 2, 25, 3
SIZE = 1000

NEARLY_FULL = """
import sqlalchemy as sa
from app.domains.tenants.models import Tenant
from tests.support.members import plan
from app.core.db import db
from app.core.environments import Environment
from app.domains.billing.queries import limit_of
from app.domains.storage.files import MEGABYTE
from app.domains.storage.models import StoredFile
from app.surfaces.shared.transaction import transaction
plan(world, "dev", given["slug"])
with world.app.app_context(), transaction():
    tenant_id = db.session.scalars(sa.select(Tenant.id).where(Tenant.slug == given["slug"])).one()
    most = limit_of(tenant_id, "local_storage_mb") * MEGABYTE
    lies = {"tenant_id": tenant_id, "environment": Environment.PROD, "key": f"kept/{given['slug']}"}
    db.session.add(StoredFile(**lies, size=most - given["room"] * given["size"]))
told = {"tenant_id": tenant_id, "most": most}
"""
UPLOAD = """
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from app.core.errors import Unavailable
from app.core.environments import Environment
from app.domains.storage import files
from app.surfaces.shared.transaction import transaction
start = threading.Barrier(given["at_once"])

content = bytes(given["size"])

def upload(number):
    start.wait(30)
    with world.app.app_context():
        written = None
        while written is None:
            try:
                written = files.write(given["tenant_id"], Environment.PROD, content=content, ending="bin")
            except Unavailable:  # an organization has so many turns at once
                time.sleep(0.02)
        try:
            with transaction():
                files.keep(written)
        except files.StorageFull:
            return "full"
        return "kept"

with ThreadPoolExecutor(given["at_once"]) as pool:
    said = list(pool.map(upload, range(given["at_once"])))
with world.app.app_context():
    told = {"said": said, "used": files.local_bytes(given["tenant_id"])}
"""


def test_m07_many_uploads_at_once_never_pass_the_plan(live: LiveInstance) -> None:
    slug = f"full-{uuid4().hex[:8]}"
    with Caller(live.url) as caller:
        founded(caller, slug)
    there = seed(live, NEARLY_FULL, slug=slug, room=ROOM, size=SIZE)
    given = {"tenant_id": there["tenant_id"], "size": SIZE, "at_once": AT_ONCE}
    with ThreadPoolExecutor(WRITERS) as pool:
        told = list(pool.map(lambda _: seed(live, UPLOAD, **given), range(WRITERS)))
    said = sorted(word for one in told for word in one["said"])
    assert said == ["full"] * (WRITERS * AT_ONCE - ROOM) + ["kept"] * ROOM
    assert max(one["used"] for one in told) == there["most"]
