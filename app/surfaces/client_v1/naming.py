"""Which instance a call names: by its host, else by headers; never guessed at where they disagree."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import request

from app.core.environments import Environment
from app.core.errors import Malformed
from app.core.settings import current_settings

ID_HEADER, ENVIRONMENT_HEADER = "X-Platform-Id", "X-Platform-Env"
_WORDS = {"prod": Environment.PROD, "production": Environment.PROD, "staging": Environment.STAGING}
"""There is no way in for dev."""


class InstanceMissing(Malformed):
    code, message = "instance:missing", "Name the instance by its host or by the headers."


class InstanceAmbiguous(Malformed):
    code, message = "instance:ambiguous", "Host and headers name different instances."


class EnvironmentUnknown(Malformed):
    code, message = "instance:unknown_environment", "There is no such environment."


@dataclass(frozen=True)
class Named:
    """An instance as a call names it: a platform id and an environment."""

    platform_id: str
    environment: Environment


def named() -> Named:
    """Return the instance that the call names.

    :raises InstanceMissing: if neither host nor headers name one
    :raises InstanceAmbiguous: if they name different ones, or a header says two things
    :raises EnvironmentUnknown: if the header names no environment of this API
    """
    platform_id = _one(request.headers.getlist(ID_HEADER))
    word = _one(request.headers.getlist(ENVIRONMENT_HEADER)).lower()
    by_host = of_host(host())
    if word and word not in _WORDS:
        raise EnvironmentUnknown
    if by_host is None:
        if not platform_id:
            raise InstanceMissing
        return Named(_plain(platform_id), _WORDS[word] if word else Environment.PROD)
    agrees = not platform_id or _plain(platform_id) == by_host.platform_id
    if not agrees or (word and _WORDS[word] is not by_host.environment):
        raise InstanceAmbiguous
    return by_host


def of_host(name: str) -> Named | None:
    """Return the instance that a host names: ``api.ID.DOMAIN`` is prod, ``api.staging.ID.DOMAIN`` staging."""
    name = name.lower().rstrip(".")
    if name == (urlsplit(current_settings().public_url).hostname or ""):
        return None  # the portal's own name, whatever it begins with
    match name.split("."):
        case ["api", "staging", platform_id, _, *_]:
            return Named(_plain(platform_id), Environment.STAGING)
        case ["api", platform_id, _, *_] if platform_id != "staging":
            return Named(_plain(platform_id), Environment.PROD)
    return None


def host() -> str:
    """Return the host called, without its port; what a proxy says of it counts where we trust proxies."""
    called = request.host
    hops = current_settings().trusted_proxies
    if hops:
        told = [part.strip() for part in ",".join(request.headers.getlist("X-Forwarded-Host")).split(",")]
        if len(told) >= hops and told[-hops]:
            called = told[-hops]
    return called.partition(":")[0]


def _one(values: Sequence[str]) -> str:
    said = {part.strip() for value in values for part in value.split(",") if part.strip()}
    if len(said) > 1:
        raise InstanceAmbiguous
    return said.pop() if said else ""


def _plain(platform_id: str) -> str:
    return platform_id.lower().replace("_", "-")
