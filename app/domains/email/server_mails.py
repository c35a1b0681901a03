"""The mails about an organization's own mail server."""

from datetime import datetime

from app.domains.email.promising import mail


@mail
def smtp_test(to: str, *, first_name: str, tenant_name: str, smtp_host: str, sent_at: datetime) -> None:
    """Mail a message that says that the server works; a test writes it itself and sends it through it."""


@mail
def smtp_failure(
    to: str,
    *,
    first_name: str,
    tenant_name: str,
    smtp_host: str,
    failures: int,
    last_error: str,
    link: str,
) -> None:
    """Tell owner and admins, through the instance's server, that their own refuses messages."""
