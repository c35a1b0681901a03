"""Addresses of our own pages: each starts at the configured public address, never at a request's Host."""

from urllib.parse import urlencode

from app.core.settings import current_settings


def public_url(path: str, **query: str) -> str:
    """Return the absolute address of a page, e.g. ``public_url("/reset-password", token=token)``."""
    address = current_settings().public_url + path
    return f"{address}?{urlencode(query)}" if query else address


def own_path(address: str | None) -> str:
    """Return the path of an address of our own, nothing for any other."""
    home = current_settings().public_url
    return address.removeprefix(home) if address and address.startswith(f"{home}/") else ""


def absolute(address: str | None) -> str | None:
    """Return an address that is kept as a path where it is our own, written out; nothing stays nothing."""
    return public_url(address) if address and address.startswith("/") else address
