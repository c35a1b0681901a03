"""The mails about an organization's plan and what it costs.

The instance writes them, not the organization: they take no server or sender of its own.
"""

from datetime import date, datetime

from app.core.money import Money
from app.domains.email.promising import mail


@mail
def trial_end_notice(
    to: str,
    *,
    first_name: str,
    tenant_name: str,
    days_left: int,
    plan_name: str,
    ends_at: datetime,
    link: str,
) -> None:
    """Tell owner, admins and the billing address that a trial is about to end."""


@mail
def subscription_start(
    to: str, *, first_name: str, tenant_name: str, plan_name: str, interval: str, period_end: datetime
) -> None:
    """Tell owner and billing address what plan an organization is on now."""


@mail
def payment_failure(
    to: str, *, first_name: str, tenant_name: str, amount: Money, failed_at: date, link: str
) -> None:
    """Tell owner and billing address that an amount was not paid when it was due."""


@mail
def invoice(
    to: str, *, first_name: str, tenant_name: str, number: str, amount: Money, due_at: date, pay_url: str
) -> None:
    """Send the link to an invoice to whoever pays it."""
