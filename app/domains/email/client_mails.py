"""The mails about an organization's service users."""

from app.domains.email.promising import promise


def service_sign_in_failures(
    to: str,
    *,
    first_name: str,
    tenant_name: str,
    tenant_id: int,
    service_user: str,
    environment: str,
    failures: int,
    ip_address: str,
) -> None:
    """Tell someone who answers for an organization that a service user of its keeps failing to sign in."""
    promise(
        "service_sign_in_failures",
        to,
        first_name,
        tenant_name,
        tenant_id=tenant_id,
        service_user=service_user,
        environment=environment,
        failures=failures,
        ip_address=ip_address,
    )
