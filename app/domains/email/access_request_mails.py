"""The mails about access that members ask their admins for."""

from datetime import datetime

from app.domains.email.promising import mail


@mail
def access_request(
    to: str,
    *,
    first_name: str,
    tenant_name: str,
    tenant_id: int,
    member_name: str,
    wanted: str,
    reason: str,
    expires_at: datetime,
    link: str,
) -> None:
    """Tell an owner or admin that a member asks for access."""


@mail
def access_grant(
    to: str,
    *,
    first_name: str,
    tenant_name: str,
    tenant_id: int,
    wanted: str,
    given: str,
    decided_by: str,
    answer: str,
    link: str,
) -> None:
    """Tell a member that they have what they asked for."""


@mail
def access_refusal(
    to: str,
    *,
    first_name: str,
    tenant_name: str,
    tenant_id: int,
    wanted: str,
    decided_by: str,
    answer: str,
    link: str,
) -> None:
    """Tell a member that they do not get what they asked for."""
