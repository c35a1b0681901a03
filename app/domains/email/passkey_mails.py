"""One function for each mail about passkeys."""

from datetime import datetime

from app.domains.email.promising import mail


@mail
def passkey_addition(
    to: str, *, first_name: str, tenant_name: str | None = None, passkey_name: str, at: datetime, link: str
) -> None:
    """Tell someone that a passkey signs them in from now on."""


@mail
def passkey_removal(
    to: str, *, first_name: str, tenant_name: str | None = None, passkey_name: str, at: datetime, link: str
) -> None:
    """Tell someone that a passkey signs them in no longer."""


@mail
def passkey_copy(
    to: str, *, first_name: str, tenant_name: str | None = None, passkey_name: str, at: datetime, link: str
) -> None:
    """Tell someone that what looks like a copy of their passkey was shown, and refused."""
