"""One function for each mail about exports and archives of the audit trail."""

from datetime import datetime

from app.domains.email.promising import mail


@mail
def audit_export_ready(
    to: str,
    *,
    first_name: str,
    tenant_name: str | None = None,
    tenant_id: int | None = None,
    row_count: int,
    expires_at: datetime,
    link: str,
) -> None:
    """Tell who asked for an export where it can be fetched."""


@mail
def audit_archive_failure(
    to: str,
    *,
    first_name: str,
    tenant_name: str,
    tenant_id: int,
    day: str,
    environment: str,
    reason: str,
    link: str,
) -> None:
    """Tell who leads an organization that a day of its trail could not be written to its storage."""
