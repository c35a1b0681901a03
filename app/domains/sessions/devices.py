"""What a sign-in is called by people: its device and its place."""

import functools
from collections.abc import Mapping
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from app.core.late import Late
from app.core.secrets import keyed_hash
from app.core.settings import current_settings

if TYPE_CHECKING:
    import maxminddb
    import ua_parser
else:
    maxminddb, ua_parser = Late("maxminddb"), Late("ua_parser")

_CLIENTS = {"curl": "curl", "python-requests": "Python", "httpx": "Python", "okhttp": "Android app"}


@functools.lru_cache(maxsize=512)
def describe(user_agent: str) -> str:
    """Return e.g. ``Firefox on Linux``; what is no browser is called by its first word."""
    if not user_agent.strip():
        return "Unknown device"
    parsed = ua_parser.parse(user_agent[:400])
    browser = parsed.user_agent.family if parsed.user_agent else None
    system = parsed.os.family if parsed.os else None
    if browser and system:
        return f"{browser} on {system}"[:100]
    first = user_agent.split("/")[0].split(" ")[0]
    plain = "".join(c for c in first if c.isprintable())
    return (browser or _CLIENTS.get(first.lower()) or plain)[:100] or "Unknown device"


def device_key(user_agent: str) -> str:
    """Return what a device is recognised by: browser and system, not their versions."""
    return keyed_hash("device", describe(user_agent))[:64]


def country_of(ip: str | None) -> str | None:
    """Return the ISO code of the country an address belongs to, where a database of them is configured."""
    reader = _countries(str(current_settings().geoip_database or ""))
    if reader is None or ip is None:
        return None
    try:
        found: Any = reader.get(ip_address(ip))
    except ValueError:
        return None
    country: Mapping[str, Any] = found.get("country") or {} if isinstance(found, Mapping) else {}
    return country.get("iso_code")


@functools.lru_cache(maxsize=1)
def _countries(path: str) -> "maxminddb.Reader | None":
    return maxminddb.open_database(path) if path else None
