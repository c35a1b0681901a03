"""The mails about invitations and the seats that they take."""

from datetime import datetime

from app.domains.email.promising import mail, promise


def member_invitation(
    to: str,
    *,
    first_name: str,
    tenant_name: str,
    tenant_id: int,
    inviter_name: str,
    role: str,
    accept_url: str,
    token: str,
    expires_at: datetime,
    message: str = "",
) -> None:
    """Ask somebody into an organization, with a message of whoever invites."""
    promise(
        "member_invitation",
        to,
        first_name,
        tenant_name,
        tenant_id=tenant_id,
        inviter_name=inviter_name,
        role=role,
        accept_url=accept_url,
        token=token,
        expires_at=expires_at,
        **({"message": message} if message else {}),
    )


@mail
def seat_shortage(
    to: str, *, first_name: str, tenant_name: str, tenant_id: int, used: int, total: int, link: str
) -> None:
    """Tell owner and admins that few seats of the plan are left."""
