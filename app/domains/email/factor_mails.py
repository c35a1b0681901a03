"""The mails about a second factor that an organization demands, and about one that is lost."""

from datetime import date, datetime, timedelta
from typing import Any

from app.domains.email.promising import promise


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
    promise(
        "factor_recovery_request",
        to,
        first_name,
        tenant_name,
        confirm_url=confirm_url,
        cancel_url=cancel_url,
        token=token,
        waits=waits,
    )


def factor_recovery_due(
    to: str, *, first_name: str, tenant_name: str | None = None, finish_url: str, cancel_url: str, token: str
) -> None:
    """Mail the link that removes a second factor after the waiting period."""
    promise(
        "factor_recovery_due",
        to,
        first_name,
        tenant_name,
        finish_url=finish_url,
        cancel_url=cancel_url,
        token=token,
    )


def factor_recovery_cancellation(
    to: str, *, first_name: str, tenant_name: str | None = None, at: datetime, link: str
) -> None:
    """Tell someone that the removal of their second factor was stopped."""
    promise("factor_recovery_cancellation", to, first_name, tenant_name, at=at, link=link)
