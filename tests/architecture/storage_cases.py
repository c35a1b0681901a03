"""For each outcome of choosing a storage: what makes it leave its row."""

import pytest

from app.domains.storage import operations
from tests.architecture.audit_cases import act, leaves
from tests.support.world import World

S3 = {
    "provider": "S3",
    "bucket": "acme-files",
    "region": "eu-central-1",
    "aws_access_key_id": "AKIDEXAMPLE",
    "aws_secret_access_key": "a-secret-key",
}


def asked(world: World, reached: bool) -> None:
    world.organization(world.person())
    token = world.scoped_token()
    with pytest.MonkeyPatch.context() as patch:
        outcome = None if reached else "unreachable"
        patch.setattr(operations, "_try", lambda _open: outcome)
        act(world, "platform_api.storage.update", token=token, json=S3)


@leaves("platform_api.storage.update", "storage.updated")
def storage_updated(world: World) -> None:
    asked(world, reached=True)


@leaves("platform_api.storage.update", "storage.check_failed")
def storage_check_failed(world: World) -> None:
    asked(world, reached=False)
