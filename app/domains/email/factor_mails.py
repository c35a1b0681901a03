"""The mails about a second factor that an organization demands, and about one that is lost."""

from datetime import date, datetime, timedelta
from typing import Any

from app.domains.email.promising import mail, promise


def two_factor_demand(
    to: str,
    *,
    first_name: str,
    tenant_name: str | None = None,
    tenant_id: int | None = None,
    begins: date | str,
    link: str,
) -> None:
    """Tell a member from when on their organization asks for a second factor: a day, or "now"."""
    own: dict[str, Any] = {"from": begins, "link": link}  # the catalog's name is a word of Python's
    promise("two_factor_demand", to, first_name, tenant_name, tenant_id=tenant_id, **own)


@mail
def factor_recovery_request(
    to: str,
    *,
    first_name: str,
    tenant_name: str | None = None,
    confirm_url: str,
    cancel_url: str,
    token: str,
    waits: timedelta,
) -> None:
    """Tell someone that the removal of their second factor was asked for, with both ways to go on."""


@mail
def factor_recovery_due(
    to: str, *, first_name: str, tenant_name: str | None = None, finish_url: str, cancel_url: str, token: str
) -> None:
    """Mail the link that removes a second factor after the waiting period."""


@mail
def factor_recovery_cancellation(
    to: str, *, first_name: str, tenant_name: str | None = None, at: datetime, link: str
) -> None:
    """Tell someone that the removal of their second factor was stopped."""
