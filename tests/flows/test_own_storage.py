"""Flow own_storage of platform_api: an organization brings S3 and then Azure, here stand-ins on loopback."""

import logging
from collections.abc import Iterator
from typing import Any

import boto3
import httpx
import pytest
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

from tests.flows.test_platform_api import PASSWORD, newcomer, signed_in
from tests.support.azure import CONTAINER, AzureStandIn, azure_stand_in
from tests.support.calls import Caller
from tests.support.live import LiveInstance

pytestmark = pytest.mark.live

BUCKET, REGION = "acme-corp-files", "eu-central-1"
GET, PUT = "platform_api.storage.get", "platform_api.storage.update"
NOTHING = {"provider": "LOCAL", "bucket": None, "region": None, "credentials_set": False}


@pytest.fixture
def s3() -> Iterator[str]:
    """Give an S3 with a bucket; returns its address."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    where = {"LocationConstraint": REGION}
    httpx.post(f"{address}/moto-api/reset")  # one state for all the servers of a process
    bucket_of(address).create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where)
    yield address
    server.stop()


@pytest.fixture
def azure() -> Iterator[AzureStandIn]:
    with azure_stand_in() as standing:
        yield standing


def bucket_of(address: str) -> Any:
    keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": REGION}
    return boto3.client("s3", endpoint_url=address, **keys)


def test_own_storage(live: LiveInstance, caller: Caller, s3: str, azure: AzureStandIn) -> None:
    """The S3 stand-in knows no wrong key: a bucket that is not there stands for it."""
    email, root = "jane@stored.example", "root@stored.example"
    live.flask("create-admin", root, "--password", PASSWORD)
    newcomer(caller, email)
    g, a = signed_in(caller, email), signed_in(caller, root)
    tenant = caller.good("platform_api.tenants.create", bearer=g, name="Stored", slug="stored")["id"]
    s = caller.good("platform_api.auth.select_tenant", bearer=g, tenant_id=tenant)["access_token"]
    secret = "a-secret-key-that-is-right"
    own = {"provider": "S3", "bucket": BUCKET, "region": REGION, "endpoint_url": s3}
    keys = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": secret}
    assert caller.good(GET, bearer=s) == NOTHING
    caller.refused(PUT, "400 storage:endpoint_not_allowed", bearer=s, **own, **keys)
    hosts = [s3.removeprefix("http://"), azure.host]
    allowed = {"bearer": a, "key": "storage.allowed_endpoints"}
    caller.good("platform_api.admin.update_config", **allowed, value=hosts)
    try:
        nowhere = {**own, **keys, "bucket": "nobodys-bucket"}
        caller.refused(PUT, "400 storage:connection_failed", bearer=s, **nowhere)
        lacking = {name: value for name, value in own.items() if name != "bucket"}
        caller.refused(PUT, "422 validation", bearer=s, **lacking, **keys)
        assert caller.good(GET, bearer=s) == NOTHING
        saved = caller.good(PUT, bearer=s, **own, **keys)
        assert saved == {**own, "credentials_set": True}
        assert caller.good(GET, bearer=s) == saved
        assert "Contents" not in bucket_of(s3).list_objects_v2(Bucket=BUCKET)  # no probe is left
        dev = caller.good("platform_api.auth.switch_environment", bearer=s, environment="dev")
        assert caller.good(GET, bearer=dev["access_token"]) == NOTHING
        there = {"container_name": CONTAINER, "azure_connection_string": azure.connection_string()}
        caller.good(PUT, bearer=s, provider="AZURE", **there)
        shown = caller.good(GET, bearer=s)
        assert (shown["provider"], shown["container_name"]) == ("AZURE", CONTAINER)
        assert (shown.get("bucket"), shown.get("region")) == (None, None)
        assert secret not in str(shown)
        assert caller.good(PUT, bearer=s, provider="LOCAL")["credentials_set"] is False
    finally:
        caller.good("platform_api.admin.update_config", **allowed, value=None)
