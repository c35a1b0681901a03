"""The mails about support in somebody's name, and about an account that the platform's admins close."""

from datetime import datetime
from typing import Any

from app.domains.email.promising import mail, promise


def support_request(
    to: str,
    *,
    first_name: str,
    tenant_name: str | None = None,
    admin_name: str,
    reason: str,
    expires_at: datetime,
    link: str,
) -> None:
    """Tell someone that an admin of the platform asks to act in their name."""
    own: dict[str, Any] = {"admin_name": admin_name, "reason": reason, "expires_at": expires_at, "link": link}
    promise("support_request", to, first_name, tenant_name, **own)


@mail
def support_grant(
    to: str, *, first_name: str, tenant_name: str | None = None, person_name: str, until: datetime, link: str
) -> None:
    """Tell an admin of the platform that somebody lets them in."""


def support_start(
    to: str,
    *,
    first_name: str,
    tenant_name: str | None = None,
    admin_name: str,
    at: datetime,
    until: datetime,
    link: str,
) -> None:
    """Tell someone that support acts in their name from now on."""
    own: dict[str, Any] = {"admin_name": admin_name, "at": at, "until": until, "link": link}
    promise("support_start", to, first_name, tenant_name, **own)


@mail
def account_standing(
    to: str, *, first_name: str, tenant_name: str | None = None, status: str, reason: str, at: datetime
) -> None:
    """Tell someone that the platform's admins closed or opened their account."""
