"""An organization's own storage: tried by a real write and read, sealed, for each environment apart."""

import json
import logging
import socket
import threading
from collections.abc import Iterator
from typing import Any

import boto3
import httpx
import pytest
import sqlalchemy as sa
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from werkzeug.test import TestResponse

from app.core import object_stores
from app.core import storage as core_storage
from app.core.db import db
from app.core.environments import Environment
from app.core.storage import StoreFailed
from app.domains.settings.models import SettingValue
from app.domains.storage import files, jobs, operations
from app.domains.storage.models import StoragePlace, StoredFile
from app.surfaces.shared.transaction import transaction
from tests.support.azure import CONTAINER, AzureStandIn, azure_stand_in
from tests.support.world import World

BUCKET = "acme-corp-files"
SECRET = "a-secret-key-that-is-right"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """Give an S3 with a bucket; returns its address."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    httpx.post(f"{address}/moto-api/reset")  # one state for all the servers of a process
    keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "eu-central-1"}
    client = boto3.client("s3", endpoint_url=address, **keys)
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    yield address
    server.stop()


@pytest.fixture(scope="module")
def azure() -> Iterator[AzureStandIn]:
    with azure_stand_in() as standing:
        yield standing


@pytest.fixture
def token(world: World) -> str:
    world.organization(world.person())
    return world.scoped_token()


def allow(world: World, *hosts: str) -> None:
    """List hosts as the operator does."""
    with world.app.app_context(), transaction():
        db.session.add(SettingValue(key="storage.allowed_endpoints", value=list(hosts)))


def wanted(address: str, **changes: Any) -> dict[str, Any]:
    body = {
        "provider": "S3",
        "bucket": BUCKET,
        "region": "eu-central-1",
        "aws_access_key_id": "AKIDEXAMPLE",
        "aws_secret_access_key": SECRET,
        "endpoint_url": address,
    }
    return {name: value for name, value in {**body, **changes}.items() if value is not None}


def put(world: World, token: str, body: dict[str, Any]) -> TestResponse:
    return world.call("platform_api.storage.update", token=token, json=body)


def host_of(address: str) -> str:
    return address.removeprefix("http://")


def objects(address: str) -> list[str]:
    keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "eu-central-1"}
    found = boto3.client("s3", endpoint_url=address, **keys).list_objects_v2(Bucket=BUCKET)
    return [one["Key"] for one in found.get("Contents", [])]


def test_at_first_files_lie_with_the_instance(world: World, token: str) -> None:
    shown = world.done("platform_api.storage.get", token=token)
    assert shown == {"provider": "LOCAL", "bucket": None, "region": None, "credentials_set": False}


def test_own_storage_is_tried_kept_and_never_shows_its_keys(world: World, token: str, s3: str) -> None:
    allow(world, host_of(s3))
    answer = put(world, token, wanted(s3))
    shown = {"provider": "S3", "bucket": BUCKET, "region": "eu-central-1", "credentials_set": True}
    assert answer.get_json() == {**shown, "endpoint_url": s3}
    assert world.done("platform_api.storage.get", token=token) == answer.get_json()
    assert objects(s3) == []  # no probe is left
    with world.app.app_context():
        row = db.session.scalars(sa.select(StoragePlace)).one()
        assert SECRET not in row.credentials.text
    trail = " ".join(json.dumps(row.changes) for row in world.trail())
    assert SECRET not in trail
    assert "AKIDEXAMPLE" not in trail


def test_each_environment_has_its_own(world: World, token: str, s3: str) -> None:
    allow(world, host_of(s3))
    put(world, token, wanted(s3))
    switched = world.done("platform_api.auth.switch_environment", token=token, json={"environment": "dev"})
    shown = world.done("platform_api.storage.get", token=switched["access_token"])
    assert shown["provider"] == "LOCAL"


def test_azure_takes_its_place_and_the_keys_before_it_go(
    world: World, token: str, s3: str, azure: AzureStandIn
) -> None:
    allow(world, host_of(s3), azure.host)
    put(world, token, wanted(s3))
    body = {
        "provider": "AZURE",
        "azure_connection_string": azure.connection_string(),
        "container_name": CONTAINER,
    }
    answer = put(world, token, body)
    assert answer.get_json() == {"provider": "AZURE", "container_name": CONTAINER, "credentials_set": True}
    assert azure.blobs == {}
    back = put(world, token, {"provider": "LOCAL"})
    assert back.get_json()["credentials_set"] is False
    with world.app.app_context(), transaction():
        rows = db.session.scalars(sa.select(StoragePlace)).all()
        assert [row.replaced_at is None for row in rows] == [False, False]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"bucket": "another-bucket"}, "no_such_bucket"),
        ({"endpoint_url": "http://127.0.0.1:9"}, "unreachable"),
    ],
)
def test_what_does_not_work_is_not_kept_and_says_why_in_a_word(
    world: World, token: str, s3: str, changes: dict[str, Any], why: str
) -> None:
    allow(world, host_of(s3), "127.0.0.1:9")
    put(world, token, wanted(s3))
    answer = put(world, token, wanted(s3, **changes))
    assert (answer.status_code, answer.get_json()["code"]) == (400, "storage:connection_failed")
    assert answer.get_json()["detail"].endswith(f": {why}.")
    assert world.done("platform_api.storage.get", token=token)["bucket"] == BUCKET
    last = world.trail()[-1]
    assert (str(last.kind), last.changes["reason"]) == ("storage.check_failed", why)


def test_a_wrong_key_is_refused_by_azure_and_told(world: World, token: str, azure: AzureStandIn) -> None:
    allow(world, azure.host)
    body = {"provider": "AZURE", "container_name": CONTAINER}
    answer = put(world, token, {**body, "azure_connection_string": azure.connection_string("d3Jvbmc=")})
    assert answer.get_json()["detail"].endswith(": access_denied.")
    good = {**body, "container_name": "nobodys", "azure_connection_string": azure.connection_string()}
    assert put(world, token, good).get_json()["detail"].endswith(": no_such_bucket.")


def test_a_silent_host_is_given_up_in_time(world: World, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "CHECK_SECONDS", 0.3)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        allow(world, host_of(address))
        answer = put(world, token, wanted(address))
    assert answer.get_json()["detail"].endswith(": timeout.")


HOSTS = (
    "http://127.0.0.1:6379",
    "https://169.254.169.254",
    "http://localhost:80",
    "https://[::1]:443",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379",
    "http://2130706433:80",
    "https://s3.amazonaws.com.evil.example",
    "https://allowed.example:444",
    "https://allowed.example@evil.example",
)


@pytest.mark.parametrize("address", HOSTS)
def test_l09_no_host_is_called_that_the_operator_has_not_listed(
    world: World, token: str, address: str
) -> None:
    allow(world, "allowed.example:443")
    called = threading.Event()
    answer = put(world, token, wanted(address))
    assert answer.status_code in (400, 422)
    assert answer.get_json()["code"] in ("storage:endpoint_not_allowed", "validation")
    blob = f"AccountName=portico;AccountKey=a2V5;BlobEndpoint={address}"
    body = {"provider": "AZURE", "azure_connection_string": blob, "container_name": CONTAINER}
    assert put(world, token, body).get_json()["code"] in ("storage:endpoint_not_allowed", "validation")
    assert not called.is_set()


@pytest.mark.parametrize(
    "text",
    [
        "AccountName=portico;AccountKey=a2V5;EndpointSuffix=evil.example",
        "UseDevelopmentStorage=true",
        "nonsense",
    ],
)
def test_l09_a_connection_string_names_no_other_cloud(world: World, token: str, text: str) -> None:
    body = {"provider": "AZURE", "azure_connection_string": text, "container_name": CONTAINER}
    assert put(world, token, body).get_json()["code"] in ("storage:endpoint_not_allowed", "validation")


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ({"provider": "S3"}, "bucket"),
        (wanted("https://x.example", region=None), "region"),
        (wanted("https://x.example", bucket="../etc"), "bucket"),
        (wanted("", endpoint_url=None, region="evil.example/x"), "region"),
        ({**wanted("https://x.example"), "container_name": "x"}, "container_name"),
        ({"provider": "LOCAL", "bucket": "x"}, "bucket"),
        ({"provider": "AZURE"}, "container_name"),
        ({"provider": "FTP"}, "provider"),
    ],
)
def test_fields_of_another_provider_and_missing_ones_are_named(
    world: World, token: str, body: dict[str, Any], at: str
) -> None:
    answer = put(world, token, body)
    assert answer.status_code == 422
    assert ["body", at] in [one["loc"] for one in answer.get_json()["detail"]]


def test_who_may_not_manage_storage_reads_it_and_changes_nothing(world: World, token: str) -> None:
    with world.app.app_context(), transaction():
        db.session.execute(sa.text("UPDATE memberships SET role = 'manager'"))
    assert world.done("platform_api.storage.get", token=token)["provider"] == "LOCAL"
    answer = put(world, token, {"provider": "LOCAL"})
    assert (answer.status_code, answer.get_json()["code"]) == (403, "auth:permission_denied")


# ---- files


def tenant_of(world: World) -> int:
    with world.app.app_context():
        return int(db.session.scalar(sa.text("SELECT id FROM tenants")) or 0)


def test_files_go_where_the_organization_says_and_older_ones_stay_readable(
    world: World, token: str, s3: str
) -> None:
    tenant_id = tenant_of(world)
    allow(world, host_of(s3))
    put(world, token, wanted(s3))
    with world.app.app_context(), transaction():
        first = files.keep(files.write(tenant_id, Environment.PROD, content=b"in S3", ending="txt"))
        first_id, key = first.id, first.key
    assert [name for name in objects(s3) if name.endswith(key)]
    put(world, token, {"provider": "LOCAL"})
    with world.app.app_context(), transaction():
        files.keep(files.write(tenant_id, Environment.PROD, content=b"here", ending="txt"))
        assert files.content(db.session.get_one(StoredFile, first_id)) == b"in S3"
        assert files.local_bytes(tenant_id) == len(b"here")
    with world.app.app_context(), transaction():
        files.discard(db.session.get_one(StoredFile, first_id))
    world.keep_promises()
    assert objects(s3) == []


def test_the_plans_room_is_never_passed(world: World, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant_id = tenant_of(world)
    monkeypatch.setattr(files, "limit_of", lambda *_: 1)
    with world.app.app_context():
        before = {stored.key for stored in core_storage.store().listed(files.FOLDER)}
    with world.app.app_context(), transaction():
        files.keep(files.write(tenant_id, Environment.PROD, content=b"x" * files.MEGABYTE, ending="bin"))
    with pytest.raises(files.StorageFull), world.app.app_context(), transaction():
        files.keep(files.write(tenant_id, Environment.DEV, content=b"y", ending="bin"))
    with world.app.app_context():
        lies_there = {stored.key for stored in core_storage.store().listed(files.FOLDER)}
        kept = set(db.session.scalars(sa.select(StoredFile.key)))
    assert lies_there - before == kept, "what had no room does not fill the disk"


@pytest.mark.parametrize("kind", ["S3", "AZURE"])
def test_what_somebody_put_in_our_files_place_is_not_read_whole(
    world: World, token: str, s3: str, azure: AzureStandIn, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    tenant_id = tenant_of(world)
    allow(world, host_of(s3), azure.host)
    by_azure = {
        "provider": "AZURE",
        "azure_connection_string": azure.connection_string(),
        "container_name": CONTAINER,
    }
    assert put(world, token, wanted(s3) if kind == "S3" else by_azure).status_code == 200
    with world.app.app_context(), transaction():
        kept = files.keep(files.write(tenant_id, Environment.PROD, content=b"x" * 1001, ending="txt"))
        assert files.content(kept) == b"x" * 1001
        monkeypatch.setattr(object_stores, "MOST_BYTES", 1000)
        with pytest.raises(StoreFailed):
            files.content(kept)


def test_nothing_of_the_machines_own_settings_leads_a_call_elsewhere(
    world: World, token: str, s3: str, azure: AzureStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(world, host_of(s3), azure.host)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert put(world, token, wanted(s3)).status_code == 200
    by_azure = {"provider": "AZURE", "azure_connection_string": azure.connection_string()}
    answer = put(world, token, {**by_azure, "container_name": CONTAINER})
    assert answer.status_code == 200, answer.text


def test_a_replaced_place_is_forgotten_once_nothing_lies_there(
    world: World, token: str, s3: str, move_clock: Any
) -> None:
    allow(world, host_of(s3))
    put(world, token, wanted(s3))
    put(world, token, {"provider": "LOCAL"})
    move_clock(25 * 3600)
    with world.app.app_context(), transaction():
        assert jobs.forget_places() == 1
        assert jobs.sweep_files() == 0
