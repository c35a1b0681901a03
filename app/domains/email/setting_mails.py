"""The mails about an organization's settings."""

from app.domains.email.promising import promise


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
    promise(
        "setting_lock",
        to,
        first_name,
        tenant_name,
        tenant_id=tenant_id,
        setting_label=setting_label,
        value=value,
    )
