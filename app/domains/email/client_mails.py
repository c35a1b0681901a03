"""The mails about an organization's service users."""

from app.domains.email.promising import mail


@mail
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
