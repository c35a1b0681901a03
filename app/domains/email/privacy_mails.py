"""One function for each mail about a copy of one's data and about leaving."""

from datetime import datetime

from app.domains.email.promising import mail


@mail
def data_export_ready(
    to: str, *, first_name: str, tenant_name: str | None = None, expires_at: datetime, link: str
) -> None:
    """Tell someone where their export can be fetched."""


@mail
def deletion_request(
    to: str, *, first_name: str, tenant_name: str | None = None, due_at: datetime, cancel_url: str, token: str
) -> None:
    """Tell someone that their account is going to be erased, with the way back."""


@mail
def deletion_reminder(
    to: str, *, first_name: str, tenant_name: str | None = None, due_at: datetime, cancel_url: str, token: str
) -> None:
    """Tell someone a day ahead that their account is going to be erased."""


@mail
def deletion_done(to: str, *, first_name: str, tenant_name: str | None = None, at: datetime) -> None:
    """Tell someone that they were erased; nothing is kept of whom this mail went to."""
