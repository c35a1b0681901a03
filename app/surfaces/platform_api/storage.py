"""Where the organization's files lie."""

from typing import Any

import marshmallow as ma

from app.core.buckets import STORAGE_CHANGES
from app.core.permissions import Permission
from app.domains.storage import operations
from app.domains.storage.models import Provider
from app.domains.storage.naming import Wanted
from app.domains.storage.operations import Shown
from app.surfaces.platform_api.dialect import SCOPED_ONLY, blp, door
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.openapi import Schema

_TEXT = ma.validate.Length(max=2000)


class StorageIn(Schema):
    provider = ma.fields.Enum(Provider, by_value=True, required=True)
    bucket = ma.fields.String(validate=_TEXT)
    region = ma.fields.String(validate=_TEXT)
    aws_access_key_id = ma.fields.String(validate=_TEXT, load_only=True)
    aws_secret_access_key = ma.fields.String(validate=_TEXT, load_only=True)
    endpoint_url = ma.fields.String(validate=_TEXT)
    azure_connection_string = ma.fields.String(validate=_TEXT, load_only=True)
    container_name = ma.fields.String(validate=_TEXT)


class StorageOut(Schema):
    """S3 and LOCAL name bucket and region, AZURE its container; endpoint_url only where one was set."""

    provider = ma.fields.String()
    bucket = ma.fields.String(allow_none=True)
    region = ma.fields.String(allow_none=True)
    container_name = ma.fields.String()
    endpoint_url = ma.fields.String()
    credentials_set = ma.fields.Boolean()


def _worded(found: Shown) -> dict[str, Any]:
    about: dict[str, Any] = {"provider": str(found.provider), "credentials_set": found.credentials_set}
    if found.provider is Provider.AZURE:
        return {**about, "container_name": found.bucket}
    if found.endpoint_url:
        about["endpoint_url"] = found.endpoint_url
    return {**about, "bucket": found.bucket, "region": found.region}


@blp.get("/service/storage")
@door("scoped")
@blp.refuses({403: SCOPED_ONLY})
@blp.response(200, StorageOut)
def get():
    """Show where the organization's files of this environment are kept."""
    return _worded(operations.current(current_actor()))


@blp.put("/service/storage")
@door("scoped", limit=STORAGE_CHANGES, access=Permission.STORAGE_MANAGE)
@blp.refuses(
    {
        400: ("storage:connection_failed", "storage:endpoint_not_allowed"),
        403: (*SCOPED_ONLY, "auth:permission_denied"),
    }
)
@blp.arguments(StorageIn)
@blp.response(200, StorageOut)
def update(body):
    """Set the organization's own object storage for this environment after trying it."""
    return _worded(operations.update(current_actor(), wanted=Wanted(**body)))
