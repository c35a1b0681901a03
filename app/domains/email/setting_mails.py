"""The mails about an organization's settings."""

from app.domains.email.promising import mail


@mail
def setting_lock(
    to: str,
    *,
    first_name: str,
    tenant_name: str | None = None,
    tenant_id: int | None = None,
    setting_label: str,
    value: str,
) -> None:
    """Tell an owner or admin that the platform set one of their settings and locked it."""
