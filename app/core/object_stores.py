"""Files kept with somebody else: S3 and whatever speaks it, Azure Blob.

One try a call, few seconds, no redirects: a tenant names these places, and a slow one must hold nobody up.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

import boto3
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.storage.blob import ContainerClient
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from app.core import clock
from app.core.storage import Stored, StoreFailed

P = ParamSpec("P")
R = TypeVar("R")

CONNECT_SECONDS = 3
READ_SECONDS = 5
MOST_BYTES = 256 * 1024 * 1024
"""A file larger than any of ours: whoever the bucket belongs to put it in our file's place."""

_S3_REASONS = {
    "NoSuchBucket": "no_such_bucket",
    "PermanentRedirect": "wrong_region",
    "TemporaryRedirect": "wrong_region",
    "AuthorizationHeaderMalformed": "wrong_region",
    "IllegalLocationConstraintException": "wrong_region",
    "301": "wrong_region",
    "307": "wrong_region",
}
_DENIED = (401, 403)


@dataclass(frozen=True, kw_only=True)
class S3Place:
    """A bucket and what opens it."""

    bucket: str
    region: str
    endpoint_url: str
    access_key_id: str
    secret_access_key: str


@dataclass(frozen=True, kw_only=True)
class AzurePlace:
    """A container and what opens it."""

    account: str
    account_url: str
    account_key: str
    container: str


class S3Store:
    """Files in a bucket, all under one prefix: the bucket may hold others' things too."""

    def __init__(self, place: S3Place, prefix: str) -> None:
        self._bucket, self._prefix = place.bucket, prefix
        self._client: Any = boto3.session.Session().client(
            "s3",
            region_name=place.region,
            endpoint_url=place.endpoint_url,
            aws_access_key_id=place.access_key_id,
            aws_secret_access_key=place.secret_access_key,
            config=Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"total_max_attempts": 1},
                s3={"addressing_style": "path"},
                # Not every S3 knows the newer checksums.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                proxies={},
            ),
        )
        for name in ("needs-retry.s3", "before-parameter-build.s3", "before-endpoint-resolution.s3"):
            _follow_nowhere(self._client, name)

    def put(self, key: str, content: bytes) -> None:
        """Write an object; S3 answers when it is safe."""
        with _s3():
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + key, Body=content)

    def get(self, key: str) -> bytes | None:
        """Read an object."""
        try:
            with _s3():
                found = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)
                _require_bounded(found["ContentLength"])
                content: bytes = found["Body"].read()
                return content
        except _Missing:
            return None

    def delete(self, key: str) -> None:
        """Delete an object."""
        with _s3():
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + key)

    def listed(self, folder: str) -> Iterator[Stored]:
        """Yield the objects of a folder, a page of them at a time."""
        with _s3():
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._bucket, Prefix=f"{self._prefix}{folder}/"):
                for one in page.get("Contents", ()):
                    age = (clock.now() - one["LastModified"]).total_seconds()
                    yield Stored(one["Key"].removeprefix(self._prefix), age)


def _follow_nowhere(client: Any, event: str) -> None:
    """Take botocore's follower of regions out: it would call wherever an answer says."""
    registered = client.meta.events._emitter._handlers.prefix_search(event)
    for handler in registered:
        owner = getattr(handler, "__self__", None)
        if "Redirector" in type(owner).__name__:
            client.meta.events.unregister(event, handler)


def _require_bounded(size: int) -> None:
    if size > MOST_BYTES:
        raise StoreFailed("unreachable")


class _Missing(Exception):
    """There is no such object, in a bucket that is there."""


@contextmanager
def _s3() -> Iterator[None]:
    try:
        yield
    except (ConnectTimeoutError, ReadTimeoutError) as error:
        raise StoreFailed("timeout") from error
    except (EndpointConnectionError, ConnectionClosedError) as error:
        raise StoreFailed("unreachable") from error
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if code == "NoSuchKey":
            raise _Missing from error
        denied = "access_denied" if status in _DENIED else "unreachable"
        raise StoreFailed(_S3_REASONS.get(code, denied)) from error
    except BotoCoreError as error:
        raise StoreFailed("unreachable") from error


class AzureStore:
    """Files in a container, all under one prefix."""

    def __init__(self, place: AzurePlace, prefix: str) -> None:
        self._prefix = prefix
        self._container = ContainerClient(
            place.account_url,
            place.container,
            credential=AzureNamedKeyCredential(place.account, place.account_key),
            connection_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retry_total=0,
            permit_redirects=False,
            use_env_settings=False,  # no proxy, no password of a file at home
        )

    def put(self, key: str, content: bytes) -> None:
        """Write a blob."""
        _azure(self._container.upload_blob, self._prefix + key, content, overwrite=True)

    def get(self, key: str) -> bytes | None:
        """Read a blob."""
        try:
            found = _azure(self._container.download_blob, self._prefix + key)
        except _Missing:
            return None
        _require_bounded(found.size)
        content: bytes = _azure(found.readall)
        return content

    def delete(self, key: str) -> None:
        """Delete a blob."""
        try:
            _azure(self._container.delete_blob, self._prefix + key)
        except _Missing:
            return

    def listed(self, folder: str) -> Iterator[Stored]:
        """Yield the blobs of a folder."""
        for blob in _azure(lambda: list(self._container.list_blobs(f"{self._prefix}{folder}/"))):
            yield Stored(
                blob.name.removeprefix(self._prefix), (clock.now() - blob.last_modified).total_seconds()
            )


def _azure(call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    try:
        return call(*args, **kwargs)
    except ResourceNotFoundError as error:
        if getattr(error, "error_code", "") == "ContainerNotFound":
            raise StoreFailed("no_such_bucket") from error
        raise _Missing from error
    except (ServiceRequestError, ServiceResponseError) as error:
        late = "timed out" in str(error).lower()
        raise StoreFailed("timeout" if late else "unreachable") from error
    except HttpResponseError as error:
        raise StoreFailed("access_denied" if error.status_code in _DENIED else "unreachable") from error
    except (AzureError, ValueError) as error:  # a key that is no base64 is a ValueError
        raise StoreFailed("access_denied" if isinstance(error, ValueError) else "unreachable") from error
