"""One function for each mail about the life of an organization."""

from datetime import datetime

from app.domains.email.promising import mail


@mail
def ownership_offer(
    to: str,
    *,
    first_name: str,
    tenant_name: str,
    tenant_id: int,
    actor_name: str,
    expires_at: datetime,
    link: str,
) -> None:
    """Offer an organization to one of its members."""


@mail
def ownership_transfer(
    to: str,
    *,
    first_name: str,
    tenant_name: str,
    tenant_id: int,
    actor_name: str,
    person_name: str,
    at: datetime,
    link: str,
) -> None:
    """Tell the old and the new owner that an organization changed hands."""


@mail
def ownership_refusal(
    to: str, *, first_name: str, tenant_name: str, tenant_id: int, person_name: str, link: str
) -> None:
    """Tell the owner that their offer was declined."""


@mail
def ownership_withdrawal(
    to: str, *, first_name: str, tenant_name: str, tenant_id: int, actor_name: str
) -> None:
    """Tell a member that what was offered to them is not any more."""


@mail
def domain_loss(
    to: str, *, first_name: str, tenant_name: str, tenant_id: int, domain: str, link: str
) -> None:
    """Tell owner and admins that a domain's record is gone."""


@mail
def closing_request(
    to: str,
    *,
    first_name: str,
    tenant_name: str,
    tenant_id: int,
    actor_name: str,
    due_at: datetime,
    link: str,
) -> None:
    """Tell whoever answers for an organization that it is going to be closed."""


@mail
def closing_reminder(
    to: str, *, first_name: str, tenant_name: str, tenant_id: int, due_at: datetime, link: str
) -> None:
    """Tell the same people a day ahead."""


@mail
def closing_stop(
    to: str, *, first_name: str, tenant_name: str, tenant_id: int, actor_name: str, at: datetime, link: str
) -> None:
    """Tell the same people that an organization is kept after all."""


@mail
def closing_done(to: str, *, first_name: str, tenant_name: str, at: datetime) -> None:
    """Tell a member that an organization is gone."""


@mail
def organization_export_ready(
    to: str, *, first_name: str, tenant_name: str, tenant_id: int, expires_at: datetime, link: str
) -> None:
    """Tell whoever asked where the export of an organization can be fetched."""


@mail
def join_request(
    to: str,
    *,
    first_name: str,
    tenant_name: str,
    tenant_id: int,
    person_name: str,
    email: str,
    reason: str,
    link: str,
) -> None:
    """Tell somebody who manages members that a person asks to join."""


@mail
def join_approval(
    to: str, *, first_name: str, tenant_name: str, tenant_id: int, actor_name: str, link: str
) -> None:
    """Tell a person that they are a member."""


@mail
def join_refusal(to: str, *, first_name: str, tenant_name: str, tenant_id: int, answer: str) -> None:
    """Tell a person that they are not taken in."""
