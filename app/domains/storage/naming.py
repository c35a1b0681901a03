"""Which hosts an organization may name as its storage, and how what it gives is read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from app.core.errors import Refused, ValidationFailed
from app.domains.settings import queries as settings
from app.domains.storage.models import Provider
from app.domains.storage.stores import Place

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_CONTAINER = re.compile(r"[a-z0-9](?:-?[a-z0-9]){2,62}")
_AMAZONS_REGION = re.compile(r"[a-z]{2}(?:-[a-z]{2,12}){1,3}-\d{1,2}")
_REGION = re.compile(r"[a-z0-9-]{1,40}")
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
_KEY_LENGTH = 200
_CLOUDS = ("core.windows.net", "core.chinacloudapi.cn", "core.usgovcloudapi.net")
"""Microsoft's own: public, worldwide, China, the government's."""
_PORTS = {"https": 443, "http": 80}

_S3 = ("bucket", "region", "aws_access_key_id", "aws_secret_access_key")
_AZURE = ("azure_connection_string", "container_name")
_TAKEN: Mapping[Provider, tuple[str, ...]] = {
    Provider.S3: (*_S3, "endpoint_url"),
    Provider.AZURE: _AZURE,
    Provider.LOCAL: (),
}
_NEEDED: Mapping[Provider, tuple[str, ...]] = {Provider.S3: _S3, Provider.AZURE: _AZURE, Provider.LOCAL: ()}


class EndpointNotAllowed(Refused):
    code, message = "storage:endpoint_not_allowed", "This storage host is not allowed."


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What an organization asks for; which fields count is the provider's matter."""

    provider: Provider
    bucket: str | None = None
    region: str | None = None
    aws_access_key_id: str | None = None
    aws_secret_access_key: str | None = None
    endpoint_url: str | None = None
    azure_connection_string: str | None = None
    container_name: str | None = None

    def place(self) -> Place | None:
        """Return the place that is meant, None for the instance's own store.

        :raises ValidationFailed: for what lacks, cannot be, or belongs to another provider
        :raises EndpointNotAllowed: for a host that the operator has not listed
        """
        given = {name for names in _TAKEN.values() for name in names if getattr(self, name) is not None}
        faults: dict[str, list[str]] = {
            name: ["This belongs to another provider."] for name in given - set(_TAKEN[self.provider])
        }
        faults |= {name: ["Give this."] for name in _NEEDED[self.provider] if not getattr(self, name)}
        if faults:
            raise ValidationFailed(faults)
        if self.provider is Provider.S3:
            return self._s3()
        return self._azure() if self.provider is Provider.AZURE else None

    def _s3(self) -> Place:
        own = self.endpoint_url
        region = _REGION if own else _AMAZONS_REGION
        _match(_BUCKET, "bucket", self.bucket, "This cannot be a bucket's name.")
        _match(region, "region", self.region, "This cannot be a region.")
        for name in ("aws_access_key_id", "aws_secret_access_key"):
            _check_key(name, getattr(self, name))
        return Place(
            provider=Provider.S3,
            bucket=self.bucket or "",
            region=self.region,
            endpoint_url=_endpoint(own, "endpoint_url") if own else None,
            credentials={
                "access_key_id": self.aws_access_key_id or "",
                "secret_access_key": self.aws_secret_access_key or "",
            },
        )

    def _azure(self) -> Place:
        parts = _parts(self.azure_connection_string or "")
        _match(_CONTAINER, "container_name", self.container_name, "This cannot be a container's name.")
        account = parts["accountname"]
        return Place(
            provider=Provider.AZURE,
            bucket=self.container_name or "",
            region=None,
            endpoint_url=_account_url(parts),
            credentials={"account": account, "account_key": parts["accountkey"]},
        )


def _match(pattern: re.Pattern[str], field: str, value: str | None, says: str) -> None:
    if not pattern.fullmatch(value or ""):
        raise ValidationFailed({field: [says]})


def _check_key(field: str, value: str) -> None:
    if len(value) > _KEY_LENGTH or not value.isascii() or not value.isprintable() or " " in value:
        raise ValidationFailed({field: ["This cannot be a key."]})


def _parts(text: str) -> dict[str, str]:
    """Read a connection string; of all that it may say, only account, key and host count."""
    pairs = [part.partition("=") for part in text.split(";") if part.strip()]
    parts = {name.strip().lower(): value.strip() for name, _, value in pairs}
    known = _ACCOUNT.fullmatch(parts.get("accountname", "")) and parts.get("accountkey")
    if not known or len(text) > 2000 or not text.isascii() or not text.isprintable():
        says = "Give the connection string of an account: AccountName=…;AccountKey=…"
        raise ValidationFailed({"azure_connection_string": [says]})
    return parts


def _account_url(parts: Mapping[str, str]) -> str:
    if own := parts.get("blobendpoint"):
        return _endpoint(own, "azure_connection_string", with_path=True)
    suffix = parts.get("endpointsuffix", _CLOUDS[0]).lower()
    address = f"https://{parts['accountname']}.blob.{suffix}"
    return address if suffix in _CLOUDS else _endpoint(address, "azure_connection_string")


def _endpoint(text: str, field: str, *, with_path: bool = False) -> str:
    """Return an address whose host the operator has listed (``storage.allowed_endpoints``)."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError) as error:
        raise EndpointNotAllowed from error
    plain = text.isascii() and text.isprintable() and " " not in text and "\\" not in text
    odd = "@" in parts.netloc or parts.query or parts.fragment or (parts.path.strip("/") and not with_path)
    if not plain or odd or not host:
        raise ValidationFailed({field: ["Give the address of a host: https://host:port"]})
    listed = {entry.strip().lower() for entry in settings.entries("storage.allowed_endpoints")}
    names = {f"{host}:{port}", f"[{host}]:{port}"} | ({host} if port == _PORTS["https"] else set())
    if not names & listed:
        remedy = "The platform's admins keep the list of hosts (storage.allowed_endpoints)."
        raise EndpointNotAllowed(layer="platform", remedy=remedy)
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"
