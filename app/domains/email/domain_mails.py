"""The mail about an organization's sender domain."""

from app.domains.email.promising import mail


@mail
def sender_domain_status(
    to: str,
    *,
    first_name: str,
    tenant_name: str,
    tenant_id: int,
    domain: str,
    status: str,
    link: str,
) -> None:
    """Tell somebody who leads an organization that the records of its sender domain stand otherwise now."""
