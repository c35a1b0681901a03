"""The mails about what somebody may do in an organization, and whether they may work in it at all."""

from app.domains.email.promising import promise


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
    promise(
        "role_change",
        to,
        first_name,
        tenant_name,
        tenant_id=tenant_id,
        actor_name=actor_name,
        role=role,
        profile_name=profile_name,
    )


def access_end(to: str, *, first_name: str, tenant_name: str, tenant_id: int, contact_email: str) -> None:
    """Tell somebody that their access to an organization was ended."""
    promise("access_end", to, first_name, tenant_name, tenant_id=tenant_id, contact_email=contact_email)


def access_return(to: str, *, first_name: str, tenant_name: str, tenant_id: int, link: str) -> None:
    """Tell somebody that their access to an organization is back."""
    promise("access_return", to, first_name, tenant_name, tenant_id=tenant_id, link=link)
