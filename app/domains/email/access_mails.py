"""The mails about what somebody may do in an organization, and whether they may work in it at all."""

from app.domains.email.promising import mail


@mail
def role_change(
    to: str,
    *,
    first_name: str,
    tenant_name: str,
    tenant_id: int,
    actor_name: str,
    role: str,
    profile_name: str,
) -> None:
    """Tell a member that their role or profile changed."""


@mail
def access_end(to: str, *, first_name: str, tenant_name: str, tenant_id: int, contact_email: str) -> None:
    """Tell somebody that their access to an organization was ended."""


@mail
def access_return(to: str, *, first_name: str, tenant_name: str, tenant_id: int, link: str) -> None:
    """Tell somebody that their access to an organization is back."""
