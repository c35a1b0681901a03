"""One function for each mail about passkeys."""

from datetime import datetime

from app.domains.email.promising import promise as _promise


def passkey_addition(
    to: str, *, first_name: str, tenant_name: str | None = None, passkey_name: str, at: datetime, link: str
) -> None:
    """Tell someone that a passkey signs them in from now on."""
    _promise("passkey_addition", to, first_name, tenant_name, passkey_name=passkey_name, at=at, link=link)


def passkey_removal(
    to: str, *, first_name: str, tenant_name: str | None = None, passkey_name: str, at: datetime, link: str
) -> None:
    """Tell someone that a passkey signs them in no longer."""
    _promise("passkey_removal", to, first_name, tenant_name, passkey_name=passkey_name, at=at, link=link)


def passkey_copy(
    to: str, *, first_name: str, tenant_name: str | None = None, passkey_name: str, at: datetime, link: str
) -> None:
    """Tell someone that what looks like a copy of their passkey was shown, and refused."""
    _promise("passkey_copy", to, first_name, tenant_name, passkey_name=passkey_name, at=at, link=link)
